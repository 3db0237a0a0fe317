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
    let there = snapshot.holders(wanted.ip).any(|a| a.index == link.index && (any_prefix || a.bits == wanted.bits));
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

/// What puts back the endangered addresses that did vanish, in their old order, so that the first
/// of them becomes the new primary.
pub fn restore(before: &Snapshot, after: &Snapshot, removed: &[Addr]) -> Vec<Op> {
    let mut ops = Vec::new();
    for addr in removed.iter().flat_map(|gone| endangered(before, gone)) {
        let lives = |a: &Addr| a.index == addr.index && a.ip == addr.ip && a.bits == addr.bits;
        let meant = removed.iter().any(lives);
        if !meant && !after.addrs.iter().any(lives) {
            ops.push(Op::Add(Addr { flags: addr.flags & !SECONDARY, ..addr.clone() }));
        }
    }
    ops
}
