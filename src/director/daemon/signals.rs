//! Signals (ldirectord.md 2), and what they mean to the loop.
//!
//! | signal | meaning |
//! |---|---|
//! | HUP | read the configuration anew |
//! | USR1 | ours: serve |
//! | USR2 | ours: only check |
//! | ALRM | ours: end, and leave the kernel's table as it is |
//! | VTALRM | ours: the same, and stay until the next one has written down his number |
//! | PIPE | nothing |
//! | TERM INT QUIT ILL ABRT FPE SEGV BUS SYS XCPU XFSZ | end |
//!
//! The reference dies of USR1, USR2, ALRM and VTALRM, and leaves its table.

use std::fs::File;
use std::future::poll_fn;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::task::{Context, Poll};

use nix::sys::signal::{SigSet, Signal as Number};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::sys::watched::watched;

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Read the configuration anew.
    Reload,
    /// Serve.
    Serve,
    /// Only check.
    Check,
    /// End, and leave the table.
    Leave,
    /// The same, for a next one who comes at once.
    MakeWay,
    /// End, by the signal of this name.
    End(&'static str),
}

const WISHES: [(Number, Wish); 13] = [
    (Number::SIGHUP, Wish::Reload),
    (Number::SIGUSR1, Wish::Serve),
    (Number::SIGUSR2, Wish::Check),
    (Number::SIGALRM, Wish::Leave),
    (Number::SIGVTALRM, Wish::MakeWay),
    (Number::SIGTERM, Wish::End("TERM")),
    (Number::SIGINT, Wish::End("INT")),
    (Number::SIGQUIT, Wish::End("QUIT")),
    (Number::SIGABRT, Wish::End("ABRT")),
    (Number::SIGBUS, Wish::End("BUS")),
    (Number::SIGSYS, Wish::End("SYS")),
    (Number::SIGXCPU, Wish::End("XCPU")),
    (Number::SIGXFSZ, Wish::End("XFSZ")),
];

/// Signals of faults: the runtime does not catch them. Sent by somebody else they are no faults.
const FAULTS: [(Number, &str); 3] =
    [(Number::SIGILL, "ILL"), (Number::SIGFPE, "FPE"), (Number::SIGSEGV, "SEGV")];

/// All signals that are listened to.
pub(super) struct Signals {
    caught: Vec<(Signal, Wish)>,
    faults: AsyncFd<File>,
    _pipe: Signal,
}

/// Holds all of them back, in this thread and those it starts, until [`Signals::catch`].
pub(super) fn hold_back() -> io::Result<()> {
    let faults: SigSet = FAULTS.iter().map(|(number, _)| *number).collect();
    faults.thread_block()?;
    let wishes: SigSet = WISHES.iter().map(|(number, _)| *number).collect();
    Ok(wishes.thread_block()?)
}

impl Signals {
    /// Listens, and lets those that have waited come.
    pub(super) fn catch() -> io::Result<Signals> {
        let listen = |number: Number| signal(SignalKind::from_raw(number as i32));
        let caught: io::Result<Vec<(Signal, Wish)>> =
            WISHES.iter().map(|(number, wish)| Ok((listen(*number)?, *wish))).collect();
        let faults: SigSet = FAULTS.iter().map(|(number, _)| *number).collect();
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        let faults = SignalFd::with_flags(&faults, flags)?.as_fd().try_clone_to_owned()?;
        let signals = Signals {
            caught: caught?,
            faults: watched(File::from(faults))?,
            _pipe: signal(SignalKind::pipe())?,
        };
        let wishes: SigSet = WISHES.iter().map(|(number, _)| *number).collect();
        wishes.thread_unblock()?;
        Ok(signals)
    }

    /// Waits for the next.
    pub(super) async fn next(&mut self) -> Wish {
        poll_fn(|context| self.poll(context)).await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Wish> {
        let mut caught = self.caught.iter_mut();
        while let Some((signal, wish)) = caught.next() {
            if let Poll::Ready(Some(())) = signal.poll_recv(context) {
                // Which of these two came last nobody knows: one counts, and who wants the other says it again.
                if *wish == Wish::Serve
                    && let Some((check, Wish::Check)) = caught.next()
                {
                    let _ = check.poll_recv(context);
                }
                return Poll::Ready(*wish);
            }
        }
        while let Poll::Ready(Ok(mut guard)) = self.faults.poll_read_ready(context) {
            match fault(&self.faults) {
                Some(wish) => return Poll::Ready(wish),
                None => guard.clear_ready(),
            }
        }
        Poll::Pending
    }
}

/// The fault that was sent, if one was.
fn fault(faults: &AsyncFd<File>) -> Option<Wish> {
    let mut bytes = [0; size_of::<libc::signalfd_siginfo>()];
    let length = faults.get_ref().read(&mut bytes).ok()?;
    let number = bytes.get(..length)?.first_chunk::<4>().map(|number| u32::from_ne_bytes(*number))?;
    FAULTS.iter().find(|(signal, _)| *signal as u32 == number).map(|(_, name)| Wish::End(name))
}
