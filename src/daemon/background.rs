//! Going into the background so that the start command knows how it went.
//!
//! The reference's command returns before its media are open and says 0 whatever follows. Here it waits
//! for a byte through a pipe: the child sends its exit code-to-be, 0 once heartbeats are on their way.

use crate::paths::CORE_DIR;
use crate::sys::process::{Forked, fork_single_threaded, let_go_of_terminal};
use nix::sys::stat::{Mode, umask};
use nix::unistd::setsid;
use std::fs::File;
use std::io::{self, Read, Write};

/// The way to tell the waiting start command.
pub(super) struct Herald(Option<File>);

/// What became of this process.
pub(super) enum Side {
    /// The start command: to end with this exit code.
    Command(i32),
    /// The daemon.
    Daemon(Herald),
}

impl Herald {
    /// Nobody waits: the daemon runs in the foreground.
    pub(super) fn nobody() -> Self {
        Self(None)
    }

    /// It came to nothing: the command ends with this exit code.
    pub(super) fn failed(&mut self, code: i32) {
        if let Some(mut pipe) = self.0.take() {
            let _ = pipe.write_all(&[u8::try_from(code).unwrap_or(1)]);
        }
    }

    /// All is well; lets go of the terminal.
    pub(super) fn ready(&mut self) -> io::Result<()> {
        let Some(mut pipe) = self.0.take() else { return Ok(()) };
        let_go_of_terminal()?;
        // A command that was killed does not wait any more.
        let _ = pipe.write_all(&[0]);
        Ok(())
    }
}

/// Forks; the parent waits for the herald. A child that dies silently counts as exit code 1.
pub(super) fn detach() -> io::Result<Side> {
    let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    match fork_single_threaded()? {
        Forked::Parent(_) => {
            drop(write);
            let mut code = [1];
            let told = File::from(read).read(&mut code);
            let [code] = code;
            Ok(Side::Command(if matches!(told, Ok(1)) { i32::from(code) } else { 1 }))
        }
        Forked::Child => {
            drop(read);
            setsid()?;
            Ok(Side::Daemon(Herald(Some(File::from(write)))))
        }
    }
}

/// Files for all to read, whoever starts us: logs and the pid file are.
pub(super) fn unmask() {
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
}

/// What every daemon does to itself.
pub(super) fn settle() -> io::Result<()> {
    std::env::set_current_dir(CORE_DIR)
}
