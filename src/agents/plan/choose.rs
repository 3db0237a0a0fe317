//! Which interface, which prefix, which broadcast: the choices the reference leaves to `findif`.
//!
//! The two IPv4 agents choose differently and each does here as it does there, because a
//! haresources line without interface must land on the same interface after an upgrade.

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
/// among equals the one listed last. Never a default route.
pub fn for_ipaddr2(snapshot: &Snapshot, ip: Ipv4Addr, bits: Option<u8>) -> Option<Choice<'_>> {
    covering(snapshot, ip.into(), bits, None)
        .max_by_key(|r| r.bits)
        .and_then(|r| choice(snapshot, r))
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
/// was written. Link-local addresses fit everywhere and therefore need a written interface.
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
}

const LINK_LOCAL: IpAddr = IpAddr::V6(std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0));

/// `IPaddr2`'s broadcast when none is written: that of the first address whose network is the
/// covering route's, so that an added address looks like the ones already there. No such address,
/// or one without broadcast: none.
pub fn broadcast_like_neighbours(snapshot: &Snapshot, ip: Ipv4Addr, bits: u8, link: &Link) -> Option<Ipv4Addr> {
    let route = covering(snapshot, ip.into(), Some(bits), Some(link.index)).max_by_key(|r| r.bits)?;
    snapshot
        .addrs
        .iter()
        .find(|a| a.index == link.index && a.bits == route.bits && a.network() == route.net)
        .and_then(|a| a.broadcast)
}

/// `IPaddr`'s label: the first free `NIC:N`. `None` when no label fits the kernel's 15 characters.
pub fn free_alias(snapshot: &Snapshot, link: &Link) -> Option<String> {
    (0..512)
        .map(|n| format!("{}:{n}", link.name))
        .take_while(|label| label.len() <= LABEL_MAX)
        .find(|label| !snapshot.addrs.iter().any(|a| a.label.as_ref() == Some(label)))
}

/// Longest label the kernel takes.
pub const LABEL_MAX: usize = 15;

fn covering(snapshot: &Snapshot, ip: IpAddr, bits: Option<u8>, index: Option<u32>) -> impl Iterator<Item = &Route> {
    let floor = bits.unwrap_or(prefix::width(ip));
    snapshot.routes.iter().filter(move |r| {
        r.on_link
            && r.bits > 0
            && r.bits <= floor
            && prefix::contains(r.net, r.bits, ip)
            && index.is_none_or(|i| i == r.index)
    })
}

fn choice<'a>(snapshot: &'a Snapshot, route: &Route) -> Option<Choice<'a>> {
    let link = snapshot.link_at(route.index)?;
    Some(Choice { link, bits: route.bits })
}
