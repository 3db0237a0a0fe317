//! The pid file: `PID\n`, whole at any moment (ldirectord.md 2; 15, 14), and who runs by it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::sys::process::{program_of, this_program};

/// The directory of pid files.
pub(super) const RUN: &str = "/var/run";

/// What a pid file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Running {
    /// That process runs.
    Yes(Pid),
    /// There is a file, and nobody behind it.
    Stale,
    /// There is none, or an empty one.
    No,
}

/// Whether somebody runs. As with the reference, whoever has our name in his command line is taken for one of us.
pub(super) fn look(file: &Path) -> Running {
    let text = fs::read_to_string(file).unwrap_or_default();
    let first = text.lines().next().unwrap_or_default().trim();
    if first.is_empty() {
        return Running::No;
    }
    let pid = first.parse::<i32>().ok().filter(|pid| *pid > 0).map(Pid::from_raw);
    match pid {
        // The file is older than we are: numbers come again, in a container soon.
        Some(pid) if kin().contains(&pid) => Running::Stale,
        Some(pid) if command_line(pid).is_some_and(|line| line.contains("ldirectord")) => Running::Yes(pid),
        _ => Running::Stale,
    }
}

/// Processes that cannot be the daemon, whatever they are called: this one, and the script that has called it.
pub(super) fn kin() -> Vec<Pid> {
    let parent = Some(Pid::parent()).filter(|pid| !is_ours(*pid));
    [Pid::this()].into_iter().chain(parent).collect()
}

/// The command line of a process, its words apart by NUL; `None` when it has ended.
fn command_line(pid: Pid) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether it is ours, not the reference: its program has the name of ours.
pub(super) fn is_ours(pid: Pid) -> bool {
    match (program_of(pid), this_program()) {
        (Ok(theirs), Ok(ours)) => theirs.file_name() == ours.file_name(),
        _ => false,
    }
}

/// Whether a process is still there. One that has ended and waits to be noticed is not.
pub(super) fn is_alive(pid: Pid) -> bool {
    kill(pid, None).is_ok() && command_line(pid).is_some_and(|line| !line.is_empty())
}

/// Whether it was killed, and has only to notice.
pub(super) fn is_doomed(pid: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let pending = status.lines().filter_map(|line| {
        let (name, bits) = line.split_once(':')?;
        ["SigPnd", "ShdPnd"].contains(&name).then(|| u64::from_str_radix(bits.trim(), 16).ok())?
    });
    pending.fold(0, |all, bits| all | bits) & (1 << (Signal::SIGKILL as u64 - 1)) != 0
}

/// Sends a signal. Who has ended meanwhile does not mind.
pub(super) fn signal(pid: Pid, signal: Signal) {
    let _ = kill(pid, signal);
}

/// While this is held nobody else begins to be a daemon, or clears away after one. Waits.
pub(super) fn turn() -> io::Result<Flock<fs::File>> {
    Flock::lock(fs::File::open(RUN)?, FlockArg::LockExclusive).map_err(|(_, errno)| io::Error::from(errno))
}

/// Writes a file so that nobody ever reads half of it.
pub(super) fn write_whole(file: &Path, text: &str) -> io::Result<()> {
    let beside = PathBuf::from(format!("{}.{}", file.display(), std::process::id()));
    let written = write_new(&beside, text).and_then(|()| fs::rename(&beside, file));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(path)?;
    file.write_all(text.as_bytes())
}

/// Takes a file away that belongs to the pid file of this process.
pub(super) fn remove_with(file: &Path, pid_file: &Path) {
    if is_own(pid_file) {
        let _ = fs::remove_file(file);
    }
}

/// Takes a file away, unless another process has written it meanwhile.
pub(super) fn remove_own(file: &Path) {
    if is_own(file) {
        let _ = fs::remove_file(file);
    }
}

/// Waits until another process has written the file: systemd, which watches this one, looks there when it ends.
pub(super) fn await_another(file: &Path, patience: Duration) {
    let until = Instant::now() + patience;
    while !matches!(look(file), Running::Yes(_)) && Instant::now() < until {
        sleep(Duration::from_millis(5));
    }
}

fn is_own(pid_file: &Path) -> bool {
    let text = fs::read_to_string(pid_file).unwrap_or_default();
    text.trim() == std::process::id().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_tell_who_runs() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ldirectord.x.pid");
        assert_eq!(look(&file), Running::No);
        fs::write(&file, "").unwrap();
        assert_eq!(look(&file), Running::No, "an empty one");
        fs::write(&file, "no number\n").unwrap();
        assert_eq!(look(&file), Running::Stale);
        fs::write(&file, format!("{}\n", std::process::id())).unwrap();
        assert_eq!(look(&file), Running::Stale, "a process without our name");
        remove_own(&file);
        assert!(!file.exists());
    }

    #[test]
    fn a_file_of_another_stays() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("x.pid");
        write_whole(&file, "1\n").unwrap();
        remove_own(&file);
        assert_eq!(fs::read_to_string(&file).unwrap(), "1\n");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}
