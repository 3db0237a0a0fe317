//! A child process as another user, with nothing of this process's own about it.
#![expect(unsafe_code, reason = "what happens between fork and exec has no safe wrapper")]

use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use nix::unistd::{Gid, Uid, getgrouplist, setgid, setgroups, setuid};
use std::ffi::CString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Descriptors to look at one by one where the kernel cannot close a range.
const DESCRIPTORS: i32 = 4096;

/// A soft and a hard limit.
pub type Limit = (rlim_t, rlim_t);

/// What a child is to be.
#[derive(Clone, Debug)]
pub struct Guise {
    /// Its user.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// All of its groups.
    pub groups: Vec<Gid>,
    /// The signals it ignores.
    pub ignored: Vec<Signal>,
    /// The signals it does not hear.
    pub blocked: SigSet,
    /// Its limit of locked memory.
    pub memory: Limit,
    /// Whether it may leave core dumps as large as the hard limit allows.
    pub cores: bool,
    /// Its niceness.
    pub nice: i32,
}

/// The groups of a user, the primary one among them.
pub fn groups(user: &str, gid: u32) -> io::Result<Vec<Gid>> {
    let name = CString::new(user)?;
    Ok(getgrouplist(&name, Gid::from_raw(gid))?)
}

/// The limit of locked memory.
pub fn memory_limit() -> io::Result<Limit> {
    Ok(getrlimit(Resource::RLIMIT_MEMLOCK)?)
}

/// Sets the limit of locked memory.
pub fn set_memory_limit(limit: Limit) -> io::Result<()> {
    Ok(setrlimit(Resource::RLIMIT_MEMLOCK, limit.0, limit.1)?)
}

/// The niceness of the process's first thread, which is not real-time; a real-time one gives its own none.
pub fn nice() -> i32 {
    // SAFETY: takes numbers only. An error is not told from -1, and our own process is always there.
    unsafe { libc::getpriority(libc::PRIO_PROCESS, std::process::id()) }
}

/// Makes the command's process put on this guise before it becomes the program.
pub fn disguise(command: &mut Command, guise: Guise) {
    // SAFETY: `put_on` makes system calls only; it allocates nothing and takes no lock, so it is fit for
    // the child of a process with several threads.
    unsafe { command.pre_exec(move || put_on(&guise)) };
}

fn put_on(guise: &Guise) -> io::Result<()> {
    setrlimit(Resource::RLIMIT_MEMLOCK, guise.memory.0, guise.memory.1)?;
    if guise.cores {
        let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
        setrlimit(Resource::RLIMIT_CORE, hard, hard)?;
    }
    // SAFETY: takes numbers only.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, guise.nice) };
    close_at_exec();
    setgroups(&guise.groups)?;
    setgid(Gid::from_raw(guise.gid))?;
    setuid(Uid::from_raw(guise.uid))?;
    for number in &guise.ignored {
        // SAFETY: no handler of ours is installed or replaced that somebody could still need here.
        unsafe { signal(*number, SigHandler::SigIgn) }?;
    }
    Ok(sigprocmask(SigmaskHow::SIG_SETMASK, Some(&guise.blocked), None)?)
}

/// Nothing above standard error reaches the program. Marked, not closed: std tells errors through one of them.
fn close_at_exec() {
    // SAFETY: marks descriptors of a process that is about to exec; nobody loses any before.
    let done = unsafe { libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    if done == 0 {
        return;
    }
    for fd in 3..DESCRIPTORS {
        // SAFETY: as above; numbers that are no descriptors are refused.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
}
