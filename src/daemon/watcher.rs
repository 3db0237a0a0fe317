//! The process that takes the addresses down when the daemon dies without a word: after `kill -9` nobody else on this
//! machine would, and the peer takes them over meanwhile.
//!
//! It is this program once more, with little in it and nothing to do: it sleeps until the daemon's process has ended. A
//! stopped daemon (SIGSTOP) has not, and neither has one that executes itself anew. After an orderly end nothing is left
//! to take down. It has a session and a name of its own: what is sent to the daemon's process group, or to all that are
//! called `heartbeat`, does not reach it. Where the daemon is real-time, so is it, and what it has touched of its memory is
//! locked: it is for a machine in need. The guardian starts another one where it ends all the same.

use super::host::LinuxHost;
use super::{pidfile, settings, sources};
use crate::agents::guard;
use crate::agents::ledger::{self, Cleared};
use crate::agents::plan::Owner;
use crate::config;
use crate::level::Level;
use crate::logging::{self, Logger};
use crate::paths::WATCHER;
use crate::sys::process::stat_fields;
use crate::sys::{fds, pidfd, realtime};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, setsid};
use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Its name in the process table.
const NAME: &str = "ha_watcher";
/// The 22nd field of `/proc/PID/stat`, where the third is the first one we see.
const BORN: usize = 19;
/// From one start of it to the next, at least.
const REST: Duration = Duration::from_secs(10);

/// What it is started with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    /// Whose end it waits for.
    pub(super) owner: Owner,
    /// Its real-time priority.
    pub(super) priority: Option<u8>,
}

/// The daemon's end of it.
pub(super) struct Watcher {
    watch: Watch,
    process: Option<(Pid, OwnedFd)>,
    /// When another one may be started.
    next: Instant,
}

impl Watcher {
    /// Who answers for the addresses.
    pub(super) fn owner(&self) -> Owner {
        self.watch.owner
    }

    /// Readable when it has ended.
    pub(super) fn process(&self) -> Option<BorrowedFd<'_>> {
        self.process.as_ref().map(|(_, process)| process.as_fd())
    }

    /// It has.
    pub(super) fn bury(&mut self, log: &Logger) {
        let Some((pid, _)) = self.process.take() else { return };
        let _ = waitpid(pid, Some(WaitPidFlag::WNOHANG));
        let text = format!(
            "Process {pid} has ended, which was to take the addresses down in case this one dies: \
             another one takes its place"
        );
        log.log(Level::Error, &text);
    }

    /// When to start another one, if there is none.
    pub(super) fn due(&self) -> Option<Instant> {
        self.process.is_none().then_some(self.next)
    }

    /// Starts one.
    pub(super) fn start(&mut self, log: &Logger) {
        self.next = Instant::now() + REST;
        match ledger::own(self.watch.owner).and_then(|()| replace(self.watch, log)) {
            Ok(process) => self.process = Some(process),
            Err(error) => {
                // Seldom, however often: whoever reads it once knows.
                self.next += 6 * REST;
                let text = format!("Nobody will take the addresses down if this process dies: {error}");
                log.log(Level::Warn, &text);
            }
        }
    }
}

/// This process, as the list of addresses names it.
pub(super) fn this_process() -> io::Result<Owner> {
    let pid = std::process::id();
    Ok(Owner { pid, born: birth(pid)? })
}

/// The daemon that answers for what is up, by the list of addresses; not this process. It lives also where somebody
/// removed its pid file, as systemd does with the one of a unit that it takes for ended.
pub(super) fn owner_that_lives() -> Option<Pid> {
    let owner = ledger::read().ok()?.owner.filter(|owner| owner.pid != std::process::id())?;
    let pid = Pid::from_raw(i32::try_from(owner.pid).ok()?);
    is_there(owner).then_some(pid)
}

/// When a process began, in ticks: another one of its number began later.
fn birth(pid: u32) -> io::Result<u64> {
    let fields = stat_fields(Pid::from_raw(i32::try_from(pid).map_err(io::Error::other)?))?;
    let born = fields.get(BORN).and_then(|ticks| ticks.parse().ok());
    born.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn is_there(owner: Owner) -> bool {
    birth(owner.pid).is_ok_and(|born| born == owner.born)
}

/// What an earlier life left behind goes, and a process watches over this one. `holds`: the life before this one was this
/// very process, and what it put up stays, also where it could not be written down whose it is.
pub(super) fn start(watch: Watch, holds: bool, log: &Logger) -> Watcher {
    let others = ledger::read().is_ok_and(|ledger| !ledger.may_be_of(watch.owner));
    if !holds || others {
        tell(&ledger::clear(None), "left up by a heartbeat that died", log);
    }
    let mut watcher = Watcher { watch, process: None, next: Instant::now() };
    watcher.start(log);
    watcher
}

/// A new one, then the old one's end: between them is no gap.
fn replace(watch: Watch, log: &Logger) -> io::Result<(Pid, OwnedFd)> {
    let old = fs::read_to_string(WATCHER).ok().and_then(|text| text.trim().parse().ok()).map(Pid::from_raw);
    let pid = spawn(watch)?;
    let process = owned(pid, pidfd::open(pid.as_raw().unsigned_abs()))?;
    if let Some(old) = old.filter(|old| old.as_raw() > 1 && *old != pid) {
        end(old);
    }
    if let Err(error) = fs::write(WATCHER, format!("{pid}\n")) {
        // It watches all the same; only the next life of this process will not find it.
        log.log(Level::Warn, &format!("Cannot write {WATCHER}: {error}"));
    }
    Ok((pid, process))
}

/// A child whose end nobody would see must not stay: one more would be started each time.
fn owned(child: Pid, process: io::Result<OwnedFd>) -> io::Result<OwnedFd> {
    process.inspect_err(|_| end(child))
}

/// This program, whatever has become of its file.
fn spawn(Watch { owner, priority }: Watch) -> io::Result<Pid> {
    let numbers = [owner.pid.to_string(), owner.born.to_string(), priority.unwrap_or(0).to_string()];
    let mut command = Command::new("/proc/self/exe");
    command.arg0(NAME).arg("--watch").args(numbers).current_dir("/");
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    Ok(Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?))
}

/// Ends a child of this process, or of an earlier life of it. One that is not ours is nobody's business.
fn end(old: Pid) {
    if matches!(waitpid(old, Some(WaitPidFlag::WNOHANG)), Ok(WaitStatus::StillAlive))
        && kill(old, Signal::SIGKILL).is_ok()
    {
        while waitpid(old, None) == Err(Errno::EINTR) {}
    }
}

/// `--watch`: the whole life of that process.
pub(super) fn watch(Watch { owner, priority }: Watch) -> i32 {
    let _ = SigSet::all().thread_block();
    let _ = setsid();
    let _ = std::ffi::CString::new(NAME).map(|name| nix::sys::prctl::set_name(&name));
    fds::close_inherited();
    if let Some(priority) = priority {
        // The daemon tells where this cannot be had.
        let _ = realtime::lock_touched();
        let _ = realtime::raise_priority(priority);
    }
    // Once now, so that its way to the list is in memory.
    let _ = ledger::read();
    match pidfd::open(owner.pid) {
        // Another process may have its number by now.
        Ok(daemon) if is_there(owner) => wait_for_the_end(&daemon),
        Ok(_) => {}
        Err(error) if error.raw_os_error() == Some(Errno::ESRCH as i32) => {}
        // Who cannot see its end must not take it for dead. The daemon tells of it.
        Err(_) => return 1,
    }
    let cleared = ledger::clear(Some(owner));
    if !cleared.removed.is_empty() || !cleared.errors.is_empty() {
        let logging = config::check(&sources::read(0), &LinuxHost).logging;
        let log = Logger::direct("heartbeat", settings::log(&logging, &logging::host(), false));
        log.log(
            Level::Error,
            &format!(
                "heartbeat (process {}) has died. Its addresses go, its other services go on.",
                owner.pid
            ),
        );
        tell(&cleared, "taken down behind it", &log);
    }
    0
}

fn wait_for_the_end(daemon: &OwnedFd) {
    while poll(&mut [PollFd::new(daemon.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE) != Ok(1) {}
}

/// Lines about what was taken down, and what was not.
fn tell(cleared: &Cleared, why: &str, log: &Logger) {
    let lines = cleared.removed.iter().map(|entry| format!("{entry}: {why}")).collect();
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
    fn this_process_is_there_and_no_earlier_one_of_its_number() {
        let this = this_process().unwrap();
        assert!(is_there(this) && !is_there(Owner { born: this.born - 1, ..this }));
    }

    #[test]
    fn a_child_that_nobody_can_wait_for_does_not_stay() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        assert!(owned(pid, Err(io::ErrorKind::Unsupported.into())).is_err());
        let stays = child.try_wait().is_ok();
        let _ = (child.kill(), child.wait());
        assert!(!stays, "it lives, or is a zombie");
    }
}
