//! The detached process that repeats announcements after `start` has returned.
//!
//! It is this program again with hidden arguments, in a session of its own, with nothing inherited:
//! no terminal, no pipe, no descriptor, so nobody can end up waiting for it. Its pid lies where the
//! reference's `send_arp` left its own, `/run/resource-agents/send_arp-IP`, so that `stop` of either
//! can end the helper of the other. Where that name is taken by a helper for the same address on another interface, it is
//! `send_arp-IP@NIC`.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Announcement, Begun};
use crate::agents::plan::Schedule;
use crate::paths::RSCTMP;
use crate::sys::packet::PacketSocket;

/// The argument that makes a program the helper.
pub const MARK: &str = "--announce";

/// How the names of pid files begin.
pub const PREFIX: &str = "send_arp-";

/// Where the pid of an address's only helper lies.
pub fn pid_file(ip: &str) -> PathBuf {
    Path::new(RSCTMP).join(format!("{PREFIX}{ip}"))
}

/// All pid files of that address.
fn pid_files(ip: &str) -> impl Iterator<Item = PathBuf> {
    let (only, others) = (format!("{PREFIX}{ip}"), format!("{PREFIX}{ip}@"));
    let names = fs::read_dir(RSCTMP).into_iter().flatten().flatten().map(|entry| entry.file_name());
    let its = move |name: &OsString| *name == *only || name.to_string_lossy().starts_with(&others);
    names.filter(its).map(|name| Path::new(RSCTMP).join(name))
}

/// Starts the helper for the remaining rounds and returns at once. The helper takes over the socket
/// as its standard input, so that we need not wait for the kernel to close it.
pub fn detach(begun: Begun) -> io::Result<()> {
    let what = begun.rest;
    if what.schedule.rounds == 0 {
        return Ok(());
    }
    let child = Command::new(std::env::current_exe()?)
        .args(to_arguments(&what))
        .current_dir("/")
        .stdin(begun.socket.map_or_else(Stdio::null, |socket| OwnedFd::from(socket).into()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    fs::create_dir_all(RSCTMP)?;
    let ip = what.ip.to_string();
    let mut file = pid_file(&ip);
    // One for this interface would have been ended.
    if pid_in(&file).is_some_and(|pid| is_helper(pid, &ip, None)) {
        file = Path::new(RSCTMP).join(format!("{PREFIX}{ip}@{}", what.nic));
    }
    let draft = Path::new(RSCTMP).join(format!("send_arp.{}.new", child.id()));
    fs::write(&draft, format!("{}\n", child.id()))?;
    fs::rename(&draft, &file)
}

/// The helper's whole life, if these are the arguments of one.
pub fn run_if_asked(arguments: &[OsString]) -> bool {
    let text: Vec<_> = arguments.iter().filter_map(|a| a.to_str()).collect();
    let Some((&MARK, rest)) = text.split_first() else {
        return false;
    };
    crate::sys::fds::close_inherited();
    let _ = nix::unistd::setsid();
    if let Some(what) = from_arguments(rest) {
        let socket = PacketSocket::inherited().or_else(|_| PacketSocket::open());
        let _ = socket.and_then(|socket| what.repeat(&socket, &|| false));
        forget(&what.ip.to_string());
    }
    true
}

/// What became of an attempt to end a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ended {
    /// There was none.
    None,
    /// A pid file without its process.
    Stale,
    /// It is gone.
    Killed,
}

/// Ends the helper of that address on that interface, or on all of them, ours or the reference's, and returns when it
/// is gone, so that no announcement follows the removal of the address.
pub fn end(ip: IpAddr, nic: Option<&str>) -> Ended {
    let ip = ip.to_string();
    pid_files(&ip).map(|file| end_one(&file, &ip, nic)).max().unwrap_or(Ended::None)
}

fn end_one(file: &Path, ip: &str, nic: Option<&str>) -> Ended {
    let pid = pid_in(file).filter(|pid| is_helper(*pid, ip, None));
    if pid.is_some_and(|pid| !is_helper(pid, ip, nic)) || fs::remove_file(file).is_err() {
        return Ended::None;
    }
    // It holds nothing that needs tidying up, and SIGTERM may be ignored by inheritance.
    let Some(pid) = pid.filter(|pid| kill(Pid::from_raw(*pid), Signal::SIGKILL).is_ok()) else {
        return Ended::Stale;
    };
    let patience = Instant::now() + Duration::from_millis(200);
    while is_helper(pid, ip, nic) && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ended::Killed
}

fn pid_in(file: &Path) -> Option<i32> {
    fs::read_to_string(file).ok()?.trim().parse().ok().filter(|pid| *pid > 1)
}

/// Whether the process is an announcer of that address, on that interface where one is named: a pid may have been given
/// to another. A process that has died has no command line.
fn is_helper(pid: i32, ip: &str, nic: Option<&str>) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else {
        return false;
    };
    let words: Vec<_> = line.split(|b| *b == 0).collect();
    let announcer = words.iter().any(|w| *w == MARK.as_bytes() || w.ends_with(b"send_arp"));
    announcer && [Some(ip), nic].into_iter().flatten().all(|word| words.contains(&word.as_bytes()))
}

/// Removes the pid file that is this process's.
fn forget(ip: &str) {
    let own = i32::try_from(std::process::id()).ok();
    for file in pid_files(ip).filter(|file| pid_in(file) == own) {
        let _ = fs::remove_file(file);
    }
}

fn to_arguments(what: &Announcement) -> [String; 6] {
    [
        MARK.to_owned(),
        what.ip.to_string(),
        what.nic.clone(),
        what.schedule.rounds.to_string(),
        what.schedule.interval.as_millis().to_string(),
        if what.while_held { "held" } else { "always" }.to_owned(),
    ]
}

fn from_arguments(words: &[&str]) -> Option<Announcement> {
    let [ip, nic, rounds, interval, hold] = words else {
        return None;
    };
    Some(Announcement {
        ip: ip.parse::<IpAddr>().ok()?,
        nic: (*nic).to_owned(),
        schedule: Schedule::new(rounds.parse().ok()?, interval.parse().ok()?),
        while_held: *hold == "held",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_helper_understands_its_arguments() {
        let what = Announcement {
            ip: "10.0.0.5".parse().unwrap(),
            nic: "eth0".into(),
            schedule: Schedule::IPADDR,
            while_held: true,
        };
        let words = to_arguments(&what);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        assert_eq!(from_arguments(&words[1..]), Some(what));
        assert_eq!(from_arguments(&["10.0.0.5"]), None);
    }

    #[test]
    fn a_stranger_is_no_helper() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(!is_helper(me, "10.0.0.5", None));
        assert!(!is_helper(i32::MAX, "10.0.0.5", None));
    }
}
