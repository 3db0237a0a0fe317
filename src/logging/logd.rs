//! The way through ha_logd: its own client `ha_logger`, one call a line (`use_logd yes`).
//!
//! ha_logd writes the process id of that client into the line.

use super::format::{Record, Voice};
use crate::level::Level;
use std::path::Path;
use std::process::{Command, Stdio};

const CLIENTS: [&str; 2] = ["/usr/sbin/ha_logger", "/usr/bin/ha_logger"];

/// Hands one line over; false when there is no client or no daemon to take it.
pub(super) fn send(record: &Record) -> bool {
    let Some(client) = CLIENTS.iter().find(|p| Path::new(p).exists()) else {
        return false;
    };
    let tag = match &record.voice {
        Voice::Program { name, .. } => name,
        Voice::Script { tag } => tag,
    };
    let kind = if record.level == Level::Debug { "ha-debug" } else { "ha-log" };
    Command::new(client)
        .args(["-t", tag, "-D", kind, &record.message()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
