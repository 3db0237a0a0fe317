//! Media: bytes in, bytes out, over `bcast`, `mcast`, `ucast` and their IPv6 kin, and over serial lines
//! ([`serial`]) (wire-protocol.md 10).
//!
//! A [`Medium`] is opened from a [`Spec`], sends without waiting, and hands out datagrams a bounded
//! number at a time. It knows nothing of messages, keys or nodes, writes no log (it returns [`Note`]s),
//! and reads no configuration. Names must be looked up before: nothing here waits for a name server.
//!
//! Several media may share an interface and a port. They share the link name too, so it does not matter
//! which of their sockets the system gives a unicast datagram to; a broadcast reaches several of them,
//! and the engine knows duplicates. Media on different interfaces never see each other's datagrams.
//!
//! Opening and closing may wait for the system (it makes them wait for whoever changes an interface). So both
//! come in two parts: [`prepare`] and [`Medium::retire`] give what another thread opens and closes.

mod echo;
mod error;
pub mod fuzz;
mod guard;
mod iface;
mod limiter;
mod note;
mod ping;
pub mod serial;
mod sockets;
mod spec;
mod waiting;

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

pub use error::{Cause, MediumError, Retry};
pub use iface::{Face, face};
pub use limiter::ErrorLimiter;
pub use note::Note;
pub use ping::{Ping, PingKind, PingSpec};
pub use serial::{Line, SerialSpec};
pub use spec::{Kind, Spec};
use waiting::Ear;

/// More than UDP can carry, so that nothing is cut.
const LARGEST: usize = 64 * 1024;

/// How many datagrams are handed out before others get their turn, and about how many bytes: every byte costs,
/// also of what will be refused.
const BURST: usize = 64;
const BURST_BYTES: usize = 256 * 1024;
/// A burst of fewer ended because nothing was left.
pub const FEWEST: usize = BURST_BYTES / LARGEST;

/// Room for one incoming datagram; made once, used for all media of a thread.
#[derive(Debug)]
pub struct Buffer(Vec<u8>);

impl Default for Buffer {
    fn default() -> Self {
        Self(vec![0; LARGEST])
    }
}

/// An open medium.
#[derive(Debug)]
pub struct Medium {
    spec: Spec,
    description: String,
    destination: SocketAddr,
    send: socket2::Socket,
    receive: Ear,
}

/// The sockets of a medium before they are taken into use.
#[derive(Debug)]
pub struct Prepared {
    spec: Spec,
    sockets: sockets::Sockets,
}

/// The sockets of a medium after their use. Dropping them may wait for the system.
#[derive(Debug)]
pub struct Retired {
    _send: socket2::Socket,
    _receive: std::net::UdpSocket,
}

/// Opens the sockets of a medium; one try. May wait for the system.
pub fn prepare(spec: &Spec) -> Result<Prepared, MediumError> {
    let sockets = sockets::open(spec).map_err(|cause| MediumError { spec: spec.clone(), cause })?;
    Ok(Prepared { spec: spec.clone(), sockets })
}

/// Opens a medium; one try. Must be called within a tokio runtime that drives I/O.
pub fn open(spec: &Spec) -> Result<Medium, MediumError> {
    Medium::adopt(prepare(spec)?)
}

/// Opens a medium as the reference does at start: where time may heal a failure, again and again,
/// telling `note` before each pause. The runtime needs its timers.
pub async fn open_patiently(spec: &Spec, mut note: impl FnMut(Note)) -> Result<Medium, MediumError> {
    let mut tried: u32 = 0;
    loop {
        tried = tried.saturating_add(1);
        let error = match open(spec) {
            Ok(medium) => return Ok(medium),
            Err(error) => error,
        };
        let Some(retry) = error.retry().filter(|retry| tried < retry.times) else {
            return Err(error);
        };
        note(error.retry_note());
        tokio::time::sleep(retry.pause).await;
    }
}

impl Medium {
    /// Takes prepared sockets into use. Must be called within a tokio runtime that drives I/O.
    pub fn adopt(prepared: Prepared) -> Result<Self, MediumError> {
        let Prepared { spec, sockets } = prepared;
        let sockets::Sockets { send, receive, destination } = sockets;
        let receive = Ear::new(receive.into());
        let failed = |error| Cause::System { doing: "registering the socket", error };
        let receive = receive.map_err(|error| MediumError { spec: spec.clone(), cause: failed(error) })?;
        Ok(Self { description: spec.to_string(), spec, destination, send, receive })
    }

    /// Ends its use: what is left is for a thread that may wait when it is dropped.
    pub fn retire(self) -> Retired {
        Retired { _send: self.send, _receive: self.receive.into_socket() }
    }

    /// The name of its link, which is its interface.
    pub fn name(&self) -> &str {
        self.spec.iface()
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.spec.kind()
    }

    /// As the log calls it: `bcast eth0`.
    pub fn description(&self) -> &str {
        &self.description
    }

    /// What it was opened from.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// Where it sends to.
    pub fn destination(&self) -> SocketAddr {
        self.destination
    }

    /// What the reference logs when it opens such a medium.
    pub fn notes(&self) -> Vec<Note> {
        note::opened(&self.spec)
    }

    /// Sends one datagram now or not at all; a full queue is an error of kind `WouldBlock`.
    pub fn send(&self, datagram: &[u8]) -> io::Result<()> {
        self.send.send_to(datagram, &self.destination.into()).map(drop)
    }

    /// What the reference logs about a datagram of that length that could not be sent; for
    /// [`ErrorLimiter::failed`].
    pub fn send_failure(&self, length: usize, error: &io::Error) -> [Note; 2] {
        note::send_failed(&self.spec, self.destination, length, error)
    }

    /// Whether datagrams are there; if not, the task of `context` is woken when they come. For waiting on
    /// several media in one task.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.receive.poll_readable(context)
    }

    /// Waits for datagrams, then hands out those that are there, at most as many as are fair to the
    /// other media. May be dropped and called again without a loss.
    pub async fn receive(&self, buffer: &mut Buffer, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        loop {
            poll_fn(|context| self.poll_readable(context)).await?;
            if self.drain(buffer, &mut each)? > 0 {
                return Ok(());
            }
        }
    }

    /// Hands out the datagrams that are there, without waiting, and tells how many: with [`FEWEST`] or more there may
    /// be more.
    pub fn drain(&self, buffer: &mut Buffer, mut each: impl FnMut(&[u8])) -> io::Result<usize> {
        let mut bytes = 0;
        for count in 0..BURST {
            if bytes > BURST_BYTES {
                return Ok(count);
            }
            match self.receive.take(&mut buffer.0) {
                Ok((length, _)) => {
                    bytes += length;
                    each(buffer.0.get(..length).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(count),
                // What waits behind the error is for the next burst.
                Err(_) if count > 0 => return Ok(BURST),
                Err(error) => return Err(error),
            }
        }
        Ok(BURST)
    }

    /// So many bursts empty it of all that can wait in it at one moment.
    pub fn bursts(&self) -> usize {
        self.receive.bursts()
    }
}
