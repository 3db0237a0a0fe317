//! The bytes that move an address: ARP (RFC 826) and neighbour advertisement (RFC 4861, 4.4).

use std::net::{Ipv4Addr, Ipv6Addr};

/// An Ethernet hardware address.
pub type Mac = [u8; 6];

/// Everybody.
pub const BROADCAST: Mac = [0xff; 6];
/// Every IPv6 node: the Ethernet form of `ff02::1`.
pub const ALL_NODES_MAC: Mac = [0x33, 0x33, 0, 0, 0, 1];
/// `ff02::1`.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The two forms of gratuitous ARP. Some neighbours learn from one, some from the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arp {
    /// "Who has X, tell X": target hardware address zero.
    Request,
    /// "X is at M": sent to everybody.
    Reply,
}

/// A gratuitous ARP packet without its Ethernet header.
pub fn arp(form: Arp, mac: Mac, ip: Ipv4Addr) -> Vec<u8> {
    let (operation, target) = match form {
        Arp::Request => (1, [0; 6]),
        Arp::Reply => (2, mac),
    };
    let mut packet = vec![0, 1, 0x08, 0x00, 6, 4, 0, operation];
    packet.extend_from_slice(&mac);
    packet.extend_from_slice(&ip.octets());
    packet.extend_from_slice(&target);
    packet.extend_from_slice(&ip.octets());
    packet
}

/// An unsolicited neighbour advertisement to all nodes, override flag set, with its IPv6 header
/// and without its Ethernet header. A router must say that it is one, or its neighbours drop it
/// from their lists of routers.
pub fn advertisement(mac: Mac, ip: Ipv6Addr, router: bool) -> Vec<u8> {
    let body = advertisement_body(mac, ip, router);
    let mut packet = vec![0x60, 0, 0, 0, 0, 32, 58, 255];
    packet.extend_from_slice(&ip.octets());
    packet.extend_from_slice(&ALL_NODES.octets());
    packet.extend_from_slice(&body);
    packet
}

fn advertisement_body(mac: Mac, ip: Ipv6Addr, router: bool) -> Vec<u8> {
    let build = |sum: u16| {
        let [high, low] = sum.to_be_bytes();
        let flags = if router { 0xa0 } else { 0x20 };
        let mut body = vec![136, 0, high, low, flags, 0, 0, 0];
        body.extend_from_slice(&ip.octets());
        body.extend_from_slice(&[2, 1]);
        body.extend_from_slice(&mac);
        body
    };
    build(checksum(ip, ALL_NODES, &build(0)))
}

/// The ICMPv6 checksum over pseudo header and body.
fn checksum(from: Ipv6Addr, to: Ipv6Addr, body: &[u8]) -> u16 {
    let length = u32::try_from(body.len()).unwrap_or(0).to_be_bytes();
    let words = [&from.octets()[..], &to.octets(), &length, &[0, 0, 0, 58], body].concat();
    !words.chunks(2).fold(0u16, |sum, pair| {
        let word =
            u16::from_be_bytes([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)]);
        let (sum, carry) = sum.overflowing_add(word);
        sum + u16::from(carry)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = [2, 0, 0, 0, 0, 1];

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// The bytes the reference's `send_arp` put on a veth for 10.0.0.50 from 02:00:00:00:00:01.
    #[test]
    fn arp_is_the_references_byte_for_byte() {
        let ip = Ipv4Addr::new(10, 0, 0, 50);
        assert_eq!(
            hex(&arp(Arp::Request, MAC, ip)),
            "00010800060400010200000000010a0000320000000000000a000032"
        );
        assert_eq!(
            hex(&arp(Arp::Reply, MAC, ip)),
            "00010800060400020200000000010a0000320200000000010a000032"
        );
    }

    #[test]
    fn an_advertisement_checks_out() {
        let ip: Ipv6Addr = "fd00::50".parse().unwrap();
        for router in [false, true] {
            let packet = advertisement(MAC, ip, router);
            assert_eq!(packet.len(), 72);
            assert_eq!(checksum(ip, ALL_NODES, &packet[40..]), 0, "a right checksum sums to zero");
            assert_eq!(packet[44], if router { 0xa0 } else { 0x20 });
        }
    }
}
