//! The kernel's tables at one moment, as far as the agents care.

use super::ops::Op;
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
        super::prefix::network(self.peer.unwrap_or(self.ip), self.bits)
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

    /// Where the address is, in the kernel's order.
    pub fn holders(&self, ip: IpAddr) -> impl Iterator<Item = &Addr> {
        self.addrs.iter().filter(move |a| a.ip == ip)
    }

    /// The address as that interface has it.
    pub fn on(&self, link: &Link, ip: IpAddr) -> Option<&Addr> {
        self.holders(ip).find(|a| a.index == link.index)
    }

    /// The tables as they will be after the operation, as far as the next plan depends on them. What the kernel
    /// deletes along with a primary is still listed: whoever plans to remove it too need not know.
    pub fn foresee(&mut self, op: &Op) {
        match op {
            Op::Add(addr) => self.addrs.push(addr.clone()),
            Op::Remove(gone) => self.addrs.retain(|a| {
                (a.index, a.bits) != (gone.index, gone.bits) || (a.ip, a.peer) != (gone.ip, gone.peer)
            }),
            Op::LinkUp(index) => {
                self.links.iter_mut().filter(|l| l.index == *index).for_each(|l| l.flags |= UP);
            }
        }
    }

    /// Where the address is served: everywhere but on loopback interfaces.
    pub fn serving(&self, ip: IpAddr) -> impl Iterator<Item = &Addr> {
        self.holders(ip).filter(|a| !self.link_at(a.index).is_some_and(Link::is_loopback))
    }
}
