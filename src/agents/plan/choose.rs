//! Which interface, which prefix, which broadcast: the choices the reference leaves to `findif`.
//!
//! The two IPv4 agents choose differently and each does here as it does there, because a
//! haresources line without interface must land on the same interface after an upgrade.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use super::prefix;
use super::snapshot::{Link, Route, Snapshot};

/// The interface and prefix a word without them stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice<'a> {
    /// The interface.
    pub link: &'a Link,
    /// The prefix length of the route that decided.
    pub bits: u8,
}

/// `IPaddr2`: the most specific connected route that covers the address *and* the wanted prefix;
/// among equals the one listed last. Never a default route, nor one to a single host.
pub fn for_ipaddr2(snapshot: &Snapshot, ip: Ipv4Addr, bits: Option<u8>) -> Option<Choice<'_>> {
    covering(snapshot, ip.into(), bits, None).max_by_key(|r| r.bits).and_then(|r| choice(snapshot, r))
}

/// `IPaddr`: the most specific route that covers the address, gateways included; among equals the
/// smallest metric. A default route counts only when the prefix was written.
pub fn for_ipaddr(snapshot: &Snapshot, ip: Ipv4Addr, bits: Option<u8>) -> Option<Choice<'_>> {
    snapshot
        .routes
        .iter()
        .filter(|r| prefix::contains(r.net, r.bits, ip.into()))
        .filter(|r| r.bits > 0 || bits.is_some())
        .min_by_key(|r| (u8::MAX - r.bits, r.metric))
        .and_then(|r| choice(snapshot, r))
}

/// `IPv6addr`: the most specific connected route, smallest metric; on the wanted interface if one
/// was written. Link-local addresses fit everywhere and therefore need a written interface. An address without a
/// route of its own (`noprefixroute`) shows the way where no route does.
pub fn for_ipv6addr<'a>(snapshot: &'a Snapshot, ip: IpAddr, nic: Option<&Link>) -> Option<Choice<'a>> {
    snapshot
        .routes
        .iter()
        .filter(|r| r.on_link && r.bits > 0 && r.bits < 128 && prefix::contains(r.net, r.bits, ip))
        .filter(|r| nic.is_none_or(|n| n.index == r.index))
        .filter(|r| nic.is_some() || prefix::network(r.net, 10) != prefix::network(LINK_LOCAL, 10))
        .filter(|r| snapshot.link_at(r.index).is_some_and(|l| nic.is_some() || !l.is_loopback()))
        .min_by_key(|r| (u8::MAX - r.bits, r.metric))
        .and_then(|r| choice(snapshot, r))
        .or_else(|| beside_address(snapshot, ip, nic))
}

fn beside_address<'a>(snapshot: &'a Snapshot, ip: IpAddr, nic: Option<&Link>) -> Option<Choice<'a>> {
    let beside = snapshot.addrs.iter().filter(|a| a.scope == 0 && a.bits > 0 && a.bits < 128);
    beside
        .filter(|a| prefix::contains(a.network(), a.bits, ip) && nic.is_none_or(|n| n.index == a.index))
        .filter_map(|a| Some(Choice { link: snapshot.link_at(a.index)?, bits: a.bits }))
        .filter(|choice| !choice.link.is_loopback())
        .max_by_key(|choice| choice.bits)
}

const LINK_LOCAL: IpAddr = IpAddr::V6(std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0));

/// `IPaddr2`'s broadcast when none is written: that of the first address whose network is the
/// covering route's, so that an added address looks like the ones already there. No such address,
/// or one without broadcast: none.
pub fn broadcast_like_neighbours(
    snapshot: &Snapshot,
    ip: Ipv4Addr,
    bits: u8,
    link: &Link,
) -> Option<Ipv4Addr> {
    let route = covering(snapshot, ip.into(), Some(bits), Some(link.index)).max_by_key(|r| r.bits)?;
    snapshot
        .addrs
        .iter()
        .find(|a| a.index == link.index && a.bits == route.bits && a.network() == route.net)
        .and_then(|a| a.broadcast)
}

/// `IPaddr`'s label: the first free `NIC:N`. `None` when no label fits the kernel's 15 characters.
pub fn free_alias(snapshot: &Snapshot, link: &Link) -> Option<String> {
    let number = |label: &str| label.strip_prefix(&link.name)?.strip_prefix(':')?.parse::<usize>().ok();
    let taken: BTreeSet<usize> = snapshot.addrs.iter().filter_map(|a| number(a.label.as_deref()?)).collect();
    let free = (0..ALIASES).find(|n| !taken.contains(n))?;
    Some(format!("{}:{free}", link.name)).filter(|label| label.len() <= LABEL_MAX)
}

/// So many aliases `IPaddr` gives out on an interface.
const ALIASES: usize = 512;

/// Longest label the kernel takes.
pub const LABEL_MAX: usize = 15;

fn covering(
    snapshot: &Snapshot,
    ip: IpAddr,
    bits: Option<u8>,
    index: Option<u32>,
) -> impl Iterator<Item = &Route> {
    let floor = bits.unwrap_or(prefix::width(ip));
    snapshot.routes.iter().filter(move |r| {
        r.on_link
            && r.bits > 0
            && r.bits < prefix::width(ip)
            && r.bits <= floor
            && prefix::contains(r.net, r.bits, ip)
            && index.is_none_or(|i| i == r.index)
    })
}

fn choice<'a>(snapshot: &'a Snapshot, route: &Route) -> Option<Choice<'a>> {
    let link = snapshot.link_at(route.index)?;
    Some(Choice { link, bits: route.bits })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::plan::Addr;

    fn link(index: u32, name: &str) -> Link {
        Link { index, name: name.into(), flags: 1, ..Link::default() }
    }

    fn route(net: &str, index: u32, metric: u32, on_link: bool) -> Route {
        let (net, bits) = net.split_once('/').unwrap();
        Route { net: net.parse().unwrap(), bits: bits.parse().unwrap(), index, on_link, metric }
    }

    fn addr(ip: &str, bits: u8, index: u32, broadcast: Option<&str>, label: &str) -> Addr {
        Addr {
            index,
            ip: ip.parse().unwrap(),
            peer: None,
            bits,
            broadcast: broadcast.map(|b| b.parse().unwrap()),
            label: Some(label.into()),
            scope: 0,
            flags: 0,
            metric: None,
            lifetimes: None,
        }
    }

    fn host() -> Snapshot {
        Snapshot {
            links: vec![link(1, "lo"), link(2, "eth0"), link(3, "eth1"), link(4, "averylongname14")],
            addrs: vec![
                addr("10.0.0.1", 24, 2, Some("10.0.0.255"), "eth0"),
                addr("10.0.0.50", 24, 2, Some("10.0.0.255"), "eth0:0"),
                addr("10.0.0.52", 24, 2, Some("10.0.0.255"), "eth0:2"),
            ],
            routes: vec![
                route("0.0.0.0/0", 2, 0, false),
                route("10.0.0.0/24", 2, 0, true),
                route("10.31.0.0/24", 3, 50, true),
                route("10.31.0.0/24", 2, 100, true),
                route("172.20.0.0/16", 2, 0, false),
                route("fd00::/64", 2, 256, true),
                route("fe80::/64", 3, 256, true),
                route("fd00::7/128", 3, 0, true),
                route("10.0.0.77/32", 3, 0, true),
            ],
        }
    }

    fn v4(text: &str) -> Ipv4Addr {
        text.parse().unwrap()
    }

    fn named(choice: Option<Choice<'_>>) -> Option<(&str, u8)> {
        choice.map(|c| (c.link.name.as_str(), c.bits))
    }

    #[test]
    fn ipaddr2_wants_a_connected_route() {
        let host = host();
        let choose = |ip, bits| named(for_ipaddr2(&host, v4(ip), bits));
        assert_eq!(choose("10.0.0.9", None), Some(("eth0", 24)));
        assert_eq!(choose("10.0.0.9", Some(32)), Some(("eth0", 24)));
        assert_eq!(choose("10.0.0.77", None), Some(("eth0", 24)), "a host has a route of its own");
        assert_eq!(choose("10.0.0.9", Some(16)), None, "the route must cover the wanted prefix");
        assert_eq!(choose("10.31.0.9", None), Some(("eth0", 24)), "last of equals");
        assert_eq!(choose("172.20.0.9", None), None, "behind a gateway");
        assert_eq!(choose("8.8.8.8", Some(24)), None, "a default route says nothing");
    }

    #[test]
    fn ipaddr_takes_gateways_and_metrics() {
        let host = host();
        let choose = |ip, bits| named(for_ipaddr(&host, v4(ip), bits));
        assert_eq!(choose("10.31.0.9", None), Some(("eth1", 24)), "smallest metric");
        assert_eq!(choose("172.20.0.9", None), Some(("eth0", 16)));
        assert_eq!(choose("8.8.8.8", None), None);
        assert_eq!(choose("8.8.8.8", Some(24)), Some(("eth0", 0)));
    }

    #[test]
    fn ipv6addr_skips_hosts_and_link_local() {
        let host = host();
        let choose = |ip: &str, nic| named(for_ipv6addr(&host, ip.parse().unwrap(), nic));
        assert_eq!(choose("fd00::7", None), Some(("eth0", 64)));
        assert_eq!(choose("fe80::7", None), None);
        assert_eq!(choose("fe80::7", host.link("eth1")), Some(("eth1", 64)));
        assert_eq!(choose("fd01::7", None), None);

        let mut host = self::host();
        for (ip, bits, index, scope) in
            [("fd01::1", 48, 2, 0), ("fd01::2", 64, 3, 0), ("fe80::2", 64, 3, 253), ("fd02::1", 64, 1, 0)]
        {
            host.addrs.push(Addr { scope, ..addr(ip, bits, index, None, "") });
        }
        host.links[0].flags |= crate::agents::plan::snapshot::LOOPBACK;
        let choose = |ip: &str, nic| named(for_ipv6addr(&host, ip.parse().unwrap(), nic));
        assert_eq!(choose("fd01::7", None), Some(("eth1", 64)), "beside an address without a route");
        assert_eq!(choose("fd01::7", host.link("eth0")), Some(("eth0", 48)));
        assert_eq!((choose("fe80::7", None), choose("fd02::7", None)), (None, None));
    }

    #[test]
    fn broadcast_as_the_neighbours_have_it() {
        let host = host();
        let eth0 = host.link("eth0").unwrap();
        let like = |ip, bits, link| broadcast_like_neighbours(&host, v4(ip), bits, link);
        assert_eq!(like("10.0.0.9", 24, eth0), Some(v4("10.0.0.255")));
        assert_eq!(like("10.0.0.9", 32, eth0), Some(v4("10.0.0.255")));
        assert_eq!(like("10.31.0.9", 24, eth0), None, "a route, but no address of its network");
        assert_eq!(like("10.0.0.9", 24, host.link("eth1").unwrap()), None);
    }

    #[test]
    fn aliases_fill_gaps_and_respect_the_kernels_limit() {
        let host = host();
        let alias = |nic| free_alias(&host, host.link(nic).unwrap());
        assert_eq!(alias("eth0").as_deref(), Some("eth0:1"));
        assert_eq!(alias("eth1").as_deref(), Some("eth1:0"));
        assert_eq!(alias("averylongname14"), None);
    }
}
