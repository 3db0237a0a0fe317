//! The detached process that repeats announcements after `start` has returned.
//!
//! It is this program again with hidden arguments, in a session of its own, with nothing inherited:
//! no terminal, no pipe, no descriptor, so nobody can end up waiting for it. Its pid lies where the
//! reference's `send_arp` left its own, `/run/resource-agents/send_arp-IP`, so that `stop` of either
//! can end the helper of the other.

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

/// Where the helper's pid lies.
pub fn pid_file(ip: &str) -> PathBuf {
    Path::new(RSCTMP).join(format!("{PREFIX}{ip}"))
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
    let file = pid_file(&what.ip.to_string());
    fs::create_dir_all(RSCTMP)?;
    let draft = file.with_extension(format!("{}.new", std::process::id()));
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
        forget(&what.ip.to_string(), std::process::id());
    }
    true
}

/// What became of an attempt to end a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// There was none.
    None,
    /// It is gone.
    Killed,
    /// A pid file without its process.
    Stale,
}

/// Ends the helper of that address, ours or the reference's, and returns when it is gone, so that
/// no announcement follows the removal of the address.
pub fn end(ip: &str) -> Ended {
    let file = pid_file(ip);
    let Ok(text) = fs::read_to_string(&file) else {
        return Ended::None;
    };
    let _ = fs::remove_file(&file);
    let Some(pid) = text.trim().parse::<i32>().ok().filter(|p| *p > 1 && is_helper(*p, ip)) else {
        return Ended::Stale;
    };
    // It holds nothing that needs tidying up, and SIGTERM may be ignored by inheritance.
    if kill(Pid::from_raw(pid), Signal::SIGKILL).is_err() {
        return Ended::Stale;
    }
    let patience = Instant::now() + Duration::from_millis(200);
    while is_helper(pid, ip) && Instant::now() < patience {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ended::Killed
}

/// Whether the process is an announcer of that address: a pid may have been given to another. A
/// process that has died has no command line.
fn is_helper(pid: i32, ip: &str) -> bool {
    let Ok(line) = fs::read(format!("/proc/{pid}/cmdline")) else {
        return false;
    };
    let words: Vec<_> = line.split(|b| *b == 0).collect();
    let announcer = words.iter().any(|w| *w == MARK.as_bytes() || w.ends_with(b"send_arp"));
    announcer && words.contains(&ip.as_bytes())
}

/// Removes the pid file if it is still this process's.
fn forget(ip: &str, pid: u32) {
    let file = pid_file(ip);
    if fs::read_to_string(&file).is_ok_and(|text| text.trim() == pid.to_string()) {
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
        assert!(!is_helper(me, "10.0.0.5"));
        assert!(!is_helper(i32::MAX, "10.0.0.5"));
    }
}
