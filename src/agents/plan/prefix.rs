//! Masks, networks, broadcasts.

use std::net::{IpAddr, Ipv4Addr};

/// The longest prefix of the address' family.
pub fn width(ip: IpAddr) -> u8 {
    if ip.is_ipv4() { 32 } else { 128 }
}

/// The mask of an IPv4 prefix length; lengths above 32 count as 32.
pub fn mask_v4(bits: u8) -> Ipv4Addr {
    let host = 32u32.saturating_sub(u32::from(bits));
    Ipv4Addr::from(u32::MAX.checked_shl(host).unwrap_or(0))
}

/// The last address of the network, conventionally its broadcast address.
pub fn broadcast(ip: Ipv4Addr, bits: u8) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(ip) | !u32::from(mask_v4(bits)))
}

/// The first address of the network.
pub fn network(ip: IpAddr, bits: u8) -> IpAddr {
    match ip {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from(u32::from(v4) & u32::from(mask_v4(bits)))),
        IpAddr::V6(v6) => {
            let host = 128u32.saturating_sub(u32::from(bits));
            IpAddr::V6((u128::from(v6) & u128::MAX.checked_shl(host).unwrap_or(0)).into())
        }
    }
}

/// Whether the network `net/bits` contains the address.
pub fn contains(net: IpAddr, bits: u8, ip: IpAddr) -> bool {
    net.is_ipv4() == ip.is_ipv4() && network(net, bits) == network(ip, bits)
}

/// A mask as people write it: a prefix length in 1..=32 or a contiguous dotted mask.
pub fn parse_v4(text: &str) -> Option<u8> {
    let bits = match text.parse::<Ipv4Addr>() {
        Ok(dotted) => {
            let bits = u32::from(dotted).leading_ones();
            let bits = u8::try_from(bits).ok()?;
            (mask_v4(bits) == dotted).then_some(bits)?
        }
        // No sign before it.
        Err(_) => text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))?,
    };
    (1..=32).contains(&bits).then_some(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        assert_eq!(mask_v4(24), Ipv4Addr::new(255, 255, 255, 0));
        assert_eq!(mask_v4(0), Ipv4Addr::UNSPECIFIED);
        assert_eq!(mask_v4(32), Ipv4Addr::BROADCAST);
        assert_eq!(parse_v4("24"), Some(24));
        assert_eq!(parse_v4("255.255.255.128"), Some(25));
        for bad in ["", "0", "33", "abc", "255.0.255.0", "0.0.0.0", "-1", "+24", "256", "24x"] {
            assert_eq!(parse_v4(bad), None, "{bad}");
        }
    }

    #[test]
    fn networks() {
        let ip = Ipv4Addr::new(10, 0, 0, 200);
        assert_eq!(broadcast(ip, 25), Ipv4Addr::new(10, 0, 0, 255));
        assert_eq!(broadcast(ip, 32), ip);
        assert_eq!(broadcast(ip, 0), Ipv4Addr::BROADCAST);
        assert!(contains("10.0.0.0".parse().unwrap(), 24, ip.into()));
        assert!(!contains("10.0.0.0".parse().unwrap(), 25, ip.into()));
        assert!(contains("fd00::".parse().unwrap(), 64, "fd00::5".parse().unwrap()));
        assert!(contains("::".parse().unwrap(), 0, "fd00::5".parse().unwrap()));
        assert!(!contains("::".parse().unwrap(), 0, ip.into()));
    }
}
