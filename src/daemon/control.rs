//! The options that talk to a running daemon: -s, -k, -r (commands.md section 1).

use super::pidfile::{Running, is_alive, look};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

/// How often the end of the daemon is looked for.
const POLL: Duration = Duration::from_millis(50);

/// `-s`: prints the status; the exit code says it too.
pub(super) fn status(host: &str, node: &str) -> i32 {
    match look() {
        Running::Yes(pid) => {
            tell(&format!("heartbeat OK [pid {pid} et al] is running on {host} [{node}]..."), 0)
        }
        Running::Stale => stopped(1),
        Running::No => stopped(3),
    }
}

fn stopped(code: i32) -> i32 {
    tell("heartbeat is stopped. No process", code)
}

/// The exit code says it too: a reader that has gone away is no failure.
fn tell(line: &str, code: i32) -> i32 {
    let _ = writeln!(io::stdout(), "{line}");
    code
}

/// `-k`: asks the daemon to stop and waits until it has.
pub(super) fn stop() -> i32 {
    let Running::Yes(pid) = look() else {
        eprintln!("INFO: Heartbeat already stopped.");
        return 0;
    };
    if let Err(errno) = kill(pid, Signal::SIGTERM) {
        return cannot(pid, errno);
    }
    while is_alive(pid) {
        sleep(POLL);
    }
    0
}

/// `-r` with a daemon running: the configuration is good, make it read it.
pub(super) fn reread(pid: Pid) -> i32 {
    match kill(pid, Signal::SIGHUP) {
        Ok(()) => 0,
        Err(errno) => cannot(pid, errno),
    }
}

fn cannot(pid: Pid, errno: Errno) -> i32 {
    eprintln!("ERROR: Could not kill pid {pid}: {}", errno.desc());
    if matches!(errno, Errno::EPERM | Errno::EACCES) { 4 } else { 1 }
}
