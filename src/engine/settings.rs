//! What the engine must know before it starts. Plain values; the daemon fills them from `ha.cf`.

use super::Hold;
use crate::wire::Packing;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `auto_failback` (wire-protocol.md 8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failback {
    /// A returning node gets its own groups back.
    On,
    /// Groups stay where they are.
    Off,
    /// The old protocol: a returning node asks for its groups itself.
    Legacy,
}

impl Failback {
    /// Whether the "nice" protocol of wire-protocol.md 8.3 is in use.
    pub fn nice(self) -> bool {
        self != Failback::Legacy
    }
}

/// What a configured node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeKind {
    /// A member of the cluster.
    Normal,
    /// A ping node: it answers echo requests and holds nothing.
    Ping,
}

/// A node of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSpec {
    /// Lower-case name.
    pub name: String,
    /// Member or ping node.
    pub kind: NodeKind,
}

/// The engine's configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Own node name, one of `nodes`.
    pub me: String,
    /// Own uuid, 16 bytes.
    pub uuid: [u8; 16],
    /// Generation of this start; higher than that of any earlier one.
    pub generation: u64,
    /// Every node in configuration order.
    pub nodes: Vec<NodeSpec>,
    /// Link names (interfaces, devices) that each normal node is heard over.
    pub links: Vec<String>,
    /// Interval of status messages.
    pub keepalive: Duration,
    /// Own dead time, sent to the peer as `dt`.
    pub deadtime: Duration,
    /// Silence worth a warning.
    pub warntime: Duration,
    /// Dead time of nodes never heard from.
    pub initdead: Duration,
    /// Dead time of ping nodes.
    pub deadping: Duration,
    /// The failback mode.
    pub failback: Failback,
    /// Added to the number of nodes to give `ttl`.
    pub hopfudge: u32,
    /// Interval between requests for a missing message.
    pub max_rexmit_delay: Duration,
    /// What becomes of large messages on the wire.
    #[serde(default)]
    pub packing: Packing,
    /// Message types that have a hook in `rc.d`.
    pub hooks: Vec<String>,
    /// After a quick restart (`-R -C`): what this node still holds.
    pub resumed: Option<Hold>,
    /// Of that something did not start.
    #[serde(default)]
    pub failed: bool,
    /// Whether resources are this daemon's business; `-M` says no.
    pub manages: bool,
    /// Which sets have a group at all, seen from here.
    #[serde(default)]
    pub groups: Hold,
    /// A fencing device is configured: nothing of a dead node is taken before it is reset.
    pub fencing: bool,
    /// Process id, for the log.
    pub pid: u32,
    /// Seed of the random delays.
    pub seed: u64,
}
