//! One program and where it stands.

use super::End;
use std::time::Duration;

/// A life shorter than this is a short one.
const SHORT_LIFE: Duration = Duration::from_secs(30);
/// Before a start after a short life.
const PAUSE: Duration = Duration::from_secs(1);
/// So many short lives in a row are borne.
const SHORT_LIVES: u32 = 10;
/// The exit code by which a program says that it does not want to be started again.
const NEVER_AGAIN: i32 = 100;

/// What is to be kept running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The command, as in `ha.cf`.
    pub command: String,
    /// The user it runs as.
    pub uid: u32,
    /// The user's group.
    pub gid: u32,
    /// Whether the node must reboot when it dies.
    pub failfast: bool,
}

/// Where a program stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not running, and it will not run by itself.
    Idle,
    /// About to be started; `since` is when that was decided.
    Due { at: Duration, since: Duration },
    /// A process lives. The pause before it counts as life, as in the reference.
    Running { pid: u32, since: Duration },
}

/// What follows from an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Start it again after a pause.
    Again(Duration),
    /// It asked to be left alone.
    Never,
    /// It dies again and again.
    TooFast,
    /// The node must not go on without it.
    Reboot,
}

/// A program, where it stands, and how often it lived shortly.
#[derive(Debug)]
pub(super) struct Minded {
    pub(super) program: Program,
    pub(super) state: State,
    short_lives: u32,
}

impl Minded {
    pub(super) fn new(program: Program) -> Self {
        Self { program, state: State::Idle, short_lives: 0 }
    }

    /// A life of this length came to this end.
    pub(super) fn judge(&mut self, end: End, life: Duration) -> Verdict {
        if self.program.failfast && end != End::Code(0) {
            return Verdict::Reboot;
        }
        if end == End::Code(NEVER_AGAIN) {
            return Verdict::Never;
        }
        self.count(life)
    }

    /// What a life of this length means for the next one.
    pub(super) fn count(&mut self, life: Duration) -> Verdict {
        if life >= SHORT_LIFE {
            self.short_lives = 0;
            return Verdict::Again(Duration::ZERO);
        }
        self.short_lives += 1;
        if self.short_lives > SHORT_LIVES { Verdict::TooFast } else { Verdict::Again(PAUSE) }
    }
}
