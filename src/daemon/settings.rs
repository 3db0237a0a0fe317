//! From configuration to the values that engine, media and log start from. Pure.

use super::media::link;
use crate::config::{self, AutoFailback, CompressionMethod, Config, Medium, MessageFormat};
use crate::engine::{Failback, Hold, NodeKind, NodeSpec, Settings};
use crate::media::{PingKind, PingSpec};
use crate::wire::{Compression, Format, Packing};
use crate::{logging, paths};
use std::path::PathBuf;

/// What only this start knows.
pub(super) struct ThisStart {
    pub(super) uuid: [u8; 16],
    pub(super) generation: u64,
    pub(super) hooks: Vec<String>,
    pub(super) resumed: Option<Hold>,
    pub(super) failed: bool,
    pub(super) manages: bool,
    pub(super) seed: u64,
}

/// The engine's settings.
pub(super) fn engine(config: &Config, start: ThisStart) -> Settings {
    Settings {
        me: config.this_node.clone(),
        uuid: start.uuid,
        generation: start.generation,
        nodes: config.nodes.iter().map(node).collect(),
        links: config.media.iter().filter_map(link).collect(),
        keepalive: config.timing.keepalive,
        deadtime: config.timing.deadtime,
        warntime: config.timing.warntime,
        initdead: config.timing.initdead,
        deadping: config.timing.deadping,
        failback: match config.auto_failback {
            AutoFailback::On => Failback::On,
            AutoFailback::Off => Failback::Off,
            AutoFailback::Legacy => Failback::Legacy,
        },
        hopfudge: u32::from(config.hopfudge),
        max_rexmit_delay: config.max_rexmit_delay,
        packing: packing(config),
        hooks: start.hooks,
        resumed: start.resumed,
        failed: start.failed,
        manages: start.manages,
        groups: groups(config),
        fencing: config.stonith.is_some(),
        pid: std::process::id(),
        seed: start.seed,
    }
}

/// Which of the two sets is not empty.
fn groups(config: &Config) -> Hold {
    let set = |own: bool| if own { Hold::Local } else { Hold::Foreign };
    config.groups.iter().map(|group| set(group.node == config.this_node)).fold(Hold::None, Hold::with)
}

fn node(node: &config::Node) -> NodeSpec {
    let kind = match node.kind {
        config::NodeKind::Normal => NodeKind::Normal,
        config::NodeKind::Ping => NodeKind::Ping,
    };
    NodeSpec { name: node.name.clone(), kind }
}

/// The ping node of a medium, if it is one.
pub(super) fn ping(medium: &Medium) -> Option<PingSpec> {
    let (kind, name, peers) = match medium {
        Medium::Ping { name, peer } => (PingKind::Ping, name, vec![(*peer).into()]),
        Medium::Ping6 { name, peer } => (PingKind::Ping6, name, vec![(*peer).into()]),
        Medium::PingGroup { name, peers } => {
            (PingKind::Group, name, peers.iter().copied().map(Into::into).collect())
        }
        _ => return None,
    };
    Some(PingSpec { kind, name: name.clone(), peers })
}

/// `msgfmt`.
pub(super) fn format(config: &Config) -> Format {
    match config.msgfmt {
        MessageFormat::Classic => Format::Classic,
        MessageFormat::Netstring => Format::Netstring,
    }
}

/// `compression`, `compression_threshold`, `traditional_compression`.
pub(super) fn packing(config: &Config) -> Packing {
    let config::Compression { method, threshold_kb, traditional } = config.compression;
    Packing {
        how: match method {
            CompressionMethod::Zlib => Compression::Zlib,
            CompressionMethod::Bz2 => Compression::Bz2,
        },
        threshold: usize::try_from(threshold_kb).unwrap_or(usize::MAX).saturating_mul(1024),
        whole: traditional,
        format: format(config),
    }
}

/// Where the daemon logs; also to stderr until it is in the background.
pub(super) fn log(config: &config::Logging, host: &str, stderr: bool) -> logging::Settings {
    logging::Settings {
        host: host.to_owned(),
        form: if config.syslog_style { logging::Form::Syslog } else { logging::Form::Plain },
        logfile: config.logfile.as_ref().map(PathBuf::from),
        debugfile: config.debugfile.as_ref().map(PathBuf::from),
        facility: config.facility.as_deref().and_then(logging::Facility::parse),
        stderr,
        use_logd: config.use_logd,
        debug: config.debug,
        ..logging::Settings::default()
    }
}

/// The hooks there are: plain names of files in rc.d (resources.md section 4).
pub(super) fn hooks() -> std::io::Result<Vec<String>> {
    let names = std::fs::read_dir(paths::RC_DIR)?.flatten().filter_map(|e| e.file_name().into_string().ok());
    Ok(names.filter(|name| !name.starts_with('.')).collect())
}

/// `uuidfrom nodename` (wire-protocol.md 4.2): 32 hex digits drawn from glibc's default generator, seeded
/// with a hash of the name, so that both daemons compute the same.
pub(super) fn uuid_of_name(name: &str) -> [u8; 16] {
    let hash = |h: u32, byte: u8| h.wrapping_mul(31).wrapping_add(u32::from(byte));
    let mut digits = glibc_random(name.bytes().fold(0, hash)).map(|number| (number % 16) as u8);
    let mut next = || digits.next().unwrap_or(0);
    std::array::from_fn(|_| next() << 4 | next())
}

/// glibc's additive feedback generator.
fn glibc_random(seed: u32) -> impl Iterator<Item = u32> {
    const DEGREE: usize = 31;
    const SEPARATION: usize = 3;
    const DISCARDED: usize = 310;
    let mut state = std::collections::VecDeque::with_capacity(DEGREE);
    let mut word = i64::from(seed.max(1).cast_signed());
    for _ in 0..DEGREE {
        state.push_back(u32::try_from(word & 0xffff_ffff).unwrap_or_default());
        word = (16807 * word).rem_euclid(2_147_483_647);
    }
    state.rotate_left(SEPARATION);
    std::iter::from_fn(move || {
        let oldest = state.pop_front()?;
        let tap = *state.get(DEGREE - SEPARATION - 1)?;
        let sum = oldest.wrapping_add(tap);
        state.push_back(sum);
        Some(sum >> 1)
    })
    .skip(DISCARDED)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::uuid_text;

    #[test]
    fn the_uuid_of_a_name_is_the_one_of_the_reference() {
        assert_eq!(uuid_text(&uuid_of_name("vun1")).replace('-', ""), "b19f725e46a38d88b0672ab68aaf496f");
        assert_eq!(uuid_text(&uuid_of_name("vun2")).replace('-', ""), "a2a5d3206cc72e9d3fc6dce8e69ccc76");
    }
}
