//! Scenarios: what an administrator or fate does to a pair, step by step, and what must come of it.
//!
//! One list ([`list`]) serves every pair of flavours. What must come of a step is not written down
//! here but recorded from a pair of real 3.0.6 daemons ([`transcript`], `tests/interop/expected`).

#![allow(clippy::indexing_slicing, reason = "in a test program a panic is a failure that points at its line")]

pub(crate) mod config;
pub(crate) mod harness;
pub(crate) mod legacy;
pub(crate) mod list;
pub(crate) mod pings;
pub(crate) mod run;
pub(crate) mod transcript;

pub(crate) use config::Config;

/// A course of events.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    /// Its own name.
    pub(crate) name: String,
    /// The name of its transcript; several scenarios may have to come out the same.
    pub(crate) expected: String,
    pub(crate) config: Config,
    pub(crate) steps: Vec<Step>,
}

/// Something that is done, and the log lines by which one knows that it is over.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// As a headline.
    pub(crate) text: String,
    pub(crate) act: Act,
    /// (node, part of a line that must appear in its log after the act)
    pub(crate) signs: Vec<(usize, &'static str)>,
    /// Write down starts and stops only: how often a status is asked depends on who is faster.
    pub(crate) changes_only: bool,
    /// Write down only what is held in the end: ours goes another way than the reference, by intention.
    pub(crate) end_only: bool,
    /// Further signs, waited for where the node is the reference's.
    pub(crate) reference_signs: Vec<(usize, &'static str)>,
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    StartBoth,
    Start(usize),
    Stop(usize),
    Crash(usize),
    /// Power on again, and start.
    Return(usize),
    Standby(usize, &'static str),
    Takeover(usize, &'static str),
    /// Touch ha.cf, then `heartbeat -r`.
    Reload(usize),
    /// All cables between the nodes.
    Cut,
    Heal,
    /// The cables of one network, for a pair that has two.
    CutNetwork(usize),
    HealNetwork(usize),
    /// One of the roads between the nodes, by its number: the others stay whole.
    CutRoad(usize),
    HealRoad(usize),
    /// The ping nodes answer, or do not.
    Answer(bool),
    /// Of the packets of either node, this share in percent gets lost from now on.
    Loss(u8),
}
