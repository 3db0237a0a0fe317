//! Going into the background, and having children.
#![expect(unsafe_code, reason = "fork, signal and pre_exec have no safe wrapper")]

use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal};
use nix::unistd::{ForkResult, Pid, fork, getpid, gettid};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

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

/// Starts a program with no signal held back, from a thread that holds some back, without a fork of the whole memory.
/// Not so from the first thread: what waits there waits for somebody who is to come.
pub fn spawn_unmasked(command: &mut Command) -> io::Result<Child> {
    if gettid() == getpid() {
        return command.spawn();
    }
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_UNBLOCK)?;
    let child = command.spawn();
    mask.thread_set_mask()?;
    child
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;

    #[test]
    fn a_program_holds_nothing_back_and_its_starter_does_still() {
        let starter = || {
            [Signal::SIGUSR2].into_iter().collect::<SigSet>().thread_block().unwrap();
            let mut command = Command::new("grep");
            command.args(["SigBlk", "/proc/self/status"]).stdout(Stdio::piped());
            let output = spawn_unmasked(&mut command).unwrap().wait_with_output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), "SigBlk:\t0000000000000000\n");
            assert!(SigSet::thread_get_mask().unwrap().contains(Signal::SIGUSR2));
        };
        // Not the first thread, which a test may run on.
        std::thread::spawn(starter).join().unwrap();
    }
}
