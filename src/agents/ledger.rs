//! The list of what is up because of us, as a file: `/run/heartbeat.addresses`. A reboot takes the addresses, and
//! /run with them.
//!
//! An address is written down before it is put up, and struck out after it is gone, both while its [`turn`] is held:
//! who finds a difference while holding the turn has found one that is not ours. What a daemon that died left behind
//! is taken down by [`clear`], and goes into a second file until the services of its groups are stopped, too.
//!
//! [`turn`]: super::turn

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent};

use super::netlink::{self, Conversation};
use super::plan::{Entry, Gone, Ledger, Op, Owner, Snapshot};
use super::turn::{self, Turn};
use super::{address, loopback};
use crate::paths::{ADDRESSES, LEFT_BEHIND};

/// Writes down what is about to be put up.
pub fn add(_turn: &Turn, new: &[Entry], now: &Snapshot) -> io::Result<()> {
    change(|ledger| ledger.add(new, now))
}

/// Strikes out what is gone, or is not to be watched any more. Where that cannot be written, or read, the list is
/// emptied, and nothing is guarded: an address that was given to the peer must not come back. It is not removed: that is
/// what somebody else does.
pub fn strike(_turn: &Turn, gone: &[Gone]) -> io::Result<()> {
    let before = read();
    let Err(error) = change(|ledger| ledger.strike(gone)) else { return Ok(()) };
    if fs::write(ADDRESSES, "").is_err() {
        return Err(error);
    }
    // Where /run is full there is room now.
    let again = before.and_then(|mut rest| {
        rest.strike(gone);
        write(ADDRESSES, &rest)
    });
    again.map_err(|_| {
        io::Error::new(error.kind(), format!("{error}: emptied it, nothing is guarded any more"))
    })
}

/// What is written down. No file is an empty list.
pub fn read() -> io::Result<Ledger> {
    Ok(find()?.unwrap_or_default())
}

/// The same, where there is a file.
pub fn find() -> io::Result<Option<Ledger>> {
    match fs::read(ADDRESSES) {
        Ok(bytes) => Ok(Some(Ledger::parse(&String::from_utf8_lossy(&bytes)))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// From now on this process answers for what is up.
pub fn own(owner: Owner) -> io::Result<()> {
    let _turn = turn::take();
    change(|ledger| ledger.owner = Some(owner))
}

fn change(how: impl FnOnce(&mut Ledger)) -> io::Result<()> {
    let before = read()?;
    let mut ledger = before.clone();
    how(&mut ledger);
    if ledger == before { Ok(()) } else { write(ADDRESSES, &ledger) }
}

/// Writes a list that somebody has removed.
pub fn write_again(_turn: &Turn, ledger: &Ledger) -> io::Result<()> {
    write(ADDRESSES, ledger)
}

fn write(path: &str, ledger: &Ledger) -> io::Result<()> {
    // A draft for each thread: who cannot have its turn writes all the same.
    let new = format!("{path}.{}.new", nix::unistd::gettid());
    let written = fs::write(&new, ledger.text()).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        let _ = fs::remove_file(new);
    }
    written
}

/// The kernel's news of changes of the list.
#[derive(Debug)]
pub struct News(Inotify);

impl News {
    /// Listens from now on.
    pub fn open() -> io::Result<Self> {
        let news = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        // A list is put in place of the older one: its directory knows.
        let changes = AddWatchFlags::IN_MOVE | AddWatchFlags::IN_DELETE | AddWatchFlags::IN_CLOSE_WRITE;
        let directory = Path::new(ADDRESSES).parent().ok_or(io::ErrorKind::InvalidInput)?;
        news.add_watch(directory, changes)?;
        Ok(Self(news))
    }

    /// Takes all there is. Whether some of it is about the list.
    pub fn take(&self) -> bool {
        let name = Path::new(ADDRESSES).file_name();
        // Where some was lost, nobody knows what it was about.
        let ours = |event: &InotifyEvent| event.name.is_none() || event.name.as_deref() == name;
        let mut any = false;
        while let Ok(events) = self.0.read_events() {
            any |= events.iter().any(ours);
        }
        any
    }
}

impl AsFd for News {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// What [`clear`] did.
#[derive(Debug, Default)]
pub struct Cleared {
    /// These were up, and are gone.
    pub removed: Vec<Entry>,
    /// What went wrong.
    pub errors: Vec<String>,
}

/// Takes down what is written down: whoever put it up has died. With `owner`, only where it was that process, or nobody
/// knows whose it is; what somebody else has taken over since is his.
pub fn clear(owner: Option<Owner>) -> Cleared {
    let turn = turn::take();
    address::settle();
    let ledger = match read() {
        Ok(ledger) => ledger,
        Err(error) => {
            let errors = vec![format!("cannot read {ADDRESSES}: {error}")];
            return Cleared { errors, ..Cleared::default() };
        }
    };
    if owner.is_some_and(|owner| !ledger.may_be_of(owner)) || ledger.entries.is_empty() {
        return Cleared::default();
    }
    let mut cleared = Cleared::default();
    if let Err(error) = remember(&ledger) {
        cleared.errors.push(format!("cannot write {LEFT_BEHIND}: {error}"));
    }
    match remove(&ledger.entries) {
        Ok((removed, errors)) => {
            cleared.removed = removed;
            cleared.errors.extend(errors);
            let all: Vec<Gone> = ledger.entries.iter().map(Entry::gone).collect();
            cleared
                .errors
                .extend(strike(&turn, &all).err().map(|e| format!("cannot write {ADDRESSES}: {e}")));
        }
        Err(error) => cleared.errors.push(error.to_string()),
    }
    cleared
}

type Removed = (Vec<Entry>, Vec<String>);

fn remove(entries: &[Entry]) -> Result<Removed, netlink::Error> {
    let mut talk = Conversation::open()?;
    let now = talk.holdings()?;
    let mut left = now.clone();
    // Backwards: a primary goes after its secondaries, and takes nobody along.
    let steps = entries.iter().rev().map(|e| {
        let ops = e.down(&left);
        ops.iter().for_each(|op| left.foresee(op));
        (e.clone(), ops)
    });
    let (removed, steps): (Vec<Entry>, Vec<Vec<Op>>) = steps.filter(|(_, ops)| !ops.is_empty()).unzip();
    let mut answers = address::remove(&mut talk, &now, &steps.concat());
    answers.extend(park(&mut talk, &now, &removed));
    Ok((removed, answers.into_iter().filter_map(|a| Some(a.err()?.to_string())).collect()))
}

/// Where LVS had one on a loopback before we served it, it has it again.
fn park(talk: &mut Conversation, now: &Snapshot, removed: &[Entry]) -> Vec<Result<(), netlink::Error>> {
    let notes: Vec<_> = removed.iter().filter_map(|e| loopback::noted(e.wanted.ip)).collect();
    notes.iter().for_each(|(wanted, _)| loopback::forget(wanted.ip));
    let back = notes.iter().filter_map(|(wanted, nic)| Some(Op::Add(wanted.on(now.link(nic)?))));
    talk.apply(&back.collect::<Vec<_>>())
}

fn remember(ledger: &Ledger) -> io::Result<()> {
    let mut all = left_behind();
    all.add(&ledger.entries, &Snapshot::default());
    write(LEFT_BEHIND, &all)
}

/// What was taken down behind a daemon that died: the services of their groups may still run.
pub fn left_behind() -> Ledger {
    Ledger::parse(&fs::read_to_string(LEFT_BEHIND).unwrap_or_default())
}

/// They do not any more.
pub fn forget_left_behind() {
    let _ = fs::remove_file(LEFT_BEHIND);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who has waited too long for its turn goes on without it.
    #[test]
    fn two_that_write_at_once_leave_a_whole_list() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list");
        let path = path.to_str().unwrap();
        let line = |n: u32| format!("10.0.{}.{}/24 eth0\n", n / 250, n % 250 + 1);
        let lists = [1, 2000].map(|n| Ledger::parse(&(0..n).map(line).collect::<String>()));
        std::thread::scope(|threads| {
            for list in &lists {
                threads.spawn(move || (0..300).for_each(|_| write(path, list).unwrap()));
            }
            for _ in 0..300 {
                let seen = fs::read_to_string(path).map_or(lists[0].clone(), |text| Ledger::parse(&text));
                assert!(lists.contains(&seen), "{} entries", seen.entries.len());
            }
        });
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left");
    }
}
