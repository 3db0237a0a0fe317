//! The observer: who held which address when, who heard whom, and what the client was told by ARP.
//!
//! A thread enters each network namespace in turn, opens an rtnetlink socket and a packet socket there, and
//! then notes what the kernel tells, with the time of this program's clock. The nodes know nothing of it.
//! What lies behind loss and cut cables is not heard: a packet socket sees what arrives. What is found in one
//! look around has one time: when this thread comes late, a hand-over is not taken for two owners.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns};
use socket2::{Domain, Protocol, Socket, Type};

use super::stage::is_root;
use super::{Failure, Lab, bail, network};

/// Everything seen so far, and the thread that looks.
pub(crate) struct Watch {
    began: Instant,
    seen: Arc<Mutex<Vec<Seen>>>,
    over: Arc<AtomicBool>,
    eyes: Option<JoinHandle<()>>,
}

/// Something that happened at a node (1, 2) or the client (0).
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) node: usize,
    pub(crate) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Added(String),
    Removed(String),
    /// A datagram of the other node arrived: the type of its message.
    Heard(String),
    /// The client was told by ARP that an address is at a hardware address.
    Announced(String, [u8; 6]),
}

/// A stretch of time during which nothing changed about an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    /// The nodes that held it.
    pub(crate) owners: Vec<usize>,
}

impl Watch {
    /// Why there can be none here: a thread of a program without privileges cannot enter a namespace.
    pub(crate) fn unavailable() -> Option<String> {
        (!is_root()).then(|| "watching a network namespace from outside needs root".to_owned())
    }

    /// Begin; the nodes hold nothing but their own addresses yet.
    pub(crate) fn new(lab: &Lab) -> Result<Self, Failure> {
        let (seen, over): (Arc<Mutex<Vec<Seen>>>, _) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let places = [lab.client().init(), lab.node(1).stage().init(), lab.node(2).stage().init()];
        let (opened, is_open) = mpsc::channel();
        let eyes = std::thread::spawn({
            let (seen, over) = (Arc::clone(&seen), Arc::clone(&over));
            move || match (0..)
                .zip(places)
                .map(|(node, init)| Eye::open(node, init))
                .collect::<Result<Vec<_>, _>>()
            {
                Ok(eyes) => {
                    // an error says that nobody waits any more
                    let _ = opened.send(Ok(()));
                    look(&eyes, &seen, &over);
                }
                Err(error) => drop(opened.send(Err(error))),
            }
        });
        let watch = Self { began: Instant::now(), seen, over, eyes: Some(eyes) };
        match is_open.recv() {
            Ok(result) => result.map_err(|failure| failure.of("watch"))?,
            Err(_) => bail!("watch: its thread ended"),
        }
        if lab.nodes().iter().any(|node| !node.vips().is_empty()) {
            bail!("the watch has to begin before the nodes hold anything");
        }
        Ok(watch)
    }

    /// When it began.
    pub(crate) fn began(&self) -> Instant {
        self.began
    }

    /// Everything so far, in the order in which it was seen.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        seen.sort_by_key(|s| s.at);
        seen
    }

    /// Who held `address`, from the beginning to `until`, without a gap.
    pub(crate) fn spans(&self, address: &str, until: Instant) -> Vec<Span> {
        let mut spans = Vec::new();
        let (mut from, mut owners) = (self.began, BTreeSet::new());
        for seen in self.seen().into_iter().filter(|s| s.at < until) {
            let before: Vec<_> = owners.iter().copied().collect();
            let changed = match &seen.what {
                What::Added(a) if a == address => owners.insert(seen.node),
                What::Removed(a) if a == address => owners.remove(&seen.node),
                _ => false,
            };
            if changed {
                spans.push(Span { from, to: seen.at, owners: before });
                from = seen.at;
            }
        }
        spans.push(Span { from, to: until, owners: owners.into_iter().collect() });
        spans.retain(|span| span.from < span.to);
        spans
    }

    /// The addresses that a node holds by what was seen.
    pub(crate) fn held(&self, node: usize) -> BTreeSet<String> {
        let mut held = BTreeSet::new();
        for seen in self.seen().into_iter().filter(|s| s.node == node) {
            match seen.what {
                What::Added(address) => drop(held.insert(address)),
                What::Removed(address) => drop(held.remove(&address)),
                What::Heard(_) | What::Announced(..) => {}
            }
        }
        held
    }

    /// When a heartbeat of the other node reached `node`, each time.
    pub(crate) fn heartbeats_at(&self, node: usize) -> Vec<Instant> {
        let heartbeat = |s: &Seen| s.node == node && s.what == What::Heard("status".to_owned());
        self.seen().into_iter().filter(heartbeat).map(|s| s.at).collect()
    }

    /// Where the client believes an address to be: what was announced last, and when.
    pub(crate) fn announced(&self, address: &str) -> Option<(Instant, [u8; 6])> {
        self.seen().into_iter().rev().find_map(|s| match s.what {
            What::Announced(of, mac) if of == address => Some((s.at, mac)),
            _ => None,
        })
    }

    /// What happened to addresses, and what else the caller knows of, a line each with the wall clock's time
    /// (for the logs) and the seconds since the beginning.
    pub(crate) fn story(&self, mut lines: Vec<(Instant, String)>) -> String {
        for Seen { at, node, what } in self.seen() {
            match what {
                What::Added(address) => lines.push((at, format!("b{node} + {address}"))),
                What::Removed(address) => lines.push((at, format!("b{node} - {address}"))),
                What::Heard(_) | What::Announced(..) => {}
            }
        }
        lines.sort_by_key(|line| line.0);
        let text = |(at, line): (Instant, String)| {
            let clock = (SystemTime::now() - at.elapsed()).duration_since(UNIX_EPOCH).unwrap_or_default();
            let (minutes, seconds) = (clock.as_secs() / 60 % 60, clock.as_millis() % 60_000);
            let since = at.duration_since(self.began).as_secs_f64();
            format!("{minutes:02}:{:06.3} {since:8.3} {line}\n", seconds as f64 / 1000.0)
        };
        lines.into_iter().map(text).collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // an error says that it panicked, which the test's output shows
        let _ = self.eyes.take().map(JoinHandle::join);
    }
}

/// The sockets in a namespace.
struct Eye {
    node: usize,
    addresses: netlink_sys::Socket,
    packets: Socket,
}

/// The multicast group of rtnetlink that tells of IPv4 addresses.
const RTMGRP_IPV4_IFADDR: u32 = 0x10;
const ETH_P_IP: u16 = 0x0800;
const ETH_P_ARP: u16 = 0x0806;
const ROOM: usize = 4 << 20;

impl Eye {
    /// In a thread of its own: it goes into the namespace.
    fn open(node: usize, init: u32) -> Result<Self, Failure> {
        let namespace = File::open(format!("/proc/{init}/ns/net"))?;
        setns(namespace, CloneFlags::CLONE_NEWNET).map_err(std::io::Error::from)?;
        let mut addresses = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_ROUTE)?;
        addresses.bind(&netlink_sys::SocketAddr::new(0, RTMGRP_IPV4_IFADDR))?;
        addresses.set_rx_buf_sz(i32::try_from(ROOM).unwrap_or(i32::MAX))?;
        addresses.set_non_blocking(true)?;
        // a packet socket for one protocol gets what arrives, not what is sent
        let protocol = if node == 0 { ETH_P_ARP } else { ETH_P_IP };
        let packets =
            Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(i32::from(protocol.to_be()))))?;
        packets.set_recv_buffer_size(ROOM)?;
        packets.set_nonblocking(true)?;
        Ok(Self { node, addresses, packets })
    }

    fn addresses_changed(&self) -> Vec<What> {
        let mut news = Vec::new();
        while let Ok((datagram, _)) = self.addresses.recv_from_full() {
            let mut rest = datagram.as_slice();
            while let Ok(message) = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest) {
                news.extend(change(&message.payload));
                let length = (message.header.length as usize).next_multiple_of(4);
                rest = rest.get(length..).unwrap_or_default();
            }
        }
        news.retain(|what| !matches!(what, What::Added(a) | What::Removed(a) if self.is_own(a)));
        news
    }

    fn is_own(&self, address: &str) -> bool {
        self.node == 0 || (0..network::NETWORKS).any(|n| network::address(self.node, n) == address)
    }

    fn packets_arrived(&self) -> Vec<What> {
        let mut news = Vec::new();
        let mut buffer = [0; 2048];
        while let Ok(length) = (&self.packets).read(&mut buffer) {
            let packet = buffer.get(..length).unwrap_or_default();
            news.extend(if self.node == 0 { announcement(packet) } else { datagram(packet, 3 - self.node) });
        }
        news
    }
}

/// Until it is over.
fn look(eyes: &[Eye], seen: &Mutex<Vec<Seen>>, over: &AtomicBool) {
    let mut wanted: Vec<_> = eyes
        .iter()
        .flat_map(|eye| [eye.addresses.as_fd(), eye.packets.as_fd()])
        .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
        .collect();
    while !over.load(Ordering::Relaxed) {
        // an error says that a signal came; the sockets do not block
        let _ = poll(&mut wanted, PollTimeout::from(200u16));
        let at = Instant::now();
        loop {
            let mut news = Vec::new();
            for eye in eyes {
                let found = eye.addresses_changed().into_iter().chain(eye.packets_arrived());
                news.extend(found.map(|what| Seen { at, node: eye.node, what }));
            }
            if news.is_empty() {
                break;
            }
            seen.lock().unwrap_or_else(PoisonError::into_inner).extend(news);
        }
    }
}

fn change(payload: &NetlinkPayload<RouteNetlinkMessage>) -> Option<What> {
    match payload {
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewAddress(m)) => local(m).map(What::Added),
        NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelAddress(m)) => local(m).map(What::Removed),
        _ => None,
    }
}

fn local(message: &AddressMessage) -> Option<String> {
    message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(IpAddr::V4(address)) if !address.is_loopback() => Some(address.to_string()),
        _ => None,
    })
}

/// An IP packet from `peer` with a message of heartbeat in it.
fn datagram(packet: &[u8], peer: usize) -> Option<What> {
    const UDP: u8 = 17;
    let header = usize::from(packet.first()? & 15) * 4;
    let source = Ipv4Addr::from(<[u8; 4]>::try_from(packet.get(12..16)?).ok()?).to_string();
    if *packet.get(9)? != UDP || !(0..network::NETWORKS).any(|n| network::address(peer, n) == source) {
        return None;
    }
    let text = String::from_utf8_lossy(packet.get(header + 8..)?);
    // a line of its own in the classic format, behind the digit of its type in netstrings
    let start = ["\nt=", ")t="].iter().find_map(|mark| text.find(mark).map(|at| at + mark.len()))?;
    let kind = text.get(start..)?.split(['\n', ',']).next()?;
    Some(What::Heard(kind.to_owned()))
}

/// An ARP packet that tells where its sender's address is.
fn announcement(packet: &[u8]) -> Option<What> {
    let mac = packet.get(8..14)?.try_into().ok()?;
    let address = Ipv4Addr::from(<[u8; 4]>::try_from(packet.get(14..18)?).ok()?);
    Some(What::Announced(address.to_string(), mac))
}
