//! All media of the daemon together: everything goes out on each, whatever comes in is decoded and handed
//! on. Ping nodes are among them and hear less: see `pings`.

use super::pings::Pings;
use super::settings::{ping, spec};
use crate::config::{self, Config};
use crate::level::Level;
use crate::logging::Logger;
use crate::media::{Buffer, ErrorLimiter, Medium, Note, Spec, open_patiently};
use crate::wire::{self, Keys, Message, WireError};
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
    pings: Pings,
    buffer: Buffer,
    log: Logger,
}

impl Antennas {
    /// Opens what the configuration names. The error is the lines to log before giving up.
    pub(super) async fn open(config: &Config, log: &Logger) -> Result<Self, Vec<Note>> {
        let mut antennas =
            Self { all: Vec::new(), pings: Pings::default(), buffer: Buffer::default(), log: log.clone() };
        for medium in &config.media {
            let failed = |note| vec![note, not_opened(medium)];
            if let Some(spec) = spec(medium) {
                antennas.add(&spec).await.map_err(failed)?;
            } else if let Some(spec) = ping(medium) {
                antennas.pings.add(&spec, log).map_err(failed)?;
            } else {
                let text = format!("{} {}: not served by this version", medium.directive(), medium.link());
                log.log(Level::Warn, &text);
            }
        }
        if antennas.all.is_empty() && antennas.pings.is_empty() {
            log.log(Level::Error, "No heartbeat media that this version serves");
            return Err(Vec::new());
        }
        if antennas.all.is_empty() {
            // The reference says so at every message, and lives on, alone.
            log.log(Level::Crit, "send_to_all_media: No working comm channels to write to.");
        }
        Ok(antennas)
    }

    async fn add(&mut self, spec: &Spec) -> Result<(), Note> {
        let log = &self.log;
        let opened = open_patiently(spec, |note| say(log, &note)).await;
        let medium = opened.map_err(|error| error.note())?;
        medium.notes().iter().for_each(|note| say(log, note));
        self.all.push(Antenna { medium, errors: ErrorLimiter::default(), reopened: Instant::now() });
        Ok(())
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

    /// Asks the ping nodes; at each status of this node.
    pub(super) fn ping(&mut self, status: &Message, keys: &Keys) {
        self.pings.ask(status, keys, &self.log);
    }

    /// Waits until a datagram is there.
    pub(super) async fn readable(&self) {
        std::future::poll_fn(|context| self.poll_readable(context)).await;
    }

    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut ready = self.pings.poll_readable(context);
        // Every one is asked, so that every one wakes this task.
        for antenna in &self.all {
            if antenna.medium.poll_readable(context).is_ready() {
                ready = Poll::Ready(());
            }
        }
        ready
    }

    /// Hands out what is there, with the name of the link, a bounded number at a time; tells how much it was.
    pub(super) fn hear(
        &mut self,
        keys: &Keys,
        mut each: impl FnMut(&str, Result<Message, WireError>),
    ) -> usize {
        let mut count = 0;
        for antenna in &self.all {
            let heard = |bytes: &[u8]| each(antenna.medium.name(), wire::decode(bytes, keys));
            // An error here belongs to an interface that is going; sending will notice.
            count += antenna.medium.drain(&mut self.buffer, heard).unwrap_or(0);
        }
        count + self.pings.hear(keys, &mut self.buffer, each)
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
