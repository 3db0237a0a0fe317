//! Signals (commands.md section 3): held back until somebody listens, then heard by the pulse.
//!
//! The default of most of them is to end the process. In the moments of a start nobody listens yet, and
//! in those of a restart resources are held: a second `heartbeat -r` must not end the daemon then.

use nix::sys::signal::{SigSet, Signal as Number};
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

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
