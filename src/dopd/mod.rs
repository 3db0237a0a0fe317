//! `dopd`, the DRBD outdate-peer daemon, and `drbd-peer-outdater`, which DRBD calls (commands.md section 11).
//!
//! When a node loses sight of its DRBD peer, the handler `drbd-peer-outdater` asks the local `dopd`, that one
//! asks the peer's over the cluster, and there `drbdadm outdate` marks the data as too old to be used. The answer
//! goes the same way back and is the handler's exit code.
//!
//! What is decided lives in the files `plan*`, and is pure. [`serve`] is the daemon's loop around them,
//! [`outdater`] the handler. The cluster is `client`'s business.

mod connection;
mod drbdadm;
mod log;
pub mod outdater;
pub mod plan;
pub mod plan_options;
pub mod plan_requests;
pub mod plan_runs;
pub mod serve;

/// Where `drbd-peer-outdater` finds `dopd`.
pub const SOCKET: &str = "/run/heartbeat/dopd/outdater";
