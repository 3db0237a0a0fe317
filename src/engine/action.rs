//! Everything the engine can ask for.

use super::{Hold, Job, JobId, Note, Treatment};
use crate::wire::Message;
use serde::{Deserialize, Serialize};

/// How the daemon's life ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// For good.
    Stop,
    /// Everything was given up; be silent for longer than the dead time, then start afresh.
    Restart,
    /// Nothing was given up; start anew at once.
    Reload {
        /// What this node holds.
        held: Hold,
        /// Of that something did not start, and is still to be tried again.
        failed: bool,
    },
}

/// One request to the world. The order within an answer is the order to carry them out in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Sign and send on every medium. Complete but for `auth`.
    Send(Message),
    /// Start a job; answer with `Input::JobDone` or `Input::JobFailed` when it has ended.
    Run {
        /// Its name.
        id: JobId,
        /// What to do.
        job: Job,
    },
    /// Tell the operator.
    Note(Note),
    /// Communication is up: open the doors to clients, start respawned programs.
    StartClients,
    /// Stop respawned programs, last first; answer with `Input::ClientsStopped`.
    StopClients,
    /// Give this message to API clients: to the one it names (`to_id`), or to all that listen to its
    /// treatment. Only made for treatments that `Input::Listeners` named.
    Deliver {
        /// As it was received, or sent.
        message: Message,
        /// What became of it here.
        treatment: Treatment,
    },
    /// A peer asks whether a client is signed on here (`query-cstatus`); the answer is an `Input::Local`.
    QueryClient(Message),
    /// Stop taking messages from clients (`true`), or go on (wire-protocol.md 5.6).
    PauseClients(bool),
    /// Write `delhostcache` anew: a line for each node that `delnode` took out.
    KeepDeleted(String),
    /// Close the media and end. Nothing follows.
    End(Ending),
}
