//! The configuration as typed values. Only data lives here, and what follows from it alone.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use super::authkeys::AuthKeys;
use super::haresources::Group;

/// Everything the three files say, defaults filled in.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name of this node, lower case.
    pub this_node: String,
    /// The nodes in the order they are declared, ping nodes among them.
    pub nodes: Vec<Node>,
    /// Name of the cluster; informational.
    pub cluster: String,
    /// Intervals and time-outs.
    pub timing: Timing,
    /// Added to the number of nodes to give the TTL of messages: 0 to 255.
    pub hopfudge: u8,
    /// The ways heartbeats travel, in the order they are declared.
    pub media: Vec<Medium>,
    /// Who gets resources when a node returns.
    pub auto_failback: AutoFailback,
    /// Where log lines go.
    pub logging: Logging,
    /// Scheduling and memory.
    pub realtime: Realtime,
    /// Core dumps.
    pub cores: Cores,
    /// Where the generation number comes from.
    pub hbgenmethod: GenerationMethod,
    /// Where the uuid comes from.
    pub uuidfrom: UuidFrom,
    /// Encoding of messages sent.
    pub msgfmt: MessageFormat,
    /// Compression of large messages.
    pub compression: Compression,
    /// Longest wait before a resend is asked for.
    pub max_rexmit_delay: Duration,
    /// Whether malformed packets are logged.
    pub log_badpack: bool,
    /// Watchdog device.
    pub watchdog: Option<String>,
    /// Whether to register with apphbd.
    pub use_apphbd: bool,
    /// Programs to start and keep running, in file order.
    pub clients: Vec<Client>,
    /// Who may sign on as which API client: configured entries, then the built-in ones.
    pub apiauth: Vec<ApiAuth>,
    /// The fencing device for this node's use; the last applicable line.
    pub stonith: Option<Stonith>,
    /// `env NAME=VALUE`, without the `HA_` that is put before NAME.
    pub env: Vec<(String, String)>,
    /// The keys that sign and verify messages.
    pub keys: AuthKeys,
    /// The resource groups.
    pub groups: Vec<Group>,
    /// Recorded texts by directive, in the order 3.0.6 shows them: `cl_status hbparameter`,
    /// `HA_name` in the environment of scripts. `hbversion` is not among them (see
    /// [`super::HBVERSION`]).
    pub parameters: Vec<(String, String)>,
}

/// A member of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name; lower case for normal nodes.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Runs heartbeat and holds resources.
    Normal,
    /// Only answers echo requests.
    Ping,
}

/// Intervals and time-outs, to the millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Between heartbeats.
    pub keepalive: Duration,
    /// Silence after which a node or link is dead.
    pub deadtime: Duration,
    /// Silence after which a heartbeat is late.
    pub warntime: Duration,
    /// The dead time for nodes not heard from since start.
    pub initdead: Duration,
    /// The dead time of ping nodes.
    pub deadping: Duration,
}

/// One way heartbeats travel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Medium {
    /// UDP broadcast.
    Bcast {
        /// Interface and link name.
        iface: String,
        /// UDP port.
        port: u16,
    },
    /// UDP to one IPv4 address.
    Ucast {
        /// Interface and link name.
        iface: String,
        /// The peer; may be an address of our own.
        peer: Ipv4Addr,
        /// UDP port.
        port: u16,
    },
    /// UDP to one IPv6 address.
    Ucast6 {
        /// Interface and link name.
        iface: String,
        /// The peer; may be an address of our own.
        peer: Ipv6Addr,
        /// UDP port.
        port: u16,
    },
    /// UDP multicast.
    Mcast {
        /// Interface and link name.
        iface: String,
        /// The group.
        group: Ipv4Addr,
        /// UDP port.
        port: u16,
        /// 0 to 4.
        ttl: u8,
        /// Whether own packets come back.
        looped: bool,
    },
    /// UDP multicast over IPv6.
    Mcast6 {
        /// Interface and link name.
        iface: String,
        /// The group.
        group: Ipv6Addr,
        /// UDP port.
        port: u16,
        /// 0 to 4.
        hops: u8,
        /// Whether own packets come back.
        looped: bool,
    },
    /// A serial line.
    Serial {
        /// Device path and link name.
        device: String,
        /// Bits per second.
        baud: u32,
    },
    /// ICMP echo to one address.
    Ping {
        /// The argument as written: name of the ping node and of its link.
        name: String,
        /// Its address.
        peer: Ipv4Addr,
    },
    /// ICMP echo to several addresses; one answer is enough.
    PingGroup {
        /// Name of the ping node and of its link.
        name: String,
        /// The members.
        peers: Vec<Ipv4Addr>,
    },
    /// ICMPv6 echo to one address.
    Ping6 {
        /// The argument as written: name of the ping node and of its link.
        name: String,
        /// Its address.
        peer: Ipv6Addr,
    },
}

impl Medium {
    /// The directive that declares it, which is also its type in log lines and process titles.
    pub fn directive(&self) -> &'static str {
        match self {
            Medium::Bcast { .. } => "bcast",
            Medium::Ucast { .. } => "ucast",
            Medium::Ucast6 { .. } => "ucast6",
            Medium::Mcast { .. } => "mcast",
            Medium::Mcast6 { .. } => "mcast6",
            Medium::Serial { .. } => "serial",
            Medium::Ping { .. } => "ping",
            Medium::PingGroup { .. } => "ping_group",
            Medium::Ping6 { .. } => "ping6",
        }
    }

    /// What 3.0.6 calls this kind of medium.
    pub fn description(&self) -> &'static str {
        match self {
            Medium::Bcast { .. } => "UDP/IP broadcast",
            Medium::Ucast { .. } => "UDP/IP unicast",
            Medium::Ucast6 { .. } => "UDP/IPv6 unicast",
            Medium::Mcast { .. } | Medium::Mcast6 { .. } => "UDP/IP multicast",
            Medium::Serial { .. } => "serial ring",
            Medium::Ping { .. } => "ping membership",
            Medium::PingGroup { .. } => "ping group membership",
            Medium::Ping6 { .. } => "ping6 membership",
        }
    }

    /// Whether it reaches a ping node, not members.
    pub fn is_ping(&self) -> bool {
        matches!(self, Medium::Ping { .. } | Medium::PingGroup { .. } | Medium::Ping6 { .. })
    }

    /// The link name in logs and in the API.
    pub fn link(&self) -> &str {
        match self {
            Medium::Bcast { iface, .. }
            | Medium::Ucast { iface, .. }
            | Medium::Ucast6 { iface, .. }
            | Medium::Mcast { iface, .. }
            | Medium::Mcast6 { iface, .. } => iface,
            Medium::Serial { device, .. } => device,
            Medium::Ping { name, .. } | Medium::PingGroup { name, .. } | Medium::Ping6 { name, .. } => name,
        }
    }
}

/// `auto_failback` (configuration.md 1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoFailback {
    /// A returning node gets its own resources back.
    On,
    /// Resources stay where they are.
    Off,
    /// The old behaviour, without the nice failback protocol.
    Legacy,
}

/// Where log lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logging {
    /// Log file.
    pub logfile: Option<String>,
    /// File for everything, debug lines too.
    pub debugfile: Option<String>,
    /// Syslog facility by name; `None` also for `logfacility none`.
    pub facility: Option<String>,
    /// Whether to log through the logging daemon: as configured, or because nothing else is.
    pub use_logd: bool,
    /// Between attempts to reach the logging daemon.
    pub conn_logd_time: Duration,
    /// Whether files are written in syslog style.
    pub syslog_style: bool,
    /// Debug level, 0 to 255.
    pub debug: u8,
}

/// Scheduling and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Realtime {
    /// Whether to use real-time scheduling and lock memory.
    pub enabled: bool,
    /// Priority, 1 to 99.
    pub priority: u8,
    /// Memory to set aside before locking, in kB; `None` where `ha.cf` does not say: what the daemon needs.
    pub reserve_kb: Option<u32>,
}

/// Core dumps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores {
    /// Whether they are wanted.
    pub enabled: bool,
    /// Where they go.
    pub root: String,
}

/// `hbgenmethod`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenerationMethod {
    /// Counted in a file.
    File,
    /// Seconds since 1970.
    Time,
}

/// `uuidfrom`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UuidFrom {
    /// Kept in a file.
    File,
    /// Computed from the node name.
    NodeName,
}

/// `msgfmt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageFormat {
    /// `name=value` lines.
    Classic,
    /// Netstrings.
    Netstring,
}

/// Compression of large messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    /// How.
    pub method: CompressionMethod,
    /// From which size on, in kB.
    pub threshold_kb: u32,
    /// Whether messages are compressed as a whole.
    pub traditional: bool,
}

/// A compression method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionMethod {
    /// zlib.
    Zlib,
    /// bzip2.
    Bz2,
}

/// A `respawn` or `failfast` program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The user it runs as.
    pub user: String,
    /// The user's id.
    pub uid: u32,
    /// The user's primary group.
    pub gid: u32,
    /// What to run, as `/bin/sh -c "exec COMMAND"`. Old program directories are already replaced.
    pub command: String,
    /// Whether the node must reboot when it dies.
    pub failfast: bool,
}

/// Who may sign on to the API under a client name. A match in either list suffices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiAuth {
    /// The client name. `default` and `anon` have the meanings of configuration.md 1.2.
    pub client: String,
    /// User ids.
    pub uids: Vec<u32>,
    /// Group ids.
    pub gids: Vec<u32>,
}

/// A fencing device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stonith {
    /// The plug-in type.
    pub kind: String,
    /// How it is configured.
    pub setup: StonithSetup,
}

/// Where a fencing device's parameters stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StonithSetup {
    /// `stonith`: in a file.
    File(String),
    /// `stonith_host`: on the line.
    Parameters(Vec<String>),
}

impl Config {
    /// The recorded texts as running programs see them, scripts and API clients: with what 3.0.6 adds when it
    /// has looked where its log goes.
    pub fn parameters_in_use(&self) -> BTreeMap<String, String> {
        let mut all: BTreeMap<String, String> = self.parameters.iter().cloned().collect();
        if self.logging.facility.is_some() {
            for name in ["logfile", "debugfile"] {
                all.entry(name.to_owned()).or_insert_with(|| "/dev/null".to_owned());
            }
        }
        if self.logging.use_logd {
            // Also where it is used only because nothing else was configured.
            all.entry("use_logd".to_owned()).or_insert_with(|| "yes".to_owned());
        }
        all
    }
}

impl Default for Config {
    /// What an empty `ha.cf` means (configuration.md 1.2, 1.3). Not a valid configuration: it has
    /// no node, medium or key.
    fn default() -> Config {
        let seconds = Duration::from_secs;
        Config {
            this_node: String::new(),
            nodes: Vec::new(),
            cluster: "linux-ha".to_owned(),
            timing: Timing {
                keepalive: seconds(1),
                deadtime: seconds(30),
                warntime: seconds(15),
                initdead: seconds(30),
                deadping: seconds(30),
            },
            hopfudge: 1,
            media: Vec::new(),
            auto_failback: AutoFailback::Legacy,
            logging: Logging {
                logfile: None,
                debugfile: None,
                facility: None,
                use_logd: false,
                conn_logd_time: seconds(60),
                syslog_style: true,
                debug: 0,
            },
            realtime: Realtime { enabled: true, priority: 1, reserve_kb: None },
            cores: Cores { enabled: true, root: "/var/lib/heartbeat/cores".to_owned() },
            hbgenmethod: GenerationMethod::File,
            uuidfrom: UuidFrom::File,
            msgfmt: MessageFormat::Classic,
            compression: Compression { method: CompressionMethod::Zlib, threshold_kb: 2, traditional: false },
            max_rexmit_delay: Duration::from_millis(250),
            log_badpack: true,
            watchdog: None,
            use_apphbd: false,
            clients: Vec::new(),
            apiauth: Vec::new(),
            stonith: None,
            env: Vec::new(),
            keys: AuthKeys::default(),
            groups: Vec::new(),
            parameters: Vec::new(),
        }
    }
}
