//! Going into the background, and having children.
#![expect(unsafe_code, reason = "fork and signal have no safe wrapper")]

use nix::sys::signal::{SigHandler, Signal, signal};
use nix::unistd::{ForkResult, fork};
use std::io;

/// What a fork made of this process.
pub enum Forked {
    /// The process that was there before.
    Parent,
    /// The new one.
    Child,
}

/// Forks. Refuses when this process has more than one thread, because the child would inherit locks that
/// nobody opens any more.
pub fn fork_single_threaded() -> io::Result<Forked> {
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    if threads != 1 {
        return Err(io::Error::other(format!("cannot fork: {threads} threads run")));
    }
    // SAFETY: this is the only thread, so no lock is held by another one.
    match unsafe { fork() } {
        Ok(ForkResult::Parent { .. }) => Ok(Forked::Parent),
        Ok(ForkResult::Child) => Ok(Forked::Child),
        Err(errno) => Err(errno.into()),
    }
}

/// Lets the ends of children be noticed, whatever the caller of this program had set: who inherits an
/// ignored SIGCHLD has children that vanish without a word.
pub fn notice_children() -> io::Result<()> {
    // SAFETY: the default action runs no code of ours.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
    Ok(())
}
