//! What the pulse wants done that can take long: reading the configuration again, writing a file, telling systemd.
//! One thread does it, one errand after the other. It is there from the start, so that nothing depends on room for
//! a new thread.

use super::pulse::News;
use super::sources::{Change, Stamps};
use super::{launch, state, systemd};
use crate::level::Level;
use crate::logging::Logger;
use crate::paths;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc;

/// Errands that may wait: a disk that stands still must not fill the memory.
const QUEUE: usize = 64;
/// At the end, what is still to be done has so long.
const PATIENCE: Duration = Duration::from_secs(2);

/// What it is sent for.
pub(super) enum Errand {
    /// The media are open: heartbeats are on their way.
    Ready,
    /// Communication is up.
    CommunicationUp,
    /// The end has begun.
    Stopping,
    /// The files may have changed (SIGHUP): what changed is read and checked; what is good comes back as news.
    Reread,
    /// Remember the nodes that were taken out.
    KeepDeleted(String),
    /// Say that everything before is done.
    Done(SyncSender<()>),
}

/// Takes errands and never makes the caller wait.
pub(super) struct Clerk {
    errands: SyncSender<Errand>,
    log: Logger,
}

impl Clerk {
    /// Starts the thread. `stamps` are those of the configuration in use.
    pub(super) fn start(stamps: Stamps, news: mpsc::Sender<News>, log: &Logger) -> io::Result<Self> {
        let (errands, queue) = sync_channel(QUEUE);
        let desk = Desk { stamps, news, log: log.clone() };
        thread::Builder::new().name("clerk".to_owned()).spawn(move || desk.serve(&queue))?;
        Ok(Self { errands, log: log.clone() })
    }

    /// Sends it.
    pub(super) fn send(&self, errand: Errand) {
        let what = match &errand {
            Errand::KeepDeleted(_) => paths::DELETED,
            Errand::Reread => "the configuration again",
            _ => "",
        };
        if self.errands.try_send(errand).is_err() && !what.is_empty() {
            let text = format!("the clerk thread is held up by a disk or a name server: not done: {what}");
            self.log.log(Level::Error, &text);
        }
    }

    /// Waits for what is still to be done, a little while. For the time when no heart beats any more.
    pub(super) fn finish(&self) {
        let (done, wait) = sync_channel(1);
        if self.errands.try_send(Errand::Done(done)).is_ok() {
            let _ = wait.recv_timeout(PATIENCE);
        }
    }
}

/// The thread's own.
struct Desk {
    stamps: Stamps,
    news: mpsc::Sender<News>,
    log: Logger,
}

impl Desk {
    fn serve(mut self, queue: &Receiver<Errand>) {
        for errand in queue {
            match errand {
                Errand::Ready => systemd::ready(),
                Errand::CommunicationUp => systemd::status("communication is up"),
                Errand::Stopping => systemd::stopping(),
                Errand::Reread => self.reread(),
                Errand::KeepDeleted(lines) => self.keep_deleted(&lines),
                Errand::Done(done) => drop(done.try_send(())),
            }
        }
    }

    fn reread(&mut self) {
        let new = Stamps::now();
        let change = self.stamps.compare(&new);
        if change == Change::Nothing {
            return self.log.log(Level::Info, "Configuration unchanged.");
        }
        let news = launch::recheck(change, &self.log);
        if matches!(news, Some(News::Reload)) && !launch::may_restart(&self.log) {
            // Still changed for whoever asks again.
            return;
        }
        self.stamps = new;
        if let Some(news) = news {
            let _ = self.news.blocking_send(news);
        }
    }

    fn keep_deleted(&self, lines: &str) {
        if let Err(error) = state::keep_deleted(lines) {
            self.log.log(Level::Error, &format!("cannot write {}: {error}", paths::DELETED));
        }
    }
}
