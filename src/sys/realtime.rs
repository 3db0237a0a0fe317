//! Scheduling and memory of the pulse: never waiting for other processes, never for the swap or a disk.
#![expect(unsafe_code, reason = "no safe wrapper for the scheduler, MCL_ONFAULT and mallopt")]

use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use std::hint::black_box;
use std::io;

/// Stack that is there before it is needed.
const STACK: usize = 256 << 10;
/// The heap is reserved in blocks of this size: small enough to stay in the heap when they are freed.
const BLOCK: usize = 16 << 10;
/// More heap than this is not reserved, whatever `memreserve` says.
const MOST_HEAP_KB: u32 = 64 << 10;

/// Gives the calling thread round-robin real-time priority (1 to 99). Its children are not real-time.
pub fn raise_priority(priority: u8) -> io::Result<()> {
    lift_time_limit();
    let param = libc::sched_param { sched_priority: i32::from(priority) };
    let policy = libc::SCHED_RR | libc::SCHED_RESET_ON_FORK;
    // SAFETY: 0 names the calling thread; `param` is a valid, initialised structure for the call's time.
    check(unsafe { libc::sched_setscheduler(0, policy, &raw const param) })
}

/// A limit on real-time work would end the process when it has much to do for once.
fn lift_time_limit() {
    if getrlimit(Resource::RLIMIT_RTTIME).is_ok_and(|(soft, _)| soft != RLIM_INFINITY) {
        // Where it cannot be lifted it stays: the priority is worth more.
        let _ = setrlimit(Resource::RLIMIT_RTTIME, RLIM_INFINITY, RLIM_INFINITY);
    }
}

/// Lets the calling thread run before ordinary ones: it shares short locks with the pulse (queues, memory), and
/// while it holds one it must not wait for a script that eats the CPU. Its children are not preferred. A process
/// that was made nice stays so: its children would not inherit it from here.
pub fn prefer() {
    // SAFETY: these take numbers only, but for `param`, which is valid and initialised for the call's time. 0 names
    // the calling thread; -1 as an answer means -1 here, because the calling thread is there.
    unsafe {
        if libc::getpriority(libc::PRIO_PROCESS, 0) != 0 {
            return;
        }
        let param = libc::sched_param { sched_priority: 0 };
        let policy = libc::SCHED_OTHER | libc::SCHED_RESET_ON_FORK;
        // First the flag, so that no child is preferred. Who may not do this does without.
        if libc::sched_setscheduler(0, policy, &raw const param) == 0 {
            libc::setpriority(libc::PRIO_PROCESS, 0, -20);
        }
    }
}

/// Locks the memory of the process: all of the program that is there now, so that no line of it has to come from a
/// disk when it is needed; what comes later as it is touched. Best before other threads run: their stacks would be
/// held whole. Refuses where a limit could make a later allocation fail.
pub fn lock_memory() -> io::Result<()> {
    within_limits(lock)
}

/// The same for a process that uses little of its program: what it has touched by now, and what it will touch.
pub fn lock_touched() -> io::Result<()> {
    within_limits(|| {
        // SAFETY: takes flags only and touches no memory of ours.
        check(unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT) })
    })
}

fn within_limits(lock: impl Fn() -> io::Result<()>) -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_MEMLOCK)?;
    // With nothing allowed, only who is above the limit can do it: then it is not in the way later either.
    setrlimit(Resource::RLIMIT_MEMLOCK, 0, hard)?;
    let locked = lock();
    setrlimit(Resource::RLIMIT_MEMLOCK, soft, hard)?;
    locked.or_else(|_| {
        setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY)?;
        lock()
    })
}

fn lock() -> io::Result<()> {
    let later = libc::MCL_FUTURE | libc::MCL_ONFAULT;
    // SAFETY: takes flags only and touches no memory of ours.
    let whole = check(unsafe { libc::mlockall(libc::MCL_CURRENT) });
    // The second call does not undo what the first one locked. Where there was no room for that: as it is touched.
    let rest = if whole.is_ok() { later } else { libc::MCL_CURRENT | later };
    // SAFETY: as above.
    check(unsafe { libc::mlockall(rest) })
}

/// Has stack and heap for the calling thread at hand, so that in need of memory it does not wait for the system to
/// find some.
pub fn reserve(heap_kb: u32) {
    let bytes = heap_kb.min(MOST_HEAP_KB) as usize * 1024;
    let keep = libc::c_int::try_from(2 * bytes.max(BLOCK)).unwrap_or(libc::c_int::MAX);
    // SAFETY: takes numbers only. Freed memory up to this size stays with the process.
    unsafe { libc::mallopt(libc::M_TRIM_THRESHOLD, keep) };
    touch_stack();
    let blocks: Vec<Vec<u8>> = (0..bytes / BLOCK).map(|_| vec![1; BLOCK]).collect();
    drop(black_box(blocks));
}

#[inline(never)]
fn touch_stack() {
    black_box([1u8; STACK]);
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheduling() -> (i32, i32) {
        // SAFETY: take numbers only.
        unsafe { (libc::sched_getscheduler(0), libc::getpriority(libc::PRIO_PROCESS, 0)) }
    }

    fn nice_of_a_child() -> String {
        let output = std::process::Command::new("/usr/bin/nice").output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    #[test]
    fn who_is_preferred_has_ordinary_children() {
        let preferred = std::thread::spawn(|| {
            let before = scheduling();
            prefer();
            (before, scheduling(), nice_of_a_child())
        });
        let (before, after, child) = preferred.join().unwrap();
        assert_eq!(child, before.1.to_string());
        if before.1 == 0 && nix::unistd::geteuid().is_root() {
            assert_eq!(after, (libc::SCHED_OTHER | libc::SCHED_RESET_ON_FORK, -20));
        }
    }

    /// In a process of its own: beside hundreds of tests a thread may share its arena, and gives back what lies in
    /// the part that the arena has more than another.
    #[test]
    fn what_is_reserved_stays_with_the_process() {
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        alone.args(["--exact", "sys::realtime::tests::reserved", "--ignored", "--test-threads=1"]);
        let output = alone.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }

    #[test]
    #[ignore = "only as a process of what_is_reserved_stays_with_the_process"]
    fn reserved() {
        let faults = || {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            fields[7].parse::<u64>().unwrap()
        };
        let use_memory = || drop(black_box((0..200).map(|_| vec![1u8; BLOCK]).collect::<Vec<_>>()));
        let thread = std::thread::spawn(move || {
            reserve(6500);
            let before = faults();
            use_memory();
            touch_stack();
            faults() - before
        });
        let faults = thread.join().unwrap();
        assert!(faults < 100, "{faults} page faults, of 864 without a reserve");
    }
}
