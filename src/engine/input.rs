//! Everything that can happen to the engine. Serialisable, so that a run can be recorded and replayed.

use super::Mark;
use crate::wire::Message;
use serde::{Deserialize, Serialize};

/// Names a running job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct JobId(pub u64);

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Input {
    /// The media are open: begin. Comes once, first.
    Start,
    /// How far the peers had come when an earlier life last heard them. May come before `Start`.
    Remembered(Vec<Mark>),
    /// A moment has passed; due timers fire. Sent after every waiting datagram was handed in, so that
    /// the engine looks before it decides.
    Tick,
    /// A verified message came in over a link.
    Received {
        /// The medium's name.
        link: String,
        /// The message.
        message: Message,
    },
    /// A message from a local script or client, without control fields.
    Local(Message),
    /// A job ended. Messages that it made were handed in before.
    JobDone(JobId),
    /// The same for a job that did not do what it was for: a reset, or a look whether groups can be acquired. Other
    /// jobs have no other end than `JobDone`.
    JobFailed(JobId),
    /// First line of `/proc/loadavg`, for the `ld` field.
    Load(String),
    /// Stop in good order, giving up every resource.
    Shutdown,
    /// `ha.cf` changed: leave for a moment without giving anything up, then start anew.
    Reload,
    /// What the API clients listen to: the union of their [`super::Treatment`] bits; 0 when nobody is
    /// signed on.
    Listeners(u8),
    /// The clients that `Action::StopClients` named are gone.
    ClientsStopped,
}
