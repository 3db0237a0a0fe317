//! What media have to say to the log, in the reference's words and order (wire-protocol.md 10, and
//! seen on a live 3.0.6). Only texts live here; nobody is told anything.

use std::io;
use std::net::SocketAddr;

use super::spec::{Kind, Spec};
use crate::level::Level;

/// A line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How grave.
    pub level: Level,
    /// What, with the `glib: ` that the reference puts before the words of a plugin.
    pub text: String,
}

impl Note {
    pub(super) fn new(level: Level, text: impl Into<String>) -> Self {
        Self { level, text: text.into() }
    }

    fn plugin(text: String) -> Self {
        Self::new(Level::Info, format!("glib: {text}"))
    }
}

/// What an opened medium says.
pub(super) fn opened(spec: &Spec) -> Vec<Note> {
    let lines = match spec {
        Spec::Bcast { iface, port } => vec![
            format!("UDP Broadcast heartbeat started on port {port} ({port}) interface {iface}"),
            format!("UDP Broadcast heartbeat closed on port {port} interface {iface} - Status: 1"),
        ],
        Spec::Ucast { iface, peer, port } => vec![
            format!("ucast: write socket priority set to IPTOS_LOWDELAY on {iface}"),
            format!("ucast: bound send socket to device: {iface}"),
            "ucast: set SO_REUSEPORT(w)".to_owned(),
            "ucast: set SO_REUSEADDR".to_owned(),
            format!("ucast: bound receive socket to device: {iface}"),
            "ucast: set SO_REUSEPORT".to_owned(),
            format!("ucast: started on port {port} interface {iface} to {peer}"),
        ],
        Spec::Mcast { iface, group, port, ttl, looped } => vec![format!(
            "UDP multicast heartbeat started for group {group} port {port} interface {iface} (ttl={ttl} loop={})",
            u8::from(*looped)
        )],
        Spec::Mcast6 { iface, group, port, hops, looped } => vec![format!(
            "UDP multicast heartbeat started for [{group}]:{port} on interface {iface} (hops={hops} loop={})",
            u8::from(*looped)
        )],
        Spec::Ucast6 { iface, peer, port } => vec![
            format!("ucast6: bound send socket to device: {iface}"),
            format!("ucast6: bound receive socket to device: {iface}"),
            "ucast6: set SO_REUSEPORT".to_owned(),
            format!("ucast6: heartbeat started for [{peer}]:{port} on interface {iface}"),
        ],
    };
    lines.into_iter().map(Note::plugin).collect()
}

/// What a failed send says before anything is suppressed.
pub(super) fn send_failed(spec: &Spec, to: SocketAddr, length: usize, error: &io::Error) -> [Note; 2] {
    let (kind, iface, reason) = (spec.kind(), spec.iface(), reason(error));
    let target = match kind {
        Kind::Bcast | Kind::Mcast | Kind::Ucast => format!("{iface} {}:{}", to.ip(), to.port()),
        Kind::Mcast6 | Kind::Ucast6 => format!("{iface}[{}]:{}", to.ip(), to.port()),
    };
    let kind = kind.name();
    let packet =
        format!("glib: {kind}_write: Unable to send HBcomm packet {target} len={length} [-1]: {reason}");
    let failure = format!("write_child: write failure on {spec}.: {reason}");
    [Note::new(Level::Error, packet), Note::new(Level::Error, failure)]
}

/// The words of the system for an error, without the number that Rust adds.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
