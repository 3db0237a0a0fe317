//! Question and answer.

use super::frame::{self, Frame, frames};
use netlink_sys::{Socket, SocketAddr};
use nix::errno::Errno;
use std::io;

/// How often a table that changes under us is listed before we take what we have.
const LISTINGS: u32 = 16;
/// Room for the answers that wait.
const ROOM: i32 = 1_048_576;

/// Why there is no good answer.
#[derive(Debug)]
pub enum Error {
    /// The socket itself failed: nothing is known about the kernel's state.
    Socket {
        /// What was being done.
        doing: &'static str,
        /// The reason.
        cause: io::Error,
    },
    /// The kernel answered no; its state has not changed.
    Refused(Errno),
}

/// A socket connected with the kernel. Each request gets its acknowledgement, and the errno in it.
pub struct Talk {
    socket: Socket,
    sequence: u32,
}

impl Talk {
    /// Opens it in the network namespace of the caller, for one of [`netlink_sys::protocols`].
    pub fn open(protocol: isize) -> Result<Self, Error> {
        let mut socket = Socket::new(protocol).map_err(failed("open a socket"))?;
        socket.bind_auto().map_err(failed("bind"))?;
        socket.connect(&SocketAddr::new(0, 0)).map_err(failed("connect"))?;
        let _ = socket.set_rx_buf_sz(ROOM);
        Ok(Self { socket, sequence: 0 })
    }

    /// Has the kernel list what was asked for and nothing else. Old kernels cannot.
    pub fn set_strict(&mut self) {
        let _ = self.socket.set_netlink_get_strict_chk(true);
    }

    /// Sends one request and hands every answering frame to `each`, until the acknowledgement or the end of the list.
    pub fn request(&mut self, mut request: Vec<u8>, mut each: impl FnMut(Frame<'_>)) -> Result<(), Error> {
        let sequence = self.number(&mut request);
        self.send(&request)?;
        loop {
            let datagram = self.receive().map_err(failed("receive"))?;
            for frame in frames(&datagram).filter(|frame| frame.sequence == sequence) {
                each(frame);
                if let Some(code) = frame.verdict() {
                    return verdict(code);
                }
            }
        }
    }

    /// A whole table. When it changes while the kernel lists it, rows may be missing, and a missing row would be
    /// taken for one that is gone: list again. A table that never rests is taken as it is.
    pub fn list<T>(
        &mut self,
        request: &[u8],
        decode: impl Fn(Frame<'_>) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let mut rows = Vec::new();
        for _ in 0..LISTINGS {
            let mut torn = false;
            rows.clear();
            self.request(request.to_vec(), |frame| {
                torn |= frame.is_torn();
                rows.extend(decode(frame));
            })?;
            if !torn {
                break;
            }
        }
        Ok(rows)
    }

    /// Sends many requests in one datagram. The answers that come are put in their places; those that did not fit
    /// the socket stay unknown.
    pub fn together(
        &mut self,
        requests: impl IntoIterator<Item = Vec<u8>>,
        answers: &mut [Option<Result<(), Error>>],
    ) -> Result<(), Error> {
        let first = self.sequence.wrapping_add(1);
        let mut bytes = Vec::new();
        for mut request in requests {
            self.number(&mut request);
            request.resize(request.len().next_multiple_of(4), 0);
            bytes.append(&mut request);
        }
        self.send(&bytes)?;
        while answers.iter().any(Option::is_none) {
            let datagram = match self.receive() {
                Ok(datagram) => datagram,
                // More acknowledgements than there was room for.
                Err(cause) if cause.raw_os_error() == Some(libc::ENOBUFS) => return Ok(()),
                Err(cause) => return Err(failed("receive")(cause)),
            };
            for frame in frames(&datagram) {
                let at = usize::try_from(frame.sequence.wrapping_sub(first)).unwrap_or(usize::MAX);
                if let (Some(slot), Some(code)) = (answers.get_mut(at), frame.verdict()) {
                    *slot = Some(verdict(code));
                }
            }
        }
        Ok(())
    }

    fn number(&mut self, request: &mut [u8]) -> u32 {
        self.sequence = self.sequence.wrapping_add(1);
        frame::number(request, self.sequence);
        self.sequence
    }

    fn send(&self, bytes: &[u8]) -> Result<(), Error> {
        retry(|| self.socket.send(bytes, 0)).map(drop).map_err(failed("send"))
    }

    fn receive(&self) -> io::Result<Vec<u8>> {
        retry(|| self.socket.recv_from_full()).map(|(datagram, _)| datagram)
    }
}

fn failed(doing: &'static str) -> impl Fn(io::Error) -> Error {
    move |cause| Error::Socket { doing, cause }
}

/// The kernel's final word: 0, or a negative errno.
fn verdict(code: i32) -> Result<(), Error> {
    match code {
        0 => Ok(()),
        code => Err(Error::Refused(Errno::from_raw(code.saturating_neg()))),
    }
}

/// Signals must not look like failures.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
