//! Work on resources that the engine asks for (resources.md section 4). The engine names it; the
//! `resources` room does it and the daemon reports its end.

use super::Hold;
use serde::{Deserialize, Serialize};

/// Hooks that take groups. They cannot be missing: groups would run nowhere, and what waits for their end would wait for
/// ever.
pub const TAKING: [&str; 2] = ["status", "ip-request-resp"];

/// Whether a standby job releases or acquires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verb {
    /// `givegroup`.
    Give,
    /// `takegroup`.
    Take,
}

/// One piece of work. Jobs may run beside each other; the engine serialises where the reference does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Job {
    /// Run the hook `/etc/ha.d/rc.d/KIND` through harc, if there is one of that name.
    Hook {
        /// The message type, lower case.
        kind: String,
        /// `HA_<field>` of each text field of the message, `HA_OSTATUS`, `HA_NICEFAILBACK` (resources.md 6.2).
        env: Vec<(String, String)>,
    },
    /// "req_our_resources": for each key of `listkeys SELF` do what `req_resource KEY` does.
    AcquireLocal {
        /// The nice-failback protocol is in use: `HA_NICEFAILBACK=yes`.
        nice: bool,
        /// No other node is active: `HA_DONTASK=yes`.
        dont_ask: bool,
    },
    /// "go_standby": give or take each group of `set`, seen from this node
    /// (`Local` = ourkeys, `Foreign` = otherkeys, `All` = allkeys).
    Standby {
        /// Release or acquire.
        verb: Verb,
        /// Which groups.
        set: Hold,
    },
    /// Make sure that these groups, seen from this node, can be acquired, and have at hand what that needs. Beside
    /// everything else; nothing is acquired yet. `JobFailed`: they cannot.
    Prepare {
        /// Which groups.
        set: Hold,
    },
    /// Release each group of which an address is up: left behind by a daemon that died. Before anything is
    /// said of what this node holds.
    ReleaseLeftovers,
    /// Have the fencing device reset a dead node, and say `t=stonith node= result=`. Beside everything else.
    Reset {
        /// Its name.
        node: String,
    },
    /// Ask the fencing device how it is; the log is told. Beside everything else.
    CheckDevice,
    /// Tell the neighbourhood once more where the addresses of these groups are: both nodes had them. Beside
    /// everything else.
    Announce {
        /// Which groups, seen from this node.
        set: Hold,
        /// They are the peer's, which does not tell by itself.
        for_peer: bool,
    },
    /// "hb_giveup_resources": release every group of haresources, at shutdown.
    GiveUpAll,
}
