//! Signals between two lives of the daemon: a stop must not get lost because nobody listens.

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often a stop is looked for.
const POLL: Duration = Duration::from_millis(100);

/// What only the pulse thread takes, and only once it can. Scripts are started with nothing held back.
pub(super) fn held_back() -> SigSet {
    [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGUSR1, Signal::SIGUSR2].into_iter().collect()
}

/// Sleeps so long, or until somebody wants the daemon to stop; whether that was so. For a thread that holds
/// the signal back.
pub(super) fn stopped_within(pause: Duration) -> bool {
    let end = Instant::now() + pause;
    let stop: SigSet = [Signal::SIGTERM].into_iter().collect();
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
        held_back().thread_block().unwrap();
        assert!(!stopped_within(Duration::from_millis(1)));
        nix::sys::signal::raise(Signal::SIGTERM).unwrap();
        assert!(stopped_within(Duration::from_secs(60)));
    }
}
