//! Going into the background, and having children.
#![expect(unsafe_code, reason = "fork, signal and pre_exec have no safe wrapper")]

use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::unistd::{ForkResult, Pid, fork};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What a fork made of this process.
pub enum Forked {
    /// The process that was there before, and the id of the new one.
    Parent(Pid),
    /// The new one.
    Child,
}

/// Forks. Refuses when this process has more than one thread, because the child would inherit locks that
/// nobody opens any more.
pub fn fork_single_threaded() -> io::Result<Forked> {
    alone("fork")?;
    // SAFETY: this is the only thread, so no lock is held by another one.
    match unsafe { fork() } {
        Ok(ForkResult::Parent { child }) => Ok(Forked::Parent(child)),
        Ok(ForkResult::Child) => Ok(Forked::Child),
        Err(errno) => Err(errno.into()),
    }
}

/// Sets a variable of the environment, for this process and all that it starts. Refuses when there is more than one
/// thread: another may read the environment at the same time.
pub fn set_variable(name: &str, value: &str) -> io::Result<()> {
    alone("set a variable")?;
    // SAFETY: this is the only thread, so nobody else reads the environment or changes it.
    unsafe { std::env::set_var(name, value) };
    Ok(())
}

/// Whether this thread is the only one.
fn alone(what: &str) -> io::Result<()> {
    match std::fs::read_dir("/proc/self/task")?.count() {
        1 => Ok(()),
        threads => Err(io::Error::other(format!("cannot {what}: {threads} threads run"))),
    }
}

/// Lets the ends of children be noticed, whatever the caller of this program had set: who inherits an
/// ignored SIGCHLD has children that vanish without a word.
pub fn notice_children() -> io::Result<()> {
    // SAFETY: the default action runs no code of ours.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
    Ok(())
}

/// Makes a program start with no signal held back; it would inherit what this thread holds back.
pub fn unmasked(command: &mut Command) -> &mut Command {
    // SAFETY: between fork and exec only one system call is made, which allocates nothing.
    unsafe { command.pre_exec(|| Ok(SigSet::all().thread_unblock()?)) }
}
