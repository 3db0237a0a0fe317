//! How far the peers had come, kept on disk for the next life of this daemon: see `engine::Mark`. A thread of
//! its own writes it, because the pulse waits for no disk.

use super::state;
use crate::engine::Mark;
use crate::level::Level;
use crate::logging::Logger;
use crate::paths;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// How old what is on disk may be: so much of a peer's last words could be said again after a crash of this
/// machine.
const PERIOD: Duration = Duration::from_secs(30);
/// How long an end waits for the disk.
const PATIENCE: Duration = Duration::from_secs(1);

/// The way to the thread that writes.
pub(super) struct Memory {
    writer: SyncSender<Vec<Mark>>,
    /// Closed by the thread when it ends.
    ended: Receiver<()>,
    kept: Vec<Mark>,
    /// What the last life knew.
    recalled: Vec<Mark>,
    at: Instant,
}

impl Memory {
    /// Reads what the last life kept, starts the thread.
    pub(super) fn start(log: &Logger) -> io::Result<Self> {
        let (writer, marks) = sync_channel(1);
        let (alive, ended) = sync_channel(0);
        let log = log.clone();
        thread::Builder::new().name("memory".to_owned()).spawn(move || {
            write(&marks, &log);
            drop(alive);
        })?;
        Ok(Self { writer, ended, kept: Vec::new(), recalled: state::marks(), at: Instant::now() })
    }

    /// What the last life knew, once.
    pub(super) fn recall(&mut self) -> Vec<Mark> {
        std::mem::take(&mut self.recalled)
    }

    /// Keeps what is new, now and then; `marks` is asked only when it is time.
    pub(super) fn keep(&mut self, marks: impl FnOnce() -> Vec<Mark>) {
        if self.at.elapsed() < PERIOD {
            return;
        }
        self.at = Instant::now();
        let marks = marks();
        // A thread that still waits for the disk gets the next ones.
        if marks != self.kept && self.writer.try_send(marks.clone()).is_ok() {
            self.kept = marks;
        }
    }

    /// Keeps the last ones, and waits a moment for the disk.
    pub(super) fn close(self, marks: Vec<Mark>) {
        let Self { writer, ended, .. } = self;
        let _ = writer.try_send(marks);
        drop(writer);
        // Nothing is ever said: the thread ended, or the disk is stuck.
        let (Ok(()) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected)) =
            ended.recv_timeout(PATIENCE);
    }
}

fn write(marks: &Receiver<Vec<Mark>>, log: &Logger) {
    let mut failed = false;
    while let Ok(marks) = marks.recv() {
        let result = state::keep_marks(&marks);
        if let Err(error) = &result
            && !failed
        {
            log.log(Level::Warn, &format!("cannot write {}: {error}", paths::PEERS));
        }
        failed = result.is_err();
    }
}
