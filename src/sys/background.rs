//! Going into the background so that the start command knows how it went.
//!
//! The command waits for a byte through a pipe: its exit code, which the daemon sends once it knows. What dies without
//! a word has failed.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{pipe2, setsid};

use super::process::{Forked, fork_single_threaded, let_go_of_terminal};

/// The way to tell the waiting start command.
pub struct Herald(Option<File>);

/// What became of this process.
pub enum Side {
    /// The start command: to end with this exit code.
    Command(i32),
    /// The daemon.
    Daemon(Herald),
}

/// How to go.
pub struct Manner {
    /// With a second fork no terminal can ever be the daemon's.
    pub twice: bool,
    /// A daemon that says nothing for so long goes on, and nobody waits for it any more: all is well.
    pub patience: Option<Duration>,
}

impl Herald {
    /// Nobody waits: the daemon runs in the foreground.
    pub fn nobody() -> Self {
        Self(None)
    }

    /// The command may return, with this exit code.
    pub fn tell(&mut self, code: i32) {
        if let Some(mut pipe) = self.0.take() {
            // A command that was killed does not wait any more.
            let _ = pipe.write_all(&[u8::try_from(code).unwrap_or(1)]);
        }
    }

    /// All is well: lets go of the terminal, where the command is to leave it, and tells.
    pub fn ready(&mut self) -> io::Result<()> {
        if self.0.is_some() {
            let_go_of_terminal()?;
        }
        self.tell(0);
        Ok(())
    }
}

/// Forks; the first process waits for the herald.
pub fn detach(how: &Manner) -> io::Result<Side> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    if let Forked::Parent(_) = fork_single_threaded()? {
        drop(write);
        return Ok(Side::Command(heard(File::from(read), how.patience)));
    }
    drop(read);
    setsid()?;
    if how.twice
        && let Forked::Parent(_) = fork_single_threaded()?
    {
        std::process::exit(0);
    }
    Ok(Side::Daemon(Herald(Some(File::from(write)))))
}

fn heard(mut pipe: File, patience: Option<Duration>) -> i32 {
    let patience = patience.and_then(|time| PollTimeout::try_from(time).ok()).unwrap_or(PollTimeout::NONE);
    if matches!(poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], patience), Ok(0)) {
        return 0;
    }
    let mut code = [1];
    let told = pipe.read(&mut code);
    let [code] = code;
    if matches!(told, Ok(1)) { i32::from(code) } else { 1 }
}

/// Files for all to read, whoever starts us: logs and the pid file are.
pub fn unmask() {
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
}
