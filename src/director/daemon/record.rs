//! The state file, ours: what an instance does, and which services it has put into the kernel's table.
//!
//! Two need it: commands, to know whether the daemon serves or only checks; and the next daemon after a restart or a
//! crash, to know whether it is to serve (not after an end that was wanted, and not done), and what the last one left in
//! the table that no configuration names any more, or that is to stay there. It lies in /run: after a boot there is none.
//! Pure but for the file.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::pidfile::write_whole;
use crate::director::table::{Family, Op, Protocol, ServiceId};

/// The mark of a service that is to stay in the table.
const STAYS: &str = " stays";

/// Whether a daemon touches the kernel's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// It serves.
    Active,
    /// It only checks.
    Standby,
}

/// What a daemon was told and has not done yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    /// Nothing.
    Nothing,
    /// To end: nobody is to serve any more.
    End,
    /// To end, and leave what it does to the next one.
    Leave,
    /// To stand by: it waits for those it executes.
    StandBy,
}

impl Pending {
    const MARKS: [(Pending, &str); 3] =
        [(Pending::End, "ending"), (Pending::Leave, "leaving"), (Pending::StandBy, "parting")];

    /// Whether it will not be there any more.
    pub(super) fn is_end(self) -> bool {
        matches!(self, Pending::End | Pending::Leave)
    }
}

/// What a state file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Whether it serves.
    pub(super) mode: Mode,
    /// Whether `stop` leaves it checking.
    pub(super) warm: bool,
    /// What it was told and has not done yet.
    pub(super) pending: Pending,
    /// The services it has put into the table, or is about to.
    pub(super) services: BTreeSet<ServiceId>,
    /// Services that are to stay there when it ends, whether they are there yet or not. The file marks them.
    pub(super) staying: BTreeSet<ServiceId>,
}

impl Record {
    /// What the file says; `None` when there is none, or one that says nothing.
    pub(super) fn read(file: &Path) -> Option<Record> {
        Record::parse(&fs::read_to_string(file).ok()?)
    }

    /// Whether it does this, and is not about to do otherwise. To who is executed the way there is enough: it may be that
    /// the other one waits for who has him ask.
    pub(super) fn is_so(&self, mode: Mode, is_executed: bool) -> bool {
        let parts = mode == Mode::Standby && is_executed && self.pending == Pending::StandBy;
        parts || self.mode == mode && self.pending == Pending::Nothing
    }

    /// Writes it.
    pub(super) fn write(&self, file: &Path) -> std::io::Result<()> {
        write_whole(file, &self.text())
    }

    /// What is about to be changed is ours too; whether that was not known.
    pub(super) fn add(&mut self, ops: &[Op]) -> bool {
        let before = self.services.len();
        self.services.extend(ops.iter().map(|op| *op.service()));
        self.services.len() > before
    }

    /// Services of which this is not so are not ours any more; whether there were such.
    pub(super) fn keep(&mut self, is_ours: impl Fn(&ServiceId) -> bool) -> bool {
        let before = self.services.len();
        self.services.retain(is_ours);
        self.services.len() < before
    }

    fn parse(text: &str) -> Option<Record> {
        let mut lines = text.lines();
        let mut words = lines.next()?.split(' ');
        let mode = match words.next()? {
            "active" => Mode::Active,
            "standby" => Mode::Standby,
            _ => return None,
        };
        let marks: Vec<&str> = words.collect();
        let pending = Pending::MARKS.iter().find(|(_, mark)| marks.contains(mark));
        let pending = pending.map_or(Pending::Nothing, |(pending, _)| *pending);
        let warm = marks.contains(&"warm");
        let (mut services, mut staying) = (BTreeSet::new(), BTreeSet::new());
        for line in lines {
            let bare = line.strip_suffix(STAYS);
            let Some(id) = service(bare.unwrap_or(line)) else { continue };
            services.insert(id);
            staying.extend(bare.map(|_| id));
        }
        Some(Record { mode, warm, pending, services, staying })
    }

    fn text(&self) -> String {
        let mode = match self.mode {
            Mode::Active => "active",
            Mode::Standby => "standby",
        };
        let mut text = mode.to_owned();
        let pending = Pending::MARKS.iter().find(|(pending, _)| *pending == self.pending);
        for mark in self.warm.then_some("warm").into_iter().chain(pending.map(|(_, mark)| *mark)) {
            text.push(' ');
            text.push_str(mark);
        }
        text.push('\n');
        for id in &self.services {
            let stays = if self.staying.contains(id) { STAYS } else { "" };
            text += &format!("{}{stays}\n", id.tagged());
        }
        text
    }
}

/// A service by its tagged name.
fn service(text: &str) -> Option<ServiceId> {
    let (kind, rest) = text.split_once(':')?;
    let mark = |family| Some(ServiceId::Mark { mark: rest.parse().ok()?, family });
    let address = |protocol| Some(ServiceId::address(protocol, rest.parse().ok()?));
    match kind {
        "fwm" => mark(Family::V4),
        "fwm6" => mark(Family::V6),
        "tcp" => address(Protocol::Tcp),
        "udp" => address(Protocol::Udp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let services = BTreeSet::from([
            ServiceId::address(Protocol::Tcp, "10.0.0.1:80".parse().unwrap()),
            ServiceId::address(Protocol::Udp, "[2001:db8::1]:53".parse().unwrap()),
            ServiceId::Mark { mark: 7, family: Family::V4 },
            ServiceId::Mark { mark: 9, family: Family::V6 },
        ]);
        let staying: BTreeSet<ServiceId> = services.iter().copied().skip(2).collect();
        for mode in [Mode::Active, Mode::Standby] {
            for pending in [Pending::Nothing, Pending::End, Pending::Leave, Pending::StandBy] {
                for warm in [false, true] {
                    let (services, staying) = (services.clone(), staying.clone());
                    let record = Record { mode, warm, pending, services, staying };
                    assert_eq!(Record::parse(&record.text()), Some(record));
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_read_says_nothing() {
        assert_eq!(Record::parse(""), None);
        assert_eq!(Record::parse("asleep\n"), None);
        let read = Record::parse("active\nsctp:10.0.0.1:80\nfwm:x\nfwm:3\n").unwrap();
        assert_eq!(read.services, BTreeSet::from([ServiceId::Mark { mark: 3, family: Family::V4 }]));
    }
}
