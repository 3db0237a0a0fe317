//! Going into the background.
#![expect(unsafe_code, reason = "fork has no safe wrapper: it must not be called beside other threads")]

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
