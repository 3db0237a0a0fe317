//! The kernel's tables at one moment, as far as the agents care.

use super::ops::Op;
use super::prefix;
use std::net::{IpAddr, Ipv4Addr};

/// `IFA_F_SECONDARY`: the address vanishes with the primary of its subnet.
pub const SECONDARY: u32 = 0x01;
/// `IFA_F_NODAD`: usable at once, no duplicate address detection.
pub const NODAD: u32 = 0x02;
/// `IFF_UP`.
pub const UP: u32 = 0x01;
/// `IFF_LOOPBACK`.
pub const LOOPBACK: u32 = 0x08;
/// `IFF_RUNNING`: operational, packets get out.
pub const RUNNING: u32 = 0x40;
/// `IFF_LOWER_UP`: carrier. A new interface is `IFF_RUNNING` for a moment without it.
pub const LOWER_UP: u32 = 0x1_0000;
/// `IFF_NOARP`.
pub const NOARP: u32 = 0x80;
/// `IFA_F_NOPREFIXROUTE`: no route comes with it.
pub const NOPREFIXROUTE: u32 = 0x200;
/// `IP6_RT_PRIO_ADDRCONF`: of the route that comes with an IPv6 address.
const PREFIX_METRIC_V6: u32 = 256;

/// An interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The kernel's number for it.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Other names for it.
    pub altnames: Vec<String>,
    /// `IFF_*`.
    pub flags: u32,
    /// `ARPHRD_*`.
    pub kind: u16,
    /// Its hardware address; empty when it has none.
    pub mac: Vec<u8>,
}

impl Link {
    /// Whether it is up.
    pub fn is_up(&self) -> bool {
        self.flags & UP != 0
    }

    /// Whether packets sent now get out.
    pub fn is_operational(&self) -> bool {
        let all = UP | RUNNING | LOWER_UP;
        self.flags & all == all
    }

    /// Whether addresses on it are parked rather than served.
    pub fn is_loopback(&self) -> bool {
        self.flags & LOOPBACK != 0
    }
}

/// An address on an interface, with everything needed to put it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addr {
    /// The interface.
    pub index: u32,
    /// The address itself.
    pub ip: IpAddr,
    /// The far end of a point-to-point link, when it differs.
    pub peer: Option<IpAddr>,
    /// Prefix length.
    pub bits: u8,
    /// Broadcast address.
    pub broadcast: Option<Ipv4Addr>,
    /// The label; the interface's name when none was given.
    pub label: Option<String>,
    /// `RT_SCOPE_*`.
    pub scope: u8,
    /// `IFA_F_*`.
    pub flags: u32,
    /// Metric of its prefix route.
    pub metric: Option<u32>,
    /// Preferred and valid lifetime in seconds; `u32::MAX` is for ever.
    pub lifetimes: Option<(u32, u32)>,
}

impl Addr {
    /// The network the address makes reachable.
    pub fn network(&self) -> IpAddr {
        prefix::network(self.peer.unwrap_or(self.ip), self.bits)
    }
}

/// A unicast route of the main table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// First address of the destination.
    pub net: IpAddr,
    /// Its prefix length; 0 is the default route.
    pub bits: u8,
    /// The interface it leaves through.
    pub index: u32,
    /// Directly connected (`scope link` for IPv4, no gateway for IPv6).
    pub on_link: bool,
    /// Metric, 0 when none.
    pub metric: u32,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Interfaces.
    pub links: Vec<Link>,
    /// Addresses, in the kernel's order.
    pub addrs: Vec<Addr>,
    /// Routes, in the kernel's order.
    pub routes: Vec<Route>,
}

impl Snapshot {
    /// The interface of that name, its own or another one for it.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|l| l.name == name || l.altnames.iter().any(|other| other == name))
    }

    /// The interface of that index.
    pub fn link_at(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|l| l.index == index)
    }

    /// Where the address is, in the kernel's order. The near end of a pair of IPv4 addresses is a tunnel's, and its
    /// alone.
    pub fn holders(&self, ip: IpAddr) -> impl Iterator<Item = &Addr> {
        self.addrs.iter().filter(move |a| a.ip == ip && (a.peer.is_none() || ip.is_ipv6()))
    }

    /// The address as that interface has it.
    pub fn on(&self, link: &Link, ip: IpAddr) -> Option<&Addr> {
        self.holders(ip).find(|a| a.index == link.index)
    }

    /// The tables as they will be after the operation, as far as the next plan depends on them: an interface may be
    /// chosen by a route that comes with an address before it. What the kernel deletes along with a primary is still
    /// listed, and so is the route of an address that goes: whoever plans to remove one need not know.
    pub fn foresee(&mut self, op: &Op) {
        match op {
            Op::Add(addr) => {
                if self.link_at(addr.index).is_some_and(Link::is_up) {
                    self.connect(addr);
                }
                self.addrs.push(addr.clone());
            }
            Op::Remove(gone) => self.addrs.retain(|a| {
                (a.index, a.bits) != (gone.index, gone.bits) || (a.ip, a.peer) != (gone.ip, gone.peer)
            }),
            Op::LinkUp(index) => {
                self.links.iter_mut().filter(|l| l.index == *index).for_each(|l| l.flags |= UP);
                for addr in std::mem::take(&mut self.addrs) {
                    if addr.index == *index {
                        self.connect(&addr);
                    }
                    self.addrs.push(addr);
                }
            }
        }
    }

    /// Lists the route that the kernel makes for an address, unless another one of its network was there before it.
    fn connect(&mut self, addr: &Addr) {
        let v4 = addr.ip.is_ipv4();
        let (net, bits, index) = (addr.network(), addr.bits, addr.index);
        let brings =
            |a: &Addr| (v4 && a.ip.is_ipv4() || a.flags & NOPREFIXROUTE == 0) && a.bits < prefix::width(a.ip);
        let before = |a: &Addr| a.index == index && a.bits == bits && a.network() == net && brings(a);
        let parked = self.link_at(index).is_none_or(Link::is_loopback);
        if parked || addr.flags & NOPREFIXROUTE != 0 || !brings(addr) || self.addrs.iter().any(before) {
            return;
        }
        let metric = addr.metric.unwrap_or(if v4 { 0 } else { PREFIX_METRIC_V6 });
        let route = Route { net, bits, index, on_link: true, metric };
        if !self.routes.contains(&route) {
            // Where the kernel lists it: among equals by metric.
            let later = |r: &Route| (r.net, r.bits) == (net, bits) && r.metric > metric;
            let place = self.routes.iter().position(later).unwrap_or(self.routes.len());
            self.routes.insert(place, route);
        }
    }

    /// Where the address is served: everywhere but on loopback interfaces.
    pub fn serving(&self, ip: IpAddr) -> impl Iterator<Item = &Addr> {
        self.holders(ip).filter(|a| !self.link_at(a.index).is_some_and(Link::is_loopback))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Wanted;
    use super::*;

    fn host() -> Snapshot {
        let link = |index, flags| Link { index, name: format!("eth{index}"), flags, ..Link::default() };
        let mut host =
            Snapshot { links: vec![link(1, UP | LOOPBACK), link(2, UP), link(3, 0)], ..Snapshot::default() };
        for (ip, bits, index) in [("10.0.0.1", 24, 2), ("172.16.1.1", 24, 3), ("172.16.1.2", 24, 3)] {
            host.addrs.push(at(&host, ip, bits, index));
        }
        host
    }

    fn at(host: &Snapshot, ip: &str, bits: u8, index: u32) -> Addr {
        Wanted { ip: ip.parse().unwrap(), bits, broadcast: None, label: None }
            .on(host.link_at(index).unwrap())
    }

    fn routes(host: &Snapshot) -> Vec<String> {
        host.routes.iter().map(|r| format!("{}/{} {} {}", r.net, r.bits, r.index, r.metric)).collect()
    }

    #[test]
    fn a_route_comes_with_an_address() {
        let mut host = host();
        let mut add = |ip: &str, bits, index| {
            let new = at(&host, ip, bits, index);
            host.foresee(&Op::Add(new));
            routes(&host)
        };
        assert_eq!(add("10.9.0.5", 24, 2), ["10.9.0.0/24 2 0"]);
        assert_eq!(add("10.9.0.6", 24, 2), ["10.9.0.0/24 2 0"], "one for all of them");
        assert_eq!(add("10.0.0.5", 24, 2).len(), 1, "that of an own address is as somebody made it");
        assert_eq!(add("10.7.0.5", 32, 2).len(), 1, "none");
        assert_eq!(add("10.7.0.5", 24, 1).len(), 1, "none in the main table");
        assert_eq!(add("10.6.0.5", 24, 3).len(), 1, "not yet");
        assert_eq!(add("fd09::50", 64, 2)[1], "fd09::/64 2 256");
    }

    #[test]
    fn the_end_of_a_tunnel_is_the_tunnels() {
        let mut host = host();
        host.addrs.push(Addr { peer: "10.3.0.2".parse().ok(), ..at(&host, "10.3.0.1", 32, 2) });
        assert_eq!(host.holders("10.3.0.1".parse().unwrap()).count(), 0);
        let row = at(&host, "10.3.0.1", 32, 2);
        host.foresee(&Op::Add(row.clone()));
        assert_eq!(host.holders(row.ip).collect::<Vec<_>>(), [&row], "one beside it");
        host.foresee(&Op::Remove(row));
        assert_eq!(host.addrs.len(), 4);
    }

    #[test]
    fn routes_come_with_a_link() {
        let mut host = host();
        host.foresee(&Op::Add(Addr { flags: NOPREFIXROUTE, ..at(&host, "10.6.0.5", 24, 3) }));
        host.foresee(&Op::LinkUp(3));
        assert_eq!(routes(&host), ["172.16.1.0/24 3 0"]);
        assert_eq!(host.addrs[2].ip, "172.16.1.2".parse::<IpAddr>().unwrap(), "in their old order");
    }

    #[test]
    fn a_route_is_listed_where_the_kernel_lists_it() {
        let mut host = host();
        let route =
            |metric| Route { net: "10.9.0.0".parse().unwrap(), bits: 24, index: 3, on_link: true, metric };
        host.routes = vec![route(0), route(100)];
        host.foresee(&Op::Add(at(&host, "10.9.0.5", 24, 2)));
        assert_eq!(routes(&host), ["10.9.0.0/24 3 0", "10.9.0.0/24 2 0", "10.9.0.0/24 3 100"]);
    }
}
