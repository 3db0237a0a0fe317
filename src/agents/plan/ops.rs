//! Wanted against actual: what the kernel must be told.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::prefix;
use super::snapshot::{Addr, Link, NODAD, SECONDARY, Snapshot};

/// One thing to tell the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Put an address on an interface.
    Add(Addr),
    /// Take it off.
    Remove(Addr),
    /// Set the interface up.
    LinkUp(u32),
}

impl Op {
    /// The address it takes away, if that is what it does.
    pub fn removed(&self) -> Option<&Addr> {
        match self {
            Op::Remove(addr) => Some(addr),
            Op::Add(_) | Op::LinkUp(_) => None,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Add(a) => write!(f, "add {}/{} to interface {}", a.ip, a.bits, a.index),
            Op::Remove(a) => write!(f, "remove {}/{} from interface {}", a.ip, a.bits, a.index),
            Op::LinkUp(index) => write!(f, "set interface {index} up"),
        }
    }
}

/// An address as it should be on an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The address.
    pub ip: IpAddr,
    /// Prefix length.
    pub bits: u8,
    /// Broadcast address, IPv4 only.
    pub broadcast: Option<Ipv4Addr>,
    /// Label, IPv4 only.
    pub label: Option<String>,
}

impl Wanted {
    /// The row of the address table that fulfils the wish on that interface. IPv6 addresses are
    /// usable at once: whoever takes over must not wait for duplicate address detection, and the
    /// cluster has already decided whose the address is.
    pub fn on(&self, link: &Link) -> Addr {
        let v4 = self.ip.is_ipv4();
        Addr {
            index: link.index,
            ip: self.ip,
            peer: None,
            bits: self.bits,
            broadcast: self.broadcast.filter(|_| v4),
            label: v4.then(|| self.label.clone().unwrap_or_else(|| link.name.clone())),
            scope: if v4 && self.ip.is_loopback() { SCOPE_HOST } else { SCOPE_UNIVERSE },
            flags: if v4 { 0 } else { NODAD },
            metric: None,
            lifetimes: None,
        }
    }
}

const SCOPE_UNIVERSE: u8 = 0;
const SCOPE_HOST: u8 = 254;

/// What makes the address be there: the address unless it is there already, the link unless it is
/// up. The address comes first, so that the link comes up with it.
pub fn up(snapshot: &Snapshot, wanted: &Wanted, link: &Link, any_prefix: bool) -> Vec<Op> {
    let there =
        snapshot.holders(wanted.ip).any(|a| a.index == link.index && (any_prefix || a.bits == wanted.bits));
    let mut ops = Vec::new();
    if !there {
        ops.push(Op::Add(wanted.on(link)));
    }
    if !link.is_up() {
        ops.push(Op::LinkUp(link.index));
    }
    ops
}

/// What makes the address be gone: from the interface, or from every interface that serves it.
/// The prefix does not matter: an address left behind with another prefix is still on two nodes.
pub fn down(snapshot: &Snapshot, ip: IpAddr, from: Option<&Link>) -> Vec<Op> {
    let remove = |a: &Addr| Op::Remove(a.clone());
    match from {
        Some(link) => snapshot.holders(ip).filter(|a| a.index == link.index).map(remove).collect(),
        None => snapshot.serving(ip).map(remove).collect(),
    }
}

/// The addresses the kernel may delete together with `gone`: secondaries of its subnet, unless
/// `promote_secondaries` is set.
pub fn endangered<'a>(snapshot: &'a Snapshot, gone: &Addr) -> Vec<&'a Addr> {
    if gone.ip.is_ipv6() || gone.flags & SECONDARY != 0 {
        return Vec::new();
    }
    let same = |a: &&Addr| {
        a.index == gone.index
            && a.bits == gone.bits
            && a.flags & SECONDARY != 0
            && prefix::contains(gone.network(), gone.bits, a.peer.unwrap_or(a.ip))
    };
    snapshot.addrs.iter().filter(same).collect()
}

/// The endangered addresses that are not removed themselves.
pub fn bereaved<'a>(before: &'a Snapshot, removed: &[Addr]) -> Vec<&'a Addr> {
    let meant = |addr: &Addr| removed.iter().any(|gone| same(gone, addr));
    removed.iter().flat_map(|gone| endangered(before, gone)).filter(|addr| !meant(addr)).collect()
}

fn same(one: &Addr, other: &Addr) -> bool {
    one.index == other.index && one.ip == other.ip && one.bits == other.bits
}

/// What puts back the endangered addresses that did vanish, in their old order, so that the first
/// of them becomes the new primary.
pub fn restore(before: &Snapshot, after: &Snapshot, removed: &[Addr]) -> Vec<Op> {
    let vanished = |addr: &&Addr| !after.addrs.iter().any(|a| same(a, addr));
    let back = |addr: &Addr| Op::Add(Addr { flags: addr.flags & !SECONDARY, ..addr.clone() });
    bereaved(before, removed).into_iter().filter(vanished).map(back).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, name: &str, flags: u32) -> Link {
        Link { index, name: name.into(), flags, ..Link::default() }
    }

    fn wanted(ip: &str, bits: u8) -> Wanted {
        Wanted { ip: ip.parse().unwrap(), bits, broadcast: None, label: None }
    }

    fn at(link: &Link, ip: &str, bits: u8, flags: u32) -> Addr {
        Addr { flags, ..wanted(ip, bits).on(link) }
    }

    /// Two interfaces; a primary with two secondaries, and the primary's address again elsewhere.
    fn host() -> Snapshot {
        let (eth0, eth1, lo) = (link(2, "eth0", 1), link(3, "eth1", 0), link(1, "lo", 9));
        Snapshot {
            addrs: vec![
                at(&eth0, "10.0.0.1", 24, 0),
                at(&eth0, "10.0.0.2", 24, SECONDARY),
                at(&eth0, "10.0.0.3", 24, SECONDARY),
                at(&eth0, "10.0.0.1", 32, 0),
                at(&eth1, "10.0.0.1", 25, 0),
                at(&lo, "10.0.0.1", 32, 0),
            ],
            links: vec![lo, eth0, eth1],
            routes: Vec::new(),
        }
    }

    #[test]
    fn up_does_only_what_is_missing() {
        let host = host();
        let (eth0, eth1) = (host.link("eth0").unwrap(), host.link("eth1").unwrap());
        assert_eq!(up(&host, &wanted("10.0.0.1", 24), eth0, false), []);
        assert_eq!(up(&host, &wanted("10.0.0.1", 16), eth0, true), []);
        assert_eq!(up(&host, &wanted("10.0.0.1", 25), eth1, false), [Op::LinkUp(3)]);
        let ops = up(&host, &wanted("10.0.0.1", 16), eth1, false);
        assert!(
            matches!(ops.as_slice(), [Op::Add(a), Op::LinkUp(3)] if a.bits == 16 && a.label.as_deref() == Some("eth1"))
        );
    }

    #[test]
    fn ipv6_needs_no_duplicate_address_detection_and_no_label() {
        let a = wanted("fd00::1", 64).on(&link(2, "eth0", 1));
        assert_eq!((a.flags, a.label), (NODAD, None));
        assert_eq!(wanted("127.0.0.5", 8).on(&link(1, "lo", 1)).scope, SCOPE_HOST);
    }

    #[test]
    fn down_ignores_the_prefix_and_spares_the_loopback() {
        let host = host();
        let gone = |from| {
            down(&host, "10.0.0.1".parse().unwrap(), from)
                .iter()
                .map(|o| o.removed().unwrap().clone())
                .collect::<Vec<_>>()
        };
        let places = |from| gone(from).iter().map(|a| (a.index, a.bits)).collect::<Vec<_>>();
        assert_eq!(places(None), [(2, 24), (2, 32), (3, 25)]);
        assert_eq!(places(host.link("eth0")), [(2, 24), (2, 32)]);
        assert_eq!(places(host.link("lo")), [(1, 32)]);
    }

    #[test]
    fn vanished_secondaries_come_back_unless_they_were_meant_to_go() {
        let before = host();
        let primary = before.addrs[0].clone();
        let without = |gone: &[usize]| {
            let kept = before.addrs.iter().enumerate().filter(|(n, _)| !gone.contains(n));
            Snapshot { addrs: kept.map(|(_, a)| a.clone()).collect(), ..before.clone() }
        };
        let ips = |ops: &[Op]| ops.iter().map(ToString::to_string).collect::<Vec<_>>();
        let ops = restore(&before, &without(&[0, 1, 2]), std::slice::from_ref(&primary));
        assert_eq!(ips(&ops), ["add 10.0.0.2/24 to interface 2", "add 10.0.0.3/24 to interface 2"]);
        assert!(ops.iter().all(|o| matches!(o, Op::Add(a) if a.flags & SECONDARY == 0)));
        assert_eq!(
            restore(&before, &without(&[0]), std::slice::from_ref(&primary)),
            [],
            "they were promoted"
        );
        let meant = [primary, before.addrs[1].clone()];
        assert_eq!(ips(&restore(&before, &without(&[0, 1, 2]), &meant)), ["add 10.0.0.3/24 to interface 2"]);
        assert_eq!(
            endangered(&before, &before.addrs[1]),
            Vec::<&Addr>::new(),
            "a secondary takes nobody along"
        );
    }
}
