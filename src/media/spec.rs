//! Which medium is wanted: kind, interface, destination. Names and numbers only; nothing is opened.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The kinds of media there are, by their directive in `ha.cf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UDP broadcast.
    Bcast,
    /// UDP multicast.
    Mcast,
    /// UDP to one peer.
    Ucast,
    /// UDP multicast over IPv6.
    Mcast6,
    /// UDP to one peer over IPv6.
    Ucast6,
}

impl Kind {
    /// The directive.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bcast => "bcast",
            Self::Mcast => "mcast",
            Self::Ucast => "ucast",
            Self::Mcast6 => "mcast6",
            Self::Ucast6 => "ucast6",
        }
    }
}

/// One medium of the configuration (wire-protocol.md 10.2 to 10.5).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Spec {
    /// `bcast IF`
    Bcast {
        /// The interface.
        iface: String,
        /// `udpport`.
        port: u16,
    },
    /// `mcast IF GROUP PORT TTL LOOP`
    Mcast {
        /// The interface.
        iface: String,
        /// Where to.
        group: Ipv4Addr,
        /// The port of this line.
        port: u16,
        /// How many hops.
        ttl: u8,
        /// Whether this host hears itself.
        looped: bool,
    },
    /// `ucast IF PEER`, the peer's name already looked up.
    Ucast {
        /// The interface.
        iface: String,
        /// Where to.
        peer: Ipv4Addr,
        /// `udpport`.
        port: u16,
    },
    /// `mcast6 IF GROUP PORT HOPS LOOP`
    Mcast6 {
        /// The interface.
        iface: String,
        /// Where to.
        group: Ipv6Addr,
        /// The port of this line.
        port: u16,
        /// How many.
        hops: u8,
        /// Whether this host hears itself.
        looped: bool,
    },
    /// `ucast6 IF PEER`, the peer's name already looked up.
    Ucast6 {
        /// The interface.
        iface: String,
        /// Where to.
        peer: Ipv6Addr,
        /// `udpport`.
        port: u16,
    },
}

impl Spec {
    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Bcast { .. } => Kind::Bcast,
            Self::Mcast { .. } => Kind::Mcast,
            Self::Ucast { .. } => Kind::Ucast,
            Self::Mcast6 { .. } => Kind::Mcast6,
            Self::Ucast6 { .. } => Kind::Ucast6,
        }
    }

    /// The interface, which is also the name of the link.
    pub fn iface(&self) -> &str {
        match self {
            Self::Bcast { iface, .. }
            | Self::Mcast { iface, .. }
            | Self::Ucast { iface, .. }
            | Self::Mcast6 { iface, .. }
            | Self::Ucast6 { iface, .. } => iface,
        }
    }

    /// The UDP port at which it listens and to which it sends.
    pub fn port(&self) -> u16 {
        match self {
            Self::Bcast { port, .. }
            | Self::Mcast { port, .. }
            | Self::Ucast { port, .. }
            | Self::Mcast6 { port, .. }
            | Self::Ucast6 { port, .. } => *port,
        }
    }
}

/// As the log calls it: `bcast eth0`.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind().name(), self.iface())
    }
}
