//! How a virtual service spreads its connections.

use std::fmt;
use std::net::Ipv4Addr;

use super::Family;

/// Scheduler and options of a virtual service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Name of the scheduler: rr, wrr, lc, ...
    pub scheduler: String,
    /// Options of the scheduler.
    pub flags: SchedFlags,
    /// Keeps a client on its server.
    pub persistence: Option<Persistence>,
    /// One-packet scheduling: each datagram is a connection of its own.
    pub one_packet: bool,
    /// Persistence engine (`sip`). Never set by ldirectord.
    pub engine: Option<String>,
}

/// For how long and how widely a client stays on its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persistence {
    /// Seconds.
    pub timeout: u32,
    /// Which clients count as the same.
    pub netmask: Netmask,
}

/// The granularity of persistence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Netmask {
    /// A mask.
    V4(Ipv4Addr),
    /// A prefix length.
    V6(u8),
}

/// The three flags a scheduler may have; what they mean is its own affair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SchedFlags(
    /// Bits 0, 1 and 2.
    pub u8,
);

/// The flags as ipvsadm names them: scheduler, bit, name.
const NAMES: [(&str, u8, &str); 4] =
    [("sh", 1, "sh-fallback"), ("sh", 2, "sh-port"), ("mh", 1, "mh-fallback"), ("mh", 2, "mh-port")];
const PLAIN: [(u8, &str); 3] = [(1, "flag-1"), (2, "flag-2"), (4, "flag-3")];

impl Default for Service {
    fn default() -> Service {
        Service {
            scheduler: "wrr".to_owned(),
            flags: SchedFlags::default(),
            persistence: None,
            one_packet: false,
            engine: None,
        }
    }
}

impl Netmask {
    /// Each client for itself.
    pub fn single(family: Family) -> Netmask {
        match family {
            Family::V4 => Netmask::V4(Ipv4Addr::BROADCAST),
            Family::V6 => Netmask::V6(128),
        }
    }

    /// Whether each client counts for itself.
    pub fn is_single(self) -> bool {
        matches!(self, Netmask::V4(Ipv4Addr::BROADCAST) | Netmask::V6(128))
    }
}

impl fmt::Display for Netmask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Netmask::V4(mask) => write!(f, "{mask}"),
            Netmask::V6(bits) => write!(f, "{bits}"),
        }
    }
}

impl SchedFlags {
    /// The flag of this name, for this scheduler.
    pub fn named(scheduler: &str, name: &str) -> Option<SchedFlags> {
        let own = NAMES.iter().find(|(s, _, n)| *s == scheduler && *n == name).map(|(_, bit, _)| *bit);
        let plain = || PLAIN.iter().find(|(_, n)| *n == name).map(|(bit, _)| *bit);
        own.or_else(plain).map(SchedFlags)
    }

    /// Both sets together.
    pub fn with(self, other: SchedFlags) -> SchedFlags {
        SchedFlags(self.0 | other.0)
    }

    /// The names of the flags, as ipvsadm shows them for this scheduler.
    pub fn names(self, scheduler: &str) -> Vec<&'static str> {
        let name = |(bit, plain): &(u8, &'static str)| {
            let own = NAMES.iter().find(|(s, b, _)| *s == scheduler && b == bit).map(|(.., name)| *name);
            (self.0 & bit != 0).then_some(own.unwrap_or(plain))
        };
        PLAIN.iter().filter_map(name).collect()
    }
}

impl Service {
    /// The options of ipvsadm that say all this, in the order in which ldirectord gives them.
    pub fn arguments(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut say = |option: &str, value: Option<String>| {
            words.push(option.to_owned());
            words.extend(value);
        };
        if self.one_packet {
            say("-o", None);
        }
        say("-s", Some(self.scheduler.clone()));
        if let Some(p) = self.persistence {
            say("-p", Some(p.timeout.to_string()));
            if !p.netmask.is_single() {
                say("-M", Some(p.netmask.to_string()));
            }
        }
        if let Some(engine) = &self.engine {
            say("--pe", Some(engine.clone()));
        }
        let flags = self.flags.names(&self.scheduler);
        if !flags.is_empty() {
            say("-b", Some(flags.join(",")));
        }
        words
    }
}
