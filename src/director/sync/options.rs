//! The command line of `ipvs_sync`. Pure.

use crate::director::table::{Role, SyncDaemon};

pub(super) const USAGE: &str = "\
usage: ipvs_sync --start-daemon master|backup [--mcast-interface INTERFACE] [--syncid NUMBER]
       ipvs_sync --stop-daemon master|backup
       ipvs_sync -L --daemon
";

/// The interface when none is given, as ipvsadm has it.
const INTERFACE: &str = "eth0";

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// To show the daemons.
    List,
    /// To start one.
    Start(SyncDaemon),
    /// To stop one.
    Stop(Role),
}

/// Reads it; `None` where it cannot be understood.
pub(super) fn read(words: &[String]) -> Option<Asked> {
    let (first, rest) = words.split_first()?;
    match first.as_str() {
        "-L" | "-l" | "--list" => (rest == ["--daemon"]).then_some(Asked::List),
        "--stop-daemon" => match rest {
            [word] => role(word).map(Asked::Stop),
            _ => None,
        },
        "--start-daemon" => start(rest).map(Asked::Start),
        _ => None,
    }
}

fn start(words: &[String]) -> Option<SyncDaemon> {
    let (first, rest) = words.split_first()?;
    let mut daemon = SyncDaemon {
        role: role(first)?,
        interface: INTERFACE.to_owned(),
        sync_id: 0,
        max_length: 0,
        group: None,
        port: 0,
        ttl: 0,
    };
    let mut rest = rest.iter();
    while let Some(word) = rest.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) => (name, value),
            None => (word.as_str(), rest.next()?.as_str()),
        };
        match name {
            "--mcast-interface" if !value.is_empty() => value.clone_into(&mut daemon.interface),
            // What goes over the line has one byte for it.
            "--syncid" => daemon.sync_id = u32::from(value.parse::<u8>().ok()?),
            _ => return None,
        }
    }
    Some(daemon)
}

fn role(word: &str) -> Option<Role> {
    match word {
        "master" => Some(Role::Master),
        "backup" => Some(Role::Backup),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_refused() {
        let asked = |line: &str| read(&line.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>());
        let good = asked("--start-daemon backup --mcast-interface eth1");
        assert!(matches!(good, Some(Asked::Start(SyncDaemon { role: Role::Backup, .. }))), "{good:?}");
        assert_eq!(asked("--stop-daemon master"), Some(Asked::Stop(Role::Master)));
        let bad =
            ["", "-L", "-L --timeout", "--stop-daemon", "--stop-daemon both", "--start-daemon master eth0"];
        let worse =
            ["--start-daemon master --syncid 256", "--start-daemon master --mcast-interface=", "--daemon"];
        bad.iter().chain(&worse).for_each(|line| assert_eq!(asked(line), None, "{line}"));
    }
}
