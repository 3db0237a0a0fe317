//! What the reply to a sign-on tells (client-api.md section 3).

use crate::wire::Message;
use std::time::Duration;

/// The daemon, as it introduces itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// The name of this node.
    pub node: String,
    /// How long a node may be silent.
    pub deadtime: Duration,
    /// How often a node speaks.
    pub keepalive: Duration,
    /// Its version.
    pub version: String,
    /// The parameter `pacemaker`: `false`, or who manages the resources.
    pub pacemaker: String,
}

impl Hello {
    /// Takes what is there; a 2.1.x does not tell everything.
    pub(super) fn of(reply: &Message) -> Self {
        let text = |name| reply.text(name).unwrap_or_default().to_owned();
        let milliseconds = |name| Duration::from_millis(reply.hex(name).unwrap_or(0));
        Self {
            node: text("node"),
            deadtime: milliseconds("deadtime"),
            keepalive: milliseconds("keepalive"),
            version: text("hbversion"),
            pacemaker: text("pacemaker"),
        }
    }
}
