//! How a virtual service is called: protocol, address and port, or a firewall mark.

use std::fmt;
use std::net::SocketAddr;

/// Transport protocol of a virtual service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP: never ours, but others may have such services.
    Sctp,
}

/// Address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What a virtual service is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceId {
    /// Packets that carry a firewall mark.
    Mark {
        /// The mark; never 0.
        mark: u32,
        /// Which packets.
        family: Family,
    },
    /// Packets to an address and port. Port 0 means every port.
    Address {
        /// Transport protocol.
        protocol: Protocol,
        /// Address and port.
        at: SocketAddr,
    },
}

impl Family {
    /// The family of an address.
    pub fn of(at: &SocketAddr) -> Family {
        if at.is_ipv4() { Family::V4 } else { Family::V6 }
    }
}

impl Protocol {
    /// As in a configuration: `tcp`.
    pub fn word(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Sctp => "sctp",
        }
    }
}

impl ServiceId {
    /// A service of an address.
    pub fn address(protocol: Protocol, at: SocketAddr) -> ServiceId {
        ServiceId::Address { protocol, at }
    }

    /// The family of its packets.
    pub fn family(&self) -> Family {
        match self {
            ServiceId::Mark { family, .. } => *family,
            ServiceId::Address { at, .. } => Family::of(at),
        }
    }

    /// Its port; `None` for a mark.
    pub fn port(&self) -> Option<u16> {
        match self {
            ServiceId::Mark { .. } => None,
            ServiceId::Address { at, .. } => Some(at.port()),
        }
    }

    /// As ldirectord names it where marks and addresses must not be mixed up: `tcp:10.0.0.1:80`, `fwm:7`.
    pub fn tagged(&self) -> String {
        match self {
            ServiceId::Mark { mark, family: Family::V4 } => format!("fwm:{mark}"),
            ServiceId::Mark { mark, family: Family::V6 } => format!("fwm6:{mark}"),
            ServiceId::Address { protocol, at } => format!("{}:{at}", protocol.word()),
        }
    }

    /// The options of ipvsadm that mean it.
    pub fn arguments(&self) -> Vec<String> {
        match self {
            ServiceId::Mark { mark, family: Family::V4 } => vec!["-f".to_owned(), mark.to_string()],
            ServiceId::Mark { mark, family: Family::V6 } => {
                vec!["-f".to_owned(), mark.to_string(), "-6".to_owned()]
            }
            ServiceId::Address { protocol, at } => {
                let option = match protocol {
                    Protocol::Tcp => "-t",
                    Protocol::Udp => "-u",
                    Protocol::Sctp => "--sctp-service",
                };
                vec![option.to_owned(), at.to_string()]
            }
        }
    }
}

impl fmt::Display for ServiceId {
    /// As in ldirectord's log: address and port, or the mark.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ServiceId::Mark { mark, .. } => write!(f, "{mark}"),
            ServiceId::Address { at, .. } => write!(f, "{at}"),
        }
    }
}
