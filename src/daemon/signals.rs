//! Signals (commands.md section 3): held back by every thread but the pulse, and by that one until it listens.
//!
//! The default of most of them is to end the process. In the moments of a start nobody listens yet, and
//! in those of a restart resources are held: a second `heartbeat -r` must not end the daemon then. Nor must a stop
//! be lost between two lives: no thread may take it for a pulse that is over.

use nix::sys::signal::{SigSet, Signal as Number, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use std::future::poll_fn;
use std::io;
use std::task::Poll;
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

/// What programs are to hold back: what this process was started with.
pub(super) fn of_programs() -> io::Result<SigSet> {
    let mut set = SigSet::thread_get_mask()?;
    HEARD.into_iter().for_each(|number| set.remove(number));
    Ok(set)
}

fn all() -> SigSet {
    HEARD.into_iter().collect()
}

impl Signals {
    /// They do nothing of their own from now on, and still wait.
    pub(super) fn catch() -> io::Result<Self> {
        let ignored = |number: Number| signal(SignalKind::from_raw(number as i32));
        Ok(Self {
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
        })
    }

    /// Lets this thread hear them, those first that have waited. Threads that it starts later would take them too.
    pub(super) fn listen(&self) -> io::Result<()> {
        Ok(all().thread_unblock()?)
    }

    /// Holds them back again at the end of a life. A stop that came too late for it waits for who comes next.
    pub(super) async fn hand_on(mut self) -> io::Result<()> {
        hold_back()?;
        // The runtime looks for them only when this task pauses.
        tokio::task::yield_now().await;
        if poll_fn(|context| Poll::Ready(self.term.poll_recv(context).is_ready())).await {
            kill(Pid::this(), Number::SIGTERM)?;
        }
        Ok(())
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
