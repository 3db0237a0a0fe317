//! Signals (commands.md section 3): held back until somebody listens, then heard by the pulse.
//!
//! The default of most of them is to end the process. In the moments of a start nobody listens yet, and
//! in those of a restart resources are held: a second `heartbeat -r` must not end the daemon then.

use nix::sys::signal::{SigSet, Signal as Number};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How often a stop is looked for between two lives.
const POLL: Duration = Duration::from_millis(100);

const HEARD: [Number; 9] = [
    Number::SIGTERM,
    Number::SIGHUP,
    Number::SIGUSR1,
    Number::SIGUSR2,
    Number::SIGALRM,
    Number::SIGINT,
    Number::SIGPIPE,
    Number::SIGTTIN,
    Number::SIGTTOU,
];

pub(super) struct Signals {
    pub(super) term: Signal,
    pub(super) hup: Signal,
    pub(super) usr1: Signal,
    pub(super) usr2: Signal,
    pub(super) alarm: Signal,
    /// Caught so that they do nothing.
    _ignored: [Signal; 4],
}

/// Lets them wait from now on, in this thread and those it starts, and beyond an exec.
pub(super) fn hold_back() -> io::Result<()> {
    Ok(all().thread_block()?)
}

/// For a thread that a disk may hold up: a signal that the system gives to it would wait for that disk. Not for
/// one that starts programs: they would hold it back too.
pub(super) fn leave_to_the_pulse() {
    // What cannot be held back is heard by whoever gets it, and reaches the pulse all the same.
    let _ = hold_back();
}

fn all() -> SigSet {
    HEARD.into_iter().collect()
}

impl Signals {
    /// Listens, and lets those that have waited come.
    pub(super) fn catch() -> io::Result<Self> {
        let ignored = |number: Number| signal(SignalKind::from_raw(number as i32));
        let caught = Self {
            term: signal(SignalKind::terminate())?,
            hup: signal(SignalKind::hangup())?,
            usr1: signal(SignalKind::user_defined1())?,
            usr2: signal(SignalKind::user_defined2())?,
            alarm: signal(SignalKind::alarm())?,
            _ignored: [
                ignored(Number::SIGINT)?,
                ignored(Number::SIGPIPE)?,
                ignored(Number::SIGTTIN)?,
                ignored(Number::SIGTTOU)?,
            ],
        };
        all().thread_unblock()?;
        Ok(caught)
    }
}

/// Sleeps so long, or until somebody wants the daemon to stop; whether that was so. For a thread that holds
/// the signal back.
pub(super) fn stopped_within(pause: Duration) -> bool {
    let end = Instant::now() + pause;
    let stop: SigSet = [Number::SIGTERM].into_iter().collect();
    let listener = SignalFd::with_flags(&stop, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC);
    while Instant::now() < end {
        if listener.as_ref().is_ok_and(|l| matches!(l.read_signal(), Ok(Some(_)))) {
            return true;
        }
        sleep(POLL.min(end.saturating_duration_since(Instant::now())));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_ends_the_rest() {
        hold_back().unwrap();
        assert!(!stopped_within(Duration::from_millis(1)));
        nix::sys::signal::raise(Number::SIGTERM).unwrap();
        assert!(stopped_within(Duration::from_secs(60)));
    }
}
