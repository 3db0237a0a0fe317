//! Where things lie on a Debian system (commands.md section 2). Only names live here.

/// Configuration directory, as the daemon prints it: with the trailing slash.
pub const HA_DIR: &str = "/etc/ha.d/";
/// The main configuration file. The doubled slash is what 3.0.6 prints and what log filters know.
pub const HA_CF: &str = "/etc/ha.d//ha.cf";
/// The signing keys.
pub const AUTHKEYS: &str = "/etc/ha.d//authkeys";
/// The resource groups.
pub const HARESOURCES: &str = "/etc/ha.d//haresources";
/// Optional file whose first line overrides `uname -n` (wire-protocol.md 4.4).
pub const NODEINFO: &str = "/etc/ha.d/nodeinfo";
/// Hook dispatcher.
pub const HARC: &str = "/etc/ha.d/harc";
/// Hooks, one file a message type.
pub const RC_DIR: &str = "/etc/ha.d/rc.d";
/// Resource scripts, searched first.
pub const RESOURCE_DIR: &str = "/etc/ha.d/resource.d";
/// Resource scripts, searched second.
pub const INIT_DIR: &str = "/etc/init.d";
/// Programs of the daemon.
pub const LIBEXEC: &str = "/usr/libexec/heartbeat";
/// Administrative tools.
pub const SHARE: &str = "/usr/share/heartbeat";
/// Persistent state.
pub const STATE_DIR: &str = "/var/lib/heartbeat";
/// Local messages from scripts to the daemon.
pub const FIFO: &str = "/var/lib/heartbeat/fifo";
/// Generation number.
pub const GENERATION: &str = "/var/lib/heartbeat/hb_generation";
/// Nodes that were taken out of the running cluster.
pub const DELETED: &str = "/var/lib/heartbeat/delhostcache";
/// How far each peer had come when it was last heard.
pub const PEERS: &str = "/var/lib/heartbeat/hb_peers";
/// Own uuid.
pub const UUID: &str = "/var/lib/heartbeat/hb_uuid";
/// Working directory of the daemon and of every script.
pub const CORE_DIR: &str = "/var/lib/heartbeat/cores/root";
/// Pid file.
pub const PID_FILE: &str = "/run/heartbeat.pid";
/// Run-time directory.
pub const RUN_DIR: &str = "/run/heartbeat";
/// Scratch directory of resource scripts, empty at each start.
pub const SCRATCH: &str = "/run/heartbeat/rsctmp";
/// Run-time directory of the resource agents, theirs and ours: `HA_RSCTMP`.
pub const RSCTMP: &str = "/run/resource-agents";
/// Where API clients connect.
pub const REGISTER: &str = "/run/heartbeat/register";
/// The addresses that are up because of us. Not in `/run/heartbeat`, which belongs to the user of the cluster.
pub const ADDRESSES: &str = "/run/heartbeat.addresses";
/// Those that were taken down behind a daemon that died.
pub const LEFT_BEHIND: &str = "/run/heartbeat.left-behind";
/// The process that takes them down when the daemon dies.
pub const WATCHER: &str = "/run/heartbeat.watcher";
