//! Serial lines (wire-protocol.md 10.6): bytes in, bytes out, over a terminal device.
//!
//! A [`Line`] sends without waiting: messages stand in a small queue until the line takes them, at its own
//! speed. What comes in is handed out as it comes, in pieces; finding the messages in it is up to the caller.
//! Opening may wait for the hardware, and so may closing: [`prepare`] and [`Line::retire`] are for a thread that
//! may.

mod lock;
mod outbox;
mod tty;

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::Sleep;

use super::note::{Note, reason};
use crate::level::Level;
use crate::sys::watched;
use lock::{Lock, Taken};
use outbox::{Next, Outbox};

/// Pieces handed out before others get their turn, and how large.
const BURST: usize = 8;
const PIECE: usize = 4096;
/// How often the log hears that a line takes nothing, or not all.
const COMPLAINTS: Duration = Duration::from_secs(3600);
/// After the last byte was handed over: what hardware keeps to itself.
const LAST_BYTES: Duration = Duration::from_millis(50);

/// One serial line of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SerialSpec {
    /// The full path, which is also the name of the link.
    pub device: String,
    /// Bits per second.
    pub baud: u32,
}

/// A line that was opened and set.
#[derive(Debug)]
pub struct PreparedLine {
    spec: SerialSpec,
    tty: File,
    lock: Lock,
}

/// An open line in use.
#[derive(Debug)]
pub struct Line {
    spec: SerialSpec,
    tty: AsyncFd<File>,
    lock: Lock,
    outbox: Outbox,
    timer: Pin<Box<Sleep>>,
    given_up: usize,
    told_timeout: Option<Instant>,
    told_overload: Option<Instant>,
}

/// What an old line was made of; dropping it may wait for the hardware.
#[derive(Debug)]
pub struct RetiredLine {
    tty: File,
    _lock: Lock,
}

/// Opens and sets a line. May wait for the hardware. The error is the line for the log.
pub fn prepare(spec: &SerialSpec) -> Result<PreparedLine, Note> {
    let device = &spec.device;
    let failed = |text: String| Note::new(Level::Error, format!("glib: {text}"));
    let lock = match Lock::take(device) {
        Ok(Ok(lock)) => lock,
        Ok(Err(Taken(pid))) => {
            return Err(failed(format!("cannot lock line {device}: process {pid} has it")));
        }
        Err(error) => return Err(failed(format!("cannot lock line {device}: {}", reason(&error)))),
    };
    let tty =
        tty::open(device).map_err(|error| failed(format!("cannot open {device}: {}", reason(&error))))?;
    let settings = tty::settings(&tty)
        .map_err(|error| failed(format!("cannot get tty attributes: {}", reason(&error))))?;
    tty::set(&tty, settings, spec.baud)
        .map_err(|error| failed(format!("cannot set tty attributes: {}", reason(&error))))?;
    Ok(PreparedLine { spec: spec.clone(), tty, lock })
}

impl Line {
    /// Takes a prepared line into use. Must be called within a tokio runtime that drives I/O.
    pub fn adopt(prepared: PreparedLine) -> io::Result<Self> {
        let PreparedLine { spec, tty, lock } = prepared;
        Ok(Self {
            tty: watched::watched(tty)?,
            lock,
            outbox: Outbox::new(spec.baud),
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            given_up: 0,
            told_timeout: None,
            told_overload: None,
            spec,
        })
    }

    /// The name of its link, which is its device.
    pub fn name(&self) -> &str {
        &self.spec.device
    }

    /// What it was opened from.
    pub fn spec(&self) -> &SerialSpec {
        &self.spec
    }

    /// What the reference logs when it opens such a line.
    pub fn note(&self) -> Note {
        let SerialSpec { device, baud } = &self.spec;
        let text = format!("glib: Starting serial heartbeat on tty {device} ({baud} baud)");
        Note::new(Level::Info, text)
    }

    /// Queues one message and writes what may go out now. An error means that the line is gone; the notes
    /// are for the log in any case.
    pub fn send(&mut self, message: &[u8]) -> (Vec<Note>, io::Result<()>) {
        self.given_up += self.outbox.push(message);
        let mut notes = Vec::new();
        if self.given_up > 0 && due(&mut self.told_overload) {
            notes.push(self.overloaded());
            self.given_up = 0;
        }
        let result = self.pump(&mut notes);
        (notes, result)
    }

    /// Writes what may go out now.
    pub fn write_on(&mut self) -> (Vec<Note>, io::Result<()>) {
        let mut notes = Vec::new();
        let result = self.pump(&mut notes);
        (notes, result)
    }

    fn pump(&mut self, notes: &mut Vec<Note>) -> io::Result<()> {
        loop {
            let now = Instant::now();
            let Next::Write(piece) = self.outbox.next(now) else { return Ok(()) };
            match self.tty.try_io(Interest::WRITABLE, |mut tty| tty.write(piece)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.outbox.wrote(count, now),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !self.outbox.refused(now) {
                        return Ok(());
                    }
                    tty::flush_output(self.tty.get_ref());
                    if due(&mut self.told_timeout) {
                        notes.extend(timed_out(&self.spec.device));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether there is something to do: bytes to [`Line::drain`], or room for what waits ([`Line::write_on`]). If
    /// not, the task of `context` is woken when there is.
    pub fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let readable = self.tty.poll_read_ready(context).is_ready();
        let (writable, at) = match self.outbox.next(Instant::now()) {
            Next::Rest => (false, None),
            Next::Wait(at) => (false, Some(at)),
            Next::Write(_) => (self.tty.poll_write_ready(context).is_ready(), self.outbox.patience_ends()),
        };
        let timed = at.is_some_and(|at| {
            self.timer.as_mut().reset(at.into());
            self.timer.as_mut().poll(context).is_ready()
        });
        if readable || writable || timed { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Hands out what came in, without waiting. The end of the line is an error.
    pub fn drain(&self, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        let mut bytes = [0; PIECE];
        for _ in 0..BURST {
            match self.tty.try_io(Interest::READABLE, |mut tty| tty.read(&mut bytes)) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => each(bytes.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until all that was sent is on the line, or until the line is gone.
    pub async fn finish(&mut self) {
        while !self.outbox.is_empty() {
            std::future::poll_fn(|context| self.poll_ready(context)).await;
            if self.write_on().1.is_err() || self.drain(|_| ()).is_err() {
                return;
            }
        }
        if let Some(at) = self.outbox.carried() {
            tokio::time::sleep_until((at + LAST_BYTES).into()).await;
        }
    }

    /// Ends its use. The system may wait when it closes what is handed out; unsent bytes are thrown away.
    pub fn retire(self) -> RetiredLine {
        RetiredLine { tty: self.tty.into_inner(), _lock: self.lock }
    }

    /// What is said of a line of which reading or writing showed that it is gone, in the reference's words.
    pub fn lost(&self, error: &io::Error, writing: bool) -> Note {
        let device = self.name();
        let text = match error.raw_os_error() {
            _ if writing => format!("TTY write failure on [{device}]: {}", reason(error)),
            Some(number) => format!("EOF in ttygets [{device}]: {} [{number}]", reason(error)),
            None => format!("EOF in ttygets [{device}]: Success [0]"),
        };
        Note::new(Level::Error, format!("glib: {text}"))
    }

    fn overloaded(&self) -> Note {
        let (device, given_up) = (self.name(), self.given_up);
        let text =
            format!("serial {device}: the line is too slow for what is sent: {given_up} messages dropped");
        Note::new(Level::Warn, text)
    }
}

impl Drop for RetiredLine {
    fn drop(&mut self) {
        tty::flush_output(&self.tty);
    }
}

impl fmt::Display for SerialSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "serial {}", self.device)
    }
}

/// Whether it may be told again; takes note if so.
fn due(told: &mut Option<Instant>) -> bool {
    let now = Instant::now();
    let due = told.is_none_or(|at| now.duration_since(at) >= COMPLAINTS);
    if due {
        *told = Some(now);
    }
    due
}

fn timed_out(device: &str) -> [Note; 2] {
    let text =
        format!("glib: TTY write timeout on [{device}] (no connection or bad cable? [see documentation])");
    let link = "glib: See http://linux-ha.org/wiki/FAQ#TTY_timeout for details";
    [Note::new(Level::Warn, text), Note::new(Level::Info, link)]
}
