//! The sockets of ping nodes (wire-protocol.md 10.7): `ping`, `ping_group` and `ping6`.
//!
//! A [`Ping`] sends a payload to every address of its node, and hands out what comes back. What the payload
//! says, and whether what came back may be believed, is not its business; nor is whether the node lives.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};

use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use super::echo::{self, Answered, Family};
use super::note::{Note, reason};
use super::waiting::Ear;
use super::{BURST, Buffer};
use crate::level::Level;

/// The kinds of ping nodes, by their directive in `ha.cf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PingKind {
    /// One IPv4 address.
    Ping,
    /// Several IPv4 addresses.
    Group,
    /// One IPv6 address.
    Ping6,
}

impl PingKind {
    /// The directive; also the `info` of its messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Group => "ping_group",
            Self::Ping6 => "ping6",
        }
    }
}

/// A ping node of the configuration, its addresses already looked up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PingSpec {
    /// Which directive.
    pub kind: PingKind,
    /// The name of the node and of its link.
    pub name: String,
    /// Whom to ask: all of one family.
    pub peers: Vec<IpAddr>,
}

/// An open ping medium.
#[derive(Debug)]
pub struct Ping {
    spec: PingSpec,
    family: Family,
    pid: u32,
    sequence: u16,
    answered: Answered,
    send: Socket,
    receive: Ear,
}

impl Ping {
    /// Opens it. Must be called within a tokio runtime that drives I/O. The error is the line to log.
    pub fn open(spec: &PingSpec) -> Result<Self, Note> {
        Self::opened(spec)
            .map_err(|error| glib(Level::Error, &format!("Can't open RAW socket.: {}", reason(&error))))
    }

    fn opened(spec: &PingSpec) -> io::Result<Self> {
        let family = spec.peers.first().map_or(Family::V4, |peer| Family::of(*peer));
        let pid = std::process::id();
        let send = socket(family, pid)?;
        // The runtime's name for "a socket with datagrams"; both are the same socket.
        let receive = Ear::new(send.try_clone()?.into())?;
        let (spec, answered) = (spec.clone(), Answered::default());
        Ok(Self { spec, family, pid, sequence: 0, answered, send, receive })
    }

    /// The name of its node, which is that of its link.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// Its kind.
    pub fn kind(&self) -> PingKind {
        self.spec.kind
    }

    /// What the reference logs when it opens such a medium.
    pub fn note(&self) -> Note {
        let what = if self.kind() == PingKind::Group { "ping group" } else { "ping" };
        glib(Level::Info, &format!("{what} heartbeat started."))
    }

    /// Asks every address, now or not at all. The error is the first one; it does not spare the others.
    pub fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        let packet = echo::request(self.family, self.pid, self.sequence, payload);
        self.sequence = self.sequence.wrapping_add(1);
        let send = |peer: &IpAddr| self.send.send_to(&packet, &SocketAddr::new(*peer, 0).into()).map(drop);
        let results: Vec<io::Result<()>> = self.spec.peers.iter().map(send).collect();
        results.into_iter().collect()
    }

    /// What the reference logs about a failed [`Ping::send`]; for [`super::ErrorLimiter::failed`].
    pub fn send_failure(&self, error: &io::Error) -> [Note; 2] {
        let reason = reason(error);
        let failure =
            format!("write_child: write failure on {} {}.: {reason}", self.kind().name(), self.name());
        [glib(Level::Error, &format!("Error sending packet: {reason}")), Note::new(Level::Error, failure)]
    }

    /// Whether answers are there; if not, the task of `context` is woken when they come.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.receive.poll_readable(context)
    }

    /// Hands out what came back, without waiting, a bounded number at a time. `believed` says whether it
    /// was genuine: of a group the first genuine answer to each request is handed out, and no other.
    pub fn drain(
        &mut self,
        buffer: &mut Buffer,
        mut believed: impl FnMut(&[u8]) -> bool,
    ) -> io::Result<usize> {
        for count in 0..BURST {
            let (length, from) = match self.receive.take(&mut buffer.0) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(count),
                Err(error) => return Err(error),
            };
            let packet = buffer.0.get(..length).unwrap_or_default();
            let Some((sequence, payload)) = echo::reply(self.family, self.pid, packet) else { continue };
            if from.is_some_and(|from| self.may_answer(from, sequence)) && believed(payload) {
                self.answered.note(sequence);
            }
        }
        Ok(BURST)
    }

    /// So many bursts empty it of all that can wait in it at one moment.
    pub fn bursts(&self) -> usize {
        self.receive.bursts()
    }

    /// A single address may answer from another one and twice, as with the reference.
    fn may_answer(&self, from: IpAddr, sequence: u16) -> bool {
        self.kind() != PingKind::Group || (self.spec.peers.contains(&from) && !self.answered.has(sequence))
    }
}

/// As the log calls it: `ping 10.0.0.1`.
impl std::fmt::Display for Ping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind().name(), self.name())
    }
}

fn socket(family: Family, pid: u32) -> io::Result<Socket> {
    let (domain, protocol) = match family {
        Family::V4 => (Domain::IPV4, Protocol::ICMPV4),
        Family::V6 => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
    socket.set_nonblocking(true)?;
    socket.attach_filter(&filter(family, pid))?;
    Ok(socket)
}

/// Every raw socket gets every ICMP packet of the machine. This program of the kernel's packet filter
/// keeps out what is no answer to this process, so that nobody else's pings wake it.
fn filter(family: Family, pid: u32) -> Vec<SockFilter> {
    const IP_HEADER_LENGTH_TO_X: u16 = 0xb1;
    const ZERO_TO_X: u16 = 0x01;
    const BYTE_AT_X: u16 = 0x50;
    const HALF_AT_X: u16 = 0x48;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    let start = match family {
        Family::V4 => IP_HEADER_LENGTH_TO_X,
        Family::V6 => ZERO_TO_X,
    };
    let identifier = u32::from(u16::from_be_bytes(echo::identifier(pid)));
    vec![
        SockFilter::new(start, 0, 0, 0),
        SockFilter::new(BYTE_AT_X, 0, 0, 0),
        SockFilter::new(JUMP_IF_EQUAL, 0, 3, u32::from(family.reply())),
        SockFilter::new(HALF_AT_X, 0, 0, 4),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, identifier),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}

fn glib(level: Level, text: &str) -> Note {
    Note::new(level, format!("glib: {text}"))
}
