//! Telling the neighbourhood that an address has moved: gratuitous ARP for IPv4, unsolicited
//! neighbour advertisements for IPv6.
//!
//! The first round goes out before `start` returns; the others come from a detached helper process
//! ([`helper`]), or from the thread of a long-lived caller ([`Crew`]). Announcing is
//! best effort everywhere: an address that is up but not announced is better than none.

mod again;
mod crew;
pub mod helper;
mod peer;

pub use again::again;
pub use crew::Crew;
pub use peer::for_the_owner;

use std::io;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::netlink::Conversation;
use super::plan::packet::{self, Arp, Mac};
use super::plan::schedule::Turn;
use super::plan::snapshot::NOARP;
use super::plan::{Link, Schedule};
use crate::sys::packet::PacketSocket;

const ETH_P_ARP: u16 = 0x0806;
const ETH_P_IPV6: u16 = 0x86dd;

/// So many addresses are announced in a row, two packets each...
pub(super) const BURST: usize = 32;
/// ...and then nothing for so long: some 15 000 packets a second.
pub(super) const PAUSE: Duration = Duration::from_millis(4);

/// An address to announce, where, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The address.
    pub ip: IpAddr,
    /// The interface to announce it on.
    pub nic: String,
    /// The rounds.
    pub schedule: Schedule,
    /// Announce only while the interface has the address. (`SendArp` announces what it has not.)
    pub while_held: bool,
}

/// What [`Announcement::begin`] did, and what it leaves to do.
#[derive(Debug)]
pub struct Begun {
    /// Whether the first round went out.
    pub told: io::Result<()>,
    /// The rounds that remain.
    pub rest: Announcement,
    /// The socket to send them through.
    pub socket: Option<PacketSocket>,
}

/// The packets of a round. IPv6 has one of them only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// An ARP request, or the advertisement.
    First,
    /// An ARP reply, or nothing.
    Second,
}

/// One round, at once. An interface without neighbours to tell (loopback, no ARP, no Ethernet
/// address) is no error.
pub fn round(socket: &PacketSocket, link: &Link, ip: IpAddr) -> io::Result<()> {
    tell(socket, link, ip, Form::First)?;
    tell(socket, link, ip, Form::Second)
}

/// One packet of a round.
pub(super) fn tell(socket: &PacketSocket, link: &Link, ip: IpAddr, form: Form) -> io::Result<()> {
    let Some(mac) = announcing_mac(link) else {
        return Ok(());
    };
    match (ip, form) {
        (IpAddr::V4(ip), form) => {
            let form = if form == Form::First { Arp::Request } else { Arp::Reply };
            socket.send(link.index, ETH_P_ARP, packet::BROADCAST, &packet::arp(form, mac, ip))
        }
        (IpAddr::V6(ip), Form::First) => {
            let bytes = packet::advertisement(mac, ip, is_router(&link.name));
            socket.send(link.index, ETH_P_IPV6, packet::ALL_NODES_MAC, &bytes)
        }
        (IpAddr::V6(_), Form::Second) => Ok(()),
    }
}

fn announcing_mac(link: &Link) -> Option<Mac> {
    let silent = link.is_loopback() || link.flags & NOARP != 0;
    Mac::try_from(link.mac.as_slice()).ok().filter(|_| !silent)
}

/// Whether the kernel forwards IPv6 there, i.e. whether our advertisements must say "router".
fn is_router(nic: &str) -> bool {
    let path = format!("/proc/sys/net/ipv6/conf/{nic}/forwarding");
    std::fs::read_to_string(path).is_ok_and(|text| text.trim() != "0")
}

impl Announcement {
    /// Which one it is: an address may be announced on several interfaces.
    pub(super) fn key(&self) -> (IpAddr, &str) {
        (self.ip, &self.nic)
    }

    /// The first round, at once. What is left to do after it is all of it if the interface is not
    /// operational yet, for then nobody has heard.
    pub fn begin(&self, link: &Link) -> Begun {
        let schedule = if link.is_operational() { self.schedule.rest() } else { self.schedule };
        let rest = Announcement { schedule, ..self.clone() };
        match PacketSocket::open() {
            Ok(socket) => Begun { told: round(&socket, link, self.ip), rest, socket: Some(socket) },
            Err(error) => Begun { told: Err(error), rest, socket: None },
        }
    }

    /// All the rounds, the first after one interval; returns when done, when `stop` says so, or
    /// when the interface has lost the address. Blocks: give it a thread or a process.
    pub fn repeat(&self, socket: &PacketSocket, stop: &dyn Fn() -> bool) -> io::Result<()> {
        let begin = Instant::now();
        let mut left = self.schedule;
        for beat in 1.. {
            std::thread::sleep(left.interval.saturating_mul(beat).saturating_sub(begin.elapsed()));
            let Some(link) = self.place()?.filter(|_| !stop()) else {
                break;
            };
            match left.turn(link.is_operational(), begin.elapsed()) {
                Turn::Announce(rest) => left = rest,
                Turn::Wait => continue,
                Turn::Stop => break,
            }
            // The link may have gone this very moment; the next round may get through.
            let _ = round(socket, &link, self.ip);
            if left.rounds == 0 {
                break;
            }
        }
        Ok(())
    }

    /// The interface as it is now, if it is there and (where that matters) has the address.
    fn place(&self) -> io::Result<Option<Link>> {
        let mut talk = Conversation::open().map_err(io::Error::other)?;
        let now = talk.holdings().map_err(io::Error::other)?;
        let held = |link: &Link| !self.while_held || now.holders(self.ip).any(|a| a.index == link.index);
        Ok(now.link(&self.nic).filter(|l| held(l)).cloned())
    }
}
