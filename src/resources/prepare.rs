//! A look ahead: can these groups be acquired here, and is at hand what that needs? Nothing is acquired yet, and no
//! script is run: the reference asks scripts for their status when it is their turn, and some tell then what
//! they could not tell before.
//!
//! What stands behind a script may depend on what that does (a file system with more scripts, an interface); only
//! the words before it must be in order now.

use super::manager::Manager;
use crate::agents::plan::{Request, Snapshot};
use crate::agents::{Agent, Conversation};
use crate::config::haresources::{Group, Word};
use crate::paths;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// So much of each script is read ahead, so that its start need not wait for a disk.
const READ_AHEAD: u64 = 1 << 20;

/// Everything that is in the way, in words; nothing where the groups of these keys can be acquired.
pub(super) fn obstacles(manager: &Manager<'_>, keys: &[String]) -> Vec<String> {
    let now = Conversation::open().and_then(|mut talk| talk.holdings());
    // Not being able to look is no reason to refuse.
    let now = now.ok();
    let groups = manager.groups();
    let chosen = groups.iter().filter(|group| keys.iter().any(|key| key == group.key()));
    let mut certain = true;
    chosen.filter_map(|group| obstacle(manager, group, now.as_ref(), &mut certain)).collect()
}

/// The first one in a group. `certain`: no script ran before that may change what is there, in this group or an earlier
/// one.
fn obstacle(
    manager: &Manager<'_>,
    group: &Group,
    now: Option<&Snapshot>,
    certain: &mut bool,
) -> Option<String> {
    let mut found = None;
    for word in &group.words {
        let path = manager.find(word);
        path.iter().for_each(|path| read_ahead(path));
        if *certain && found.is_none() {
            found = match &path {
                None => Some(format!("Cannot locate resource script {}", word.script())),
                Some(path) => now.filter(|_| is_ours(path)).and_then(|now| missing_interface(word, now)),
            };
        }
        *certain &= path.is_some_and(|path| is_ours(&path));
    }
    found.map(|why| format!("{} {}: {why}", group.node, group.remainder()))
}

/// Whether a script is one of our own agents. They do nothing but what they say; an administrator's script of the same
/// name may.
pub fn is_ours(script: &Path) -> bool {
    std::fs::read_link(script).is_ok_and(|target| target.starts_with(paths::LIBEXEC))
}

/// An address on an interface that is not there.
fn missing_interface(word: &Word, now: &Snapshot) -> Option<String> {
    let argument = *word.args().first()?;
    let request = match Agent::named(word.script())? {
        Agent::IPaddr | Agent::IPaddr2 => Request::v4(argument),
        Agent::IPv6addr => Request::v6(argument),
        Agent::SendArp => return None,
    };
    let nic = request.nic.filter(|nic| now.link(nic).is_none())?;
    Some(format!("{}: there is no interface {nic}", request.ip))
}

/// Brings it into memory. A script that cannot be read says so when it is run.
fn read_ahead(path: &Path) {
    if let Ok(file) = File::open(path) {
        let _ = std::io::copy(&mut file.take(READ_AHEAD), &mut std::io::sink());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::plan::Link;

    fn why(word: &str) -> Option<String> {
        let eth0 = Link { index: 2, name: "eth0".into(), ..Link::default() };
        missing_interface(&Word::new(word, 1, 1), &Snapshot { links: vec![eth0], ..Snapshot::default() })
    }

    #[test]
    fn an_address_needs_the_interface_it_names() {
        for good in [
            "IPaddr2::10.0.0.5/24/eth0",
            "10.0.0.5",
            "IPaddr::10.0.0.5/24/eth0:1",
            "IPv6addr::fd00:0:0:0:0:0:0:5/64",
        ] {
            assert_eq!(why(good), None, "{good}");
        }
        let missing = Some("10.0.0.5: there is no interface eth9".to_owned());
        assert_eq!(why("IPaddr2::10.0.0.5/24/eth9:web/10.0.0.255"), missing);
        assert_eq!(why("IPaddr::10.0.0.5/24/eth9"), missing);
        assert_eq!(why("10.0.0.5/24/eth9"), missing);
        assert!(why("IPv6addr::fd00:0:0:0:0:0:0:5/64/eth9").is_some());
        assert_eq!(why("Filesystem::/dev/sda1::/eth9"), None);
    }
}
