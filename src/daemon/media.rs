//! All media of the daemon together: everything goes out on each, whatever comes in is handed on.

use super::settings::spec;
use crate::config::{self, Config};
use crate::level::Level;
use crate::logging::Logger;
use crate::media::{Buffer, ErrorLimiter, Medium, Note, open_patiently};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// How often a medium that does not send is opened anew.
const REOPEN: Duration = Duration::from_secs(1);

struct Antenna {
    medium: Medium,
    errors: ErrorLimiter,
    reopened: Instant,
}

/// The open media.
pub(super) struct Antennas {
    all: Vec<Antenna>,
    buffer: Buffer,
    log: Logger,
}

impl Antennas {
    /// Opens what the configuration names. The error is the lines to log before giving up.
    pub(super) async fn open(config: &Config, log: &Logger) -> Result<Self, Vec<Note>> {
        let mut all = Vec::new();
        for medium in &config.media {
            let Some(spec) = spec(medium) else {
                let text = format!("{} {}: not served by this version", medium.directive(), medium.link());
                log.log(Level::Warn, &text);
                continue;
            };
            let opened = open_patiently(&spec, |note| say(log, &note)).await;
            let medium = opened.map_err(|error| vec![error.note(), not_opened(medium)])?;
            medium.notes().iter().for_each(|note| say(log, note));
            all.push(Antenna { medium, errors: ErrorLimiter::default(), reopened: Instant::now() });
        }
        if all.is_empty() {
            log.log(Level::Error, "No heartbeat media that this version serves");
            return Err(Vec::new());
        }
        Ok(Self { all, buffer: Buffer::default(), log: log.clone() })
    }

    /// Sends on every medium; one that fails does not stop the others.
    pub(super) fn send(&mut self, datagram: &[u8]) {
        for antenna in &mut self.all {
            match antenna.medium.send(datagram) {
                Ok(()) => antenna.errors.succeeded(),
                Err(error) => {
                    let report = antenna.medium.send_failure(datagram.len(), &error);
                    let lines = antenna.errors.failed(antenna.medium.description(), report);
                    lines.iter().for_each(|note| say(&self.log, note));
                    antenna.renew();
                }
            }
        }
    }

    /// Waits until a datagram is there.
    pub(super) async fn readable(&self) {
        std::future::poll_fn(|context| self.poll_readable(context)).await;
    }

    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut ready = Poll::Pending;
        // Every one is asked, so that every one wakes this task.
        for antenna in &self.all {
            if antenna.medium.poll_readable(context).is_ready() {
                ready = Poll::Ready(());
            }
        }
        ready
    }

    /// Hands out what is there, with the name of the link; a bounded number at a time.
    pub(super) fn drain(&mut self, mut each: impl FnMut(&str, &[u8])) {
        for antenna in &self.all {
            // An error here belongs to an interface that is going; sending will notice.
            let _ = antenna.medium.drain(&mut self.buffer, |bytes| each(antenna.medium.name(), bytes));
        }
    }
}

impl Antenna {
    /// After its interface went and came back, a medium needs new sockets.
    fn renew(&mut self) {
        if self.reopened.elapsed() >= REOPEN && self.medium.is_stale() {
            self.reopened = Instant::now();
            // A failure is told by the next send.
            let _ = self.medium.reopen();
        }
    }
}

fn not_opened(medium: &config::Medium) -> Note {
    let text = format!("make_io_childpair: cannot open {} {}", medium.directive(), medium.link());
    Note { level: Level::Error, text }
}

fn say(log: &Logger, note: &Note) {
    log.log(note.level, &note.text);
}
