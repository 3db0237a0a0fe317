//! The pid file (commands.md section 2): 10 columns and a newline, made by link(2), never removed.

use super::watcher;
use crate::paths::{PID_FILE, STATE_DIR};
use crate::sys::process::{program_of, stat_fields, this_program};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What the pid file says of a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Running {
    /// That process is alive.
    Yes(Pid),
    /// That process is gone.
    Stale,
    /// There is no readable pid file.
    No,
}

/// Reads the file and probes the process. Our own pid (after an exec) is nobody else's. Where the file is gone and
/// its daemon is not, the list of addresses tells: what is up must not be taken down under it.
pub(super) fn look() -> Running {
    match look_at_file() {
        Running::Yes(pid) => Running::Yes(pid),
        none => match watcher::owner_that_lives().filter(|pid| runs(*pid)) {
            Some(pid) => Running::Yes(pid),
            None => none,
        },
    }
}

fn look_at_file() -> Running {
    let Ok(text) = fs::read_to_string(PID_FILE) else { return Running::No };
    let word = text.split_whitespace().next().unwrap_or_default();
    let Some(number) = word.parse::<i32>().ok().filter(|n| *n > 0) else { return Running::No };
    let pid = Pid::from_raw(number);
    if runs(pid) { Running::Yes(pid) } else { Running::Stale }
}

fn runs(pid: Pid) -> bool {
    pid != Pid::this() && is_alive(pid) && is_heartbeat(pid)
}

/// Whether a process runs a program of our name: after a crash its number may be somebody else's, who must
/// neither be stopped nor keep us from starting. A process we may not look at counts; one that is ending, and has no
/// program any more, does not.
fn is_heartbeat(pid: Pid) -> bool {
    match (program_of(pid), this_program()) {
        (Ok(theirs), Ok(ours)) => theirs.file_name() == ours.file_name(),
        (Err(error), _) => error.kind() != io::ErrorKind::NotFound,
        _ => true,
    }
}

/// Whether a process exists, ours or not. A zombie does not count: it has ended.
pub(super) fn is_alive(pid: Pid) -> bool {
    match kill(pid, None) {
        Ok(()) | Err(Errno::EPERM) => !is_zombie(pid),
        Err(_) => false,
    }
}

/// Its first thread may have ended while others are still ending: it has not ended then.
fn is_zombie(pid: Pid) -> bool {
    let ended = stat_fields(pid).is_ok_and(|fields| fields.first().is_some_and(|state| state == "Z"));
    ended && fs::read_dir(format!("/proc/{pid}/task")).is_ok_and(|threads| threads.count() == 1)
}

/// Writes our pid, unless a daemon runs. Of several at once the last would remove the first one's file
/// for a stale one: so one after the other.
pub(super) fn claim() -> io::Result<()> {
    let _turn =
        Flock::lock(fs::File::open(STATE_DIR)?, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
    let own = format!("{PID_FILE}.{}", Pid::this());
    let made = write_new(Path::new(&own)).and_then(|()| link_over_stale(&own));
    let _ = fs::remove_file(&own);
    made
}

fn write_new(path: &Path) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(path)?;
    writeln!(file, "{:>10}", Pid::this())
}

fn link_over_stale(own: &str) -> io::Result<()> {
    if let Running::Yes(pid) = look() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("heartbeat runs as process {pid}")));
    }
    match fs::remove_file(PID_FILE) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::hard_link(own, PID_FILE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_of_another_name_is_not_the_daemon() {
        let mut other = std::process::Command::new("sleep").arg("10").spawn().unwrap();
        let pid = Pid::from_raw(other.id().cast_signed());
        // Until its exec the child is one of us.
        let seen = (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            !is_heartbeat(pid)
        });
        other.kill().unwrap();
        other.wait().unwrap();
        assert!(seen);
        assert!(is_heartbeat(Pid::this()));
    }

    #[test]
    fn a_process_that_has_ended_runs_nothing() {
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        let pid = Pid::from_raw(ended.id().cast_signed());
        while !is_zombie(pid) {
            std::thread::yield_now();
        }
        assert!(!is_heartbeat(pid));
        ended.wait().unwrap();
    }
}
