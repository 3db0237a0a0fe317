//! Scheduling and memory of the pulse: never waiting for other processes, never for the swap.
#![expect(unsafe_code, reason = "no safe wrapper for sched_setscheduler and MCL_ONFAULT")]

use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};
use std::io;

/// Gives the calling thread round-robin real-time priority (1 to 99). Its children are not real-time.
pub fn raise_priority(priority: u8) -> io::Result<()> {
    let param = libc::sched_param { sched_priority: i32::from(priority) };
    let policy = libc::SCHED_RR | libc::SCHED_RESET_ON_FORK;
    // SAFETY: 0 names the calling thread; `param` is a valid, initialised structure for the call's time.
    check(unsafe { libc::sched_setscheduler(0, policy, &raw const param) })
}

/// Locks the memory of the process, present and future, as it is touched: nothing untouched is held.
/// Refuses where a limit could make a later allocation fail.
pub fn lock_memory() -> io::Result<()> {
    setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY)?;
    // SAFETY: takes flags only and touches no memory of ours.
    check(unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT) })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
