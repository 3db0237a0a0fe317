//! Going into the background so that the start command knows when it may return (ldirectord.md 2; 15, 14).

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::setsid;
use std::os::fd::AsFd;

use crate::sys::process::{Forked, fork_single_threaded, let_go_of_terminal};

/// A daemon that has not come to the kernel after so long goes on trying, and nobody waits for it any more.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// Nobody waits: it runs in the foreground.
    pub(super) fn nobody() -> Herald {
        Herald(None)
    }

    /// The command may return, with this exit code.
    pub(super) fn tell(&mut self, code: i32) {
        if let Some(mut pipe) = self.0.take() {
            // A command that was killed does not wait any more.
            let _ = pipe.write_all(&[u8::try_from(code).unwrap_or(1)]);
        }
    }
}

/// Forks twice, so that no terminal can ever be ours; the first process waits for the herald.
pub(super) fn detach() -> io::Result<Side> {
    let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    match fork_single_threaded()? {
        Forked::Parent(_) => {
            drop(write);
            Ok(Side::Command(heard(File::from(read))))
        }
        Forked::Child => {
            drop(read);
            setsid()?;
            match fork_single_threaded()? {
                Forked::Parent(_) => std::process::exit(0),
                Forked::Child => Ok(Side::Daemon(Herald(Some(File::from(write))))),
            }
        }
    }
}

/// What the daemon says. One that dies without a word has failed; one that is slow has not.
fn heard(mut pipe: File) -> i32 {
    let patience = PollTimeout::try_from(PATIENCE).unwrap_or(PollTimeout::NONE);
    let mut wait = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
    match poll(&mut wait, patience) {
        Ok(0) => return 0,
        Ok(_) => {}
        Err(_) => return 1,
    }
    let mut code = [1];
    let told = pipe.read(&mut code);
    let [code] = code;
    if matches!(told, Ok(1)) { i32::from(code) } else { 1 }
}

/// Lets go of the terminal and of the directory.
pub(super) fn let_go() -> io::Result<()> {
    let_go_of_terminal()?;
    std::env::set_current_dir("/")
}
