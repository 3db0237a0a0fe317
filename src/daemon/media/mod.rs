//! All media of the daemon together: everything goes out on each, whatever comes in is decoded and handed
//! on. Ping nodes are among them and hear less: see `pings`.
//!
//! A medium that fails does not matter as long as another works: it is told of once, and tried again by a thread
//! of its own (`keeper`) until it works again.

mod antenna;
mod keeper;

use super::pings::Pings;
use super::settings::ping;
use crate::config::{self, Config};
use crate::level::Level;
use crate::logging::Logger;
use crate::media::{Buffer, Note, open_patiently};
use crate::wire::{self, EncodeError, Keys, Message, Packing, WireError};
use antenna::{Antenna, Outgoing, Wanted, say};
use keeper::{Keeper, Order, Report, Ward};
use std::task::{Context, Poll};
use std::time::Duration;

/// At the end, the longest wait for the last messages to leave by a slow line.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The media.
pub(super) struct Antennas {
    all: Vec<Antenna>,
    keeper: Keeper,
    pings: Pings,
    buffer: Buffer,
    /// What was sent last.
    own: Option<Own>,
    log: Logger,
}

/// A message as it is on the wire. A network that everybody hears brings it back: it need not be read and checked
/// again.
struct Own {
    datagram: Vec<u8>,
    message: Message,
}

/// The link over which nodes hear each other by this medium; `None` for ping nodes.
pub(super) fn link(medium: &config::Medium) -> Option<String> {
    Wanted::of(medium).map(|wanted| wanted.link().to_owned())
}

impl Antennas {
    /// Opens what the configuration names. The error is the lines to log before giving up: it takes one medium
    /// to live.
    pub(super) async fn open(config: &Config, log: &Logger) -> Result<Self, Vec<Note>> {
        let mut pings = Pings::default();
        for medium in &config.media {
            if let Some(spec) = ping(medium) {
                pings.add(&spec, log).map_err(|note| vec![note, not_opened(&described(medium))])?;
            }
        }
        let wanted: Vec<Wanted> = config.media.iter().filter_map(Wanted::of).collect();
        let (all, wards) = opened(wanted, log).await?;
        if all.is_empty() {
            // The reference says so at every message, and lives on, alone.
            log.log(Level::Crit, "send_to_all_media: No working comm channels to write to.");
        }
        let failed = |error| {
            vec![Note { level: Level::Error, text: format!("cannot start the thread of media: {error}") }]
        };
        let keeper = Keeper::start(wards).map_err(failed)?;
        Ok(Self { all, keeper, pings, buffer: Buffer::default(), own: None, log: log.clone() })
    }

    /// Sends on every medium; one that fails does not stop the others. A serial line takes no compressed bytes.
    pub(super) fn send(&mut self, message: Message, packing: &Packing, keys: &Keys) {
        let wants = |serial: bool| self.all.iter().any(|antenna| antenna.is_serial() == serial);
        let outgoing = Outgoing {
            datagram: wants(false).then(|| self.encoded(datagram(&message, packing, keys))).flatten(),
            text: wants(true).then(|| self.encoded(wire::encode_serial(&message, keys))).flatten(),
        };
        for antenna in &mut self.all {
            antenna.send(&outgoing, &self.keeper, &self.log);
        }
        self.own = outgoing.datagram.map(|datagram| Own { datagram, message });
    }

    fn encoded(&self, result: Result<Vec<u8>, EncodeError>) -> Option<Vec<u8>> {
        let told = result
            .inspect_err(|error| self.log.log(Level::Error, &format!("cannot send a message: {error}")));
        told.ok()
    }

    /// Asks the ping nodes; at each status of this node.
    pub(super) fn ping(&mut self, status: &Message, keys: &Keys) {
        self.pings.ask(status, keys, &self.log);
    }

    /// Waits until there is something to [`Antennas::hear`].
    pub(super) async fn readable(&mut self) {
        std::future::poll_fn(|context| self.poll_ready(context)).await;
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(Some(report)) = self.keeper.reports.poll_recv(context) {
            self.settle(report);
        }
        let mut ready = self.pings.poll_readable(context);
        // Every one is asked, so that every one wakes this task.
        for antenna in &mut self.all {
            if antenna.poll_ready(context).is_ready() {
                ready = Poll::Ready(());
            }
        }
        ready
    }

    fn settle(&mut self, report: Report) {
        match report {
            Report::Opened(which, fresh) => {
                let Some(antenna) = self.all.get_mut(which) else { return };
                match antenna.adopt(fresh, &self.log) {
                    Ok(old) => old.into_iter().for_each(|old| self.keeper.tell(Order::Bury(old))),
                    Err(note) => {
                        say(&self.log, &note);
                        self.keeper.tell(Order::Lost(which));
                    }
                }
            }
            Report::Failed(which, note) => {
                self.all.get_mut(which).into_iter().for_each(|antenna| antenna.fail(&note, &self.log));
            }
        }
    }

    /// Hands out what is there, with the name of the link, a bounded number at a time; tells how much it was.
    pub(super) fn hear(
        &mut self,
        keys: &Keys,
        mut each: impl FnMut(&str, Result<Message, WireError>),
    ) -> usize {
        let mut count = 0;
        for antenna in &mut self.all {
            let own = &mut self.own;
            let heard = |link: &str, bytes: &[u8]| {
                let back = own.take_if(|own| own.datagram == bytes).map(|own| Ok(own.message));
                each(link, back.unwrap_or_else(|| wire::decode(bytes, keys)));
            };
            count += antenna.hear(&mut self.buffer, &self.keeper, &self.log, heard);
        }
        count + self.pings.hear(keys, &mut self.buffer, each)
    }

    /// So many calls of [`Antennas::hear`] bring all that can wait at one moment.
    pub(super) fn bursts(&self) -> usize {
        let media = self.all.iter().map(Antenna::bursts);
        media.chain([self.pings.bursts()]).max().unwrap_or_default()
    }

    /// At the end: the last messages leave, also by a slow line.
    pub(super) async fn finish(&mut self) {
        let all = async {
            for antenna in &mut self.all {
                antenna.finish().await;
            }
        };
        // What has not left by then never will.
        let _ = tokio::time::timeout(LAST_WORDS, all).await;
    }
}

/// As it goes over a network: large ones compressed, where that is wanted.
fn datagram(message: &Message, packing: &Packing, keys: &Keys) -> Result<Vec<u8>, EncodeError> {
    let packed = wire::pack(message, packing)?;
    wire::encode(packed.as_ref().unwrap_or(message), keys)
}

/// Opens them all, or at least one. With none at all the reference's patience applies: a port that is taken, an
/// interface without an address.
async fn opened(wanted: Vec<Wanted>, log: &Logger) -> Result<(Vec<Antenna>, Vec<Ward>), Vec<Note>> {
    let mut failures = Vec::new();
    let (mut all, mut wards) = (Vec::new(), Vec::new());
    for (which, wanted) in wanted.into_iter().enumerate() {
        let face = wanted.face();
        let mut antenna = Antenna::new(which, wanted.clone());
        let result = wanted.prepare().and_then(|fresh| antenna.adopt(fresh, log));
        failures.extend(result.err().map(|note| (which, note)));
        wards.push(Ward { wanted, face, open: antenna.is_open() });
        all.push(antenna);
    }
    let mut told = failures.iter().flat_map(|(which, note)| {
        let description = wards.get(*which).map(|ward| ward.wanted.description()).unwrap_or_default();
        [note.clone(), not_opened(&description)]
    });
    if failures.len() < all.len() || all.is_empty() {
        told.for_each(|note| say(log, &note));
        let missing = failures.iter().filter_map(|(which, _)| wards.get(*which));
        for ward in missing {
            let text = format!("{}: left out for now, tried again every second", ward.wanted.description());
            log.log(Level::Warn, &text);
        }
        return Ok((all, wards));
    }
    let told: Vec<Note> = told.by_ref().collect();
    match one_at_last(&wards, log).await {
        true => Box::pin(opened(wards.into_iter().map(|ward| ward.wanted).collect(), log)).await,
        false => Err(told),
    }
}

/// Waits for any of them. What is opened here is closed again at once: then all have another try.
async fn one_at_last(wards: &[Ward], log: &Logger) -> bool {
    for ward in wards {
        if let Wanted::Net(spec) = &ward.wanted
            && open_patiently(spec, |note| say(log, &note)).await.is_ok()
        {
            return true;
        }
    }
    false
}

fn described(medium: &config::Medium) -> String {
    format!("{} {}", medium.directive(), medium.link())
}

fn not_opened(medium: &str) -> Note {
    Note { level: Level::Error, text: format!("make_io_childpair: cannot open {medium}") }
}
