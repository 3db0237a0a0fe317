//! The process that takes the addresses down when the daemon dies without a word: after `kill -9` nobody else on this
//! machine would, and the peer takes them over meanwhile.
//!
//! It is a fork of the daemon from before there are threads, so that it costs next to no memory; it sleeps until the
//! daemon's process has ended. A stopped daemon (SIGSTOP) has not, and neither has one that executes itself anew. After
//! an orderly end nothing is left to take down. It has a session and a name of its own: what is sent to the daemon's
//! process group, or to all that are called `heartbeat`, does not reach it.

use super::{pidfile, settings};
use crate::agents::guard::{self, shown};
use crate::agents::ledger::{self, Cleared};
use crate::agents::plan::Owner;
use crate::config::Config;
use crate::level::Level;
use crate::logging::{self, Logger};
use crate::paths::WATCHER;
use crate::sys::process::{Forked, fork_single_threaded};
use crate::sys::{fds, pidfd};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, dup2_stderr, dup2_stdin, dup2_stdout, setsid};
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Its name in the process table.
const NAME: &std::ffi::CStr = c"ha_watcher";

/// The daemon's end.
pub(super) struct Watcher {
    pid: Pid,
    process: OwnedFd,
}

impl AsFd for Watcher {
    /// Readable when it has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.process.as_fd()
    }
}

impl Watcher {
    /// What there is to say of its end.
    pub(super) fn bury(self) -> String {
        let _ = waitpid(self.pid, Some(WaitPidFlag::WNOHANG));
        format!(
            "Process {} has ended, which was to take the addresses down in case this one dies: \
             until the next start nobody would",
            self.pid
        )
    }
}

/// This process, as the list of addresses names it.
pub(super) fn this_process() -> io::Result<Owner> {
    let pid = std::process::id();
    Ok(Owner { pid, born: born(&fs::read_to_string("/proc/self/stat")?).ok_or(io::ErrorKind::InvalidData)? })
}

/// The daemon that answers for what is up, by the list of addresses; not this process. It lives also where somebody
/// removed its pid file, as systemd does with the one of a unit that it takes for ended.
pub(super) fn owner_that_lives() -> Option<Pid> {
    let owner = ledger::read().ok()?.owner.filter(|owner| owner.pid != std::process::id())?;
    let stat = fs::read_to_string(format!("/proc/{}/stat", owner.pid)).ok()?;
    let pid = Pid::from_raw(i32::try_from(owner.pid).ok()?);
    (born(&stat) == Some(owner.born)).then_some(pid)
}

/// The 22nd field; the second may hold anything, blanks and parentheses too.
fn born(stat: &str) -> Option<u64> {
    stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

/// What an earlier life left behind goes, and a process watches over this one. To be called while there is one thread.
/// `holds`: the life before this one was this very process, and what it put up stays, also where it could not be
/// written down whose it is.
pub(super) fn start(owner: Owner, holds: bool, config: &Config, log: &Logger) -> Option<Watcher> {
    let whose = ledger::read().ok().and_then(|ledger| ledger.owner);
    if !holds || whose.is_some_and(|whose| whose != owner) {
        tell(&ledger::clear(None), "left up by a heartbeat that died", log);
    }
    let started = ledger::own(owner).and_then(|()| replace(owner, config));
    match started {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            let text = format!("Nobody will take the addresses down if this process dies: {error}");
            log.log(Level::Warn, &text);
            None
        }
    }
}

/// A new one, then the old one's end: between them is no gap.
fn replace(owner: Owner, config: &Config) -> io::Result<Watcher> {
    let old = fs::read_to_string(WATCHER).ok().and_then(|text| text.trim().parse().ok()).map(Pid::from_raw);
    let pid = match fork_single_threaded()? {
        Forked::Parent(pid) => pid,
        Forked::Child => watch(owner, config),
    };
    if let Some(old) = old.filter(|old| old.as_raw() > 1 && *old != pid) {
        end(old);
    }
    fs::write(WATCHER, format!("{pid}\n"))?;
    Ok(Watcher { pid, process: pidfd::open(pid.as_raw().unsigned_abs())? })
}

/// Ends a child of an earlier life of this process. One that is not ours is nobody's business.
fn end(old: Pid) {
    if matches!(waitpid(old, Some(WaitPidFlag::WNOHANG)), Ok(WaitStatus::StillAlive))
        && kill(old, Signal::SIGKILL).is_ok()
    {
        while waitpid(old, None) == Err(Errno::EINTR) {}
    }
}

/// The whole life of the new process.
fn watch(owner: Owner, config: &Config) -> ! {
    let _ = SigSet::all().thread_block();
    let _ = setsid();
    let _ = nix::sys::prctl::set_name(NAME);
    let _ = std::env::set_current_dir("/");
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        let _ = (dup2_stdin(&null), dup2_stdout(&null), dup2_stderr(&null));
    }
    // The start command waits for the end of a pipe.
    fds::close_inherited();
    match pidfd::open(owner.pid) {
        Ok(daemon) => wait_for_the_end(&daemon),
        Err(error) if error.raw_os_error() == Some(Errno::ESRCH as i32) => {}
        // Who cannot see its end must not take it for dead. The daemon tells of it.
        Err(_) => std::process::exit(1),
    }
    let cleared = ledger::clear(Some(owner));
    if !cleared.removed.is_empty() || !cleared.errors.is_empty() {
        let log = Logger::direct("heartbeat", settings::log(&config.logging, &logging::host(), false));
        log.log(
            Level::Error,
            &format!(
                "heartbeat (process {}) has died. Its addresses go, its other services go on.",
                owner.pid
            ),
        );
        tell(&cleared, "taken down behind it", &log);
    }
    std::process::exit(0)
}

fn wait_for_the_end(daemon: &OwnedFd) {
    while poll(&mut [PollFd::new(daemon.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE) != Ok(1) {}
}

/// Lines about what was taken down, and what was not.
fn tell(cleared: &Cleared, why: &str, log: &Logger) {
    let lines = cleared.removed.iter().map(|entry| format!("{}: {why}", shown(entry))).collect();
    let mut say = |level: Level, text: &str| log.log(level, text);
    guard::tell(lines, Level::Warn, &mut say);
    let errors = cleared
        .errors
        .iter()
        .map(|error| format!("Cannot take down addresses of a heartbeat that died: {error}"));
    guard::tell(errors.collect(), Level::Error, &mut say);
}

/// `--take-down`: behind a daemon that has ended, however. Does nothing while one runs.
pub(super) fn take_down(log: &Logger) -> i32 {
    if let pidfile::Running::Yes(pid) = pidfile::look() {
        log.log(
            Level::Error,
            &format!("heartbeat runs as process {pid}: its addresses stay. Stop it first."),
        );
        return 1;
    }
    let cleared = ledger::clear(None);
    tell(&cleared, "left up by a heartbeat that died: taken down", log);
    i32::from(!cleared.errors.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_birth_of_a_process() {
        let stat = "4711 (a) b) S 1 4711 4711 0 -1 4194560 6 0 0 0 1 2 0 0 20 0 1 0 88123 4096 1 18446744073709551615";
        assert_eq!(born(stat), Some(88123));
        assert_eq!(born("4711 (a"), None);
        assert!(this_process().unwrap().born > 0);
    }
}
