//! One medium over which nodes hear each other, open or not.

use super::keeper::{Keeper, Order};
use crate::config;
use crate::level::Level;
use crate::logging::Logger;
use crate::media::serial::{self, PreparedLine, RetiredLine};
use crate::media::{
    self, Buffer, ErrorLimiter, Face, Line, Medium, Note, Prepared, Retired, SerialSpec, Spec,
};
use crate::wire::{Stream, limits};
use std::io;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// A line that breaks again so soon is not told of again.
const FLAPPING: Duration = Duration::from_secs(60);

/// Which medium is wanted.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    Net(Spec),
    Serial(SerialSpec),
}

/// A medium before it is taken into use.
#[derive(Debug)]
pub(super) enum Fresh {
    Net(Prepared),
    Serial(PreparedLine),
}

/// A medium after its use.
#[derive(Debug)]
pub(super) enum Old {
    Net(#[expect(dead_code, reason = "only dropped")] Retired),
    Serial(#[expect(dead_code, reason = "only dropped")] RetiredLine),
}

/// One message in the forms that media want; `None` where no medium wants it.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) datagram: Option<Vec<u8>>,
    pub(super) text: Option<Vec<u8>>,
}

/// The medium.
pub(super) struct Antenna {
    /// Its place among all of them.
    which: usize,
    wanted: Wanted,
    radio: Option<Radio>,
    /// Its interface is not there or has no address: nobody needs to be told at each message.
    broken: bool,
    errors: ErrorLimiter,
    told_loss: Option<Instant>,
    /// Nobody was told of its last loss, so nobody is told of its end.
    quiet: bool,
}

enum Radio {
    Net(Medium),
    Serial(Line, Stream),
}

impl Wanted {
    /// The medium to open over which nodes hear each other; `None` for ping nodes.
    pub(super) fn of(medium: &config::Medium) -> Option<Self> {
        use config::Medium as M;
        Some(Self::Net(match medium.clone() {
            M::Bcast { iface, port } => Spec::Bcast { iface, port },
            M::Ucast { iface, peer, port } => Spec::Ucast { iface, peer, port },
            M::Ucast6 { iface, peer, port } => Spec::Ucast6 { iface, peer, port },
            M::Mcast { iface, group, port, ttl, looped } => Spec::Mcast { iface, group, port, ttl, looped },
            M::Mcast6 { iface, group, port, hops, looped } => {
                Spec::Mcast6 { iface, group, port, hops, looped }
            }
            M::Serial { device, baud } => return Some(Self::Serial(SerialSpec { device, baud })),
            M::Ping { .. } | M::PingGroup { .. } | M::Ping6 { .. } => return None,
        }))
    }

    /// Opens it; may wait for the system.
    pub(super) fn prepare(&self) -> Result<Fresh, Note> {
        match self {
            Self::Net(spec) => media::prepare(spec).map(Fresh::Net).map_err(|error| error.note()),
            Self::Serial(spec) => serial::prepare(spec).map(Fresh::Serial),
        }
    }

    /// What it depends on.
    pub(super) fn face(&self) -> Option<Face> {
        match self {
            Self::Net(spec) => media::face(spec),
            Self::Serial(_) => None,
        }
    }

    pub(super) fn link(&self) -> &str {
        match self {
            Self::Net(spec) => spec.iface(),
            Self::Serial(spec) => &spec.device,
        }
    }

    /// As the log calls it: `bcast eth0`.
    pub(super) fn description(&self) -> String {
        match self {
            Self::Net(spec) => spec.to_string(),
            Self::Serial(spec) => spec.to_string(),
        }
    }
}

impl Antenna {
    /// Not open yet.
    pub(super) fn new(which: usize, wanted: Wanted) -> Self {
        let (radio, errors) = (None, ErrorLimiter::default());
        Self { which, wanted, radio, broken: false, errors, told_loss: None, quiet: false }
    }

    pub(super) fn is_open(&self) -> bool {
        self.radio.is_some()
    }

    /// So many calls of [`Antenna::hear`] bring all that can wait at one moment. What a line brings is read at
    /// once, as far as it goes.
    pub(super) fn bursts(&self) -> usize {
        match &self.radio {
            Some(Radio::Net(medium)) => medium.bursts(),
            Some(Radio::Serial(..)) | None => 1,
        }
    }

    pub(super) fn is_serial(&self) -> bool {
        matches!(self.wanted, Wanted::Serial(_))
    }

    /// Takes a fresh medium into use, in place of the old one, which is handed back.
    pub(super) fn adopt(&mut self, fresh: Fresh, log: &Logger) -> Result<Option<Old>, Note> {
        let radio = match fresh {
            Fresh::Net(prepared) => Radio::Net(Medium::adopt(prepared).map_err(|error| error.note())?),
            Fresh::Serial(prepared) => {
                let text = |error: io::Error| Note { level: Level::Error, text: error.to_string() };
                Radio::Serial(Line::adopt(prepared).map_err(text)?, Stream::new(limits::MAX_WIRE))
            }
        };
        if !std::mem::take(&mut self.quiet) {
            radio.notes().iter().for_each(|note| say(log, note));
        }
        self.broken = false;
        Ok(self.radio.replace(radio).map(Radio::retire))
    }

    /// Its interface went, or lost its address.
    pub(super) fn fail(&mut self, note: &Note, log: &Logger) {
        self.broken = true;
        say(log, note);
    }

    /// Sends, now or not at all, or as soon as the line takes it.
    pub(super) fn send(&mut self, message: &Outgoing, keeper: &Keeper, log: &Logger) {
        match (&mut self.radio, &message.datagram, &message.text) {
            (Some(Radio::Net(medium)), Some(datagram), _) if !self.broken => {
                let notes = match medium.send(datagram) {
                    Ok(()) => self.errors.succeeded(medium.description()).into_iter().collect(),
                    Err(error) => {
                        let report = medium.send_failure(datagram.len(), &error);
                        self.errors.failed(medium.description(), report)
                    }
                };
                notes.iter().for_each(|note| say(log, note));
            }
            (Some(Radio::Serial(line, _)), _, Some(text)) => {
                let (notes, result) = line.send(text);
                notes.iter().for_each(|note| say(log, note));
                self.judge(result, true, keeper, log);
            }
            _ => {}
        }
    }

    /// Whether there is something to [`Antenna::hear`], or room for what waits.
    pub(super) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.radio {
            Some(Radio::Net(medium)) => medium.poll_readable(context).map(drop),
            Some(Radio::Serial(line, _)) => line.poll_ready(context),
            None => Poll::Pending,
        }
    }

    /// Hands out the messages that are there, a bounded number at a time, tells how many, and writes on.
    pub(super) fn hear(
        &mut self,
        buffer: &mut Buffer,
        keeper: &Keeper,
        log: &Logger,
        mut each: impl FnMut(&str, &[u8]),
    ) -> usize {
        match &mut self.radio {
            Some(Radio::Net(medium)) => {
                // An error here belongs to an interface that is going; the keeper will notice.
                medium.drain(buffer, |bytes| each(medium.name(), bytes)).unwrap_or(0)
            }
            Some(Radio::Serial(line, stream)) => {
                let mut count = 0;
                let mut message = |text: &[u8]| {
                    count += 1;
                    each(&line.spec().device, text);
                };
                let heard = line.drain(|bytes| stream.feed(bytes, &mut message));
                let (notes, wrote) = line.write_on();
                notes.iter().for_each(|note| say(log, note));
                self.judge(heard, false, keeper, log);
                self.judge(wrote, true, keeper, log);
                count
            }
            None => 0,
        }
    }

    /// A line that is gone is closed, and tried again by the keeper.
    fn judge(&mut self, result: io::Result<()>, writing: bool, keeper: &Keeper, log: &Logger) {
        let Err(error) = result else { return };
        let Some(Radio::Serial(line, stream)) = self.radio.take() else { return };
        self.quiet = self.told_loss.is_some_and(|at| at.elapsed() < FLAPPING);
        if !self.quiet {
            say(log, &line.lost(&error, writing));
            let text = format!("{}: tried again every second", self.wanted.description());
            log.log(Level::Warn, &text);
            self.told_loss = Some(Instant::now());
        }
        keeper.tell(Order::Bury(Radio::Serial(line, stream).retire()));
        keeper.tell(Order::Lost(self.which));
    }

    /// Waits until what was sent is on the line.
    pub(super) async fn finish(&mut self) {
        if let Some(Radio::Serial(line, _)) = &mut self.radio {
            line.finish().await;
        }
    }
}

impl Radio {
    fn notes(&self) -> Vec<Note> {
        match self {
            Self::Net(medium) => medium.notes(),
            Self::Serial(line, _) => vec![line.note()],
        }
    }

    fn retire(self) -> Old {
        match self {
            Self::Net(medium) => Old::Net(medium.retire()),
            Self::Serial(line, _) => Old::Serial(line.retire()),
        }
    }
}

pub(super) fn say(log: &Logger, note: &Note) {
    log.log(note.level, &note.text);
}
