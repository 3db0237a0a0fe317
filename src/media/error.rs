//! Why a medium cannot be opened, and whether it is worth another try (wire-protocol.md 10.2 to 10.4).

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use super::note::{Note, reason};
use super::spec::{Kind, Spec};
use crate::level::Level;

/// What went wrong with which medium.
#[derive(Debug)]
pub struct MediumError {
    /// The medium.
    pub spec: Spec,
    /// What went wrong.
    pub cause: Cause,
}

/// What went wrong.
#[derive(Debug)]
pub enum Cause {
    /// There is no such interface.
    NoInterface,
    /// The interface has no IPv4 address (yet).
    NoAddress,
    /// The destination is not a multicast group.
    BadGroup(IpAddr),
    /// Another program sits on the port and does not share it.
    PortTaken,
    /// The system refused a step.
    System {
        /// The step.
        doing: &'static str,
        /// Its word for it.
        error: io::Error,
    },
}

/// How to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often at most.
    pub times: u32,
    /// How long to wait before each.
    pub pause: Duration,
}

impl MediumError {
    /// Whether time may heal it, as the reference sees it: a taken port ten times, an interface without
    /// an address for `mcast` for two minutes.
    pub fn retry(&self) -> Option<Retry> {
        let times = match (&self.cause, self.spec.kind()) {
            (Cause::PortTaken, _) => 10,
            (Cause::NoAddress, Kind::Mcast) => 120,
            _ => return None,
        };
        Some(Retry { times, pause: Duration::from_secs(1) })
    }

    /// The line for the log when it is given up.
    pub fn note(&self) -> Note {
        Note::new(Level::Error, format!("glib: {self}"))
    }

    /// The line for the log when it will be tried again.
    pub fn retry_note(&self) -> Note {
        let text = match (&self.cause, self.spec.kind()) {
            (Cause::PortTaken, Kind::Bcast) => {
                "Error binding socket (Address already in use). Retrying.".to_owned()
            }
            (Cause::PortTaken, Kind::Ucast) => "ucast: Can't bind (EADDRINUSE), retrying".to_owned(),
            (Cause::PortTaken, Kind::Ucast6) => "ucast6: Can't bind (EADDRINUSE), retrying".to_owned(),
            (Cause::PortTaken, Kind::Mcast | Kind::Mcast6) => "Can't bind (EADDRINUSE), retrying".to_owned(),
            _ => format!("{self}, retrying"),
        };
        Note::new(Level::Error, format!("glib: {text}"))
    }
}

impl fmt::Display for MediumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, iface, port) = (self.spec.kind(), self.spec.iface(), self.spec.port());
        match (&self.cause, kind) {
            (Cause::NoInterface, Kind::Bcast) => write!(f, "IP interface [{iface}] does not exist"),
            (Cause::NoInterface, Kind::Mcast | Kind::Mcast6) => {
                write!(f, "{} device [{iface}] is invalid or not set up properly", kind.name())
            }
            (Cause::NoInterface, Kind::Ucast | Kind::Ucast6) => {
                write!(f, "{}: interface [{iface}] does not exist", kind.name())
            }
            (Cause::NoAddress, Kind::Bcast) => {
                write!(f, "Get broadcast for interface {iface} failed: Cannot assign requested address")
            }
            (Cause::NoAddress, _) => write!(
                f,
                "Unable to retrieve local interface address for interface [{iface}] using ioctl(SIOCGIFADDR): \
                 Cannot assign requested address"
            ),
            (Cause::BadGroup(group), _) => write!(f, "{} [{iface}] bad addr [{group}]", kind.name()),
            (Cause::PortTaken, Kind::Bcast) => {
                write!(f, "Unable to bind socket (Address already in use). Giving up.")
            }
            (Cause::PortTaken, Kind::Ucast | Kind::Ucast6) => {
                write!(f, "{}: unable to bind socket. Giving up: Address already in use", kind.name())
            }
            (Cause::PortTaken, Kind::Mcast | Kind::Mcast6) => {
                write!(f, "Someone already listening on port {port} [{iface}]")
            }
            (Cause::System { doing, error }, _) => write!(f, "{}: {doing}: {}", self.spec, reason(error)),
        }
    }
}

impl std::error::Error for MediumError {}
