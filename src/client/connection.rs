//! The stream socket: whole messages in and out, each wait up to a deadline. What they mean is decided
//! elsewhere.

use super::ClientError;
use crate::api::frame::{self, FrameError};
use crate::wire::Message;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// A connection to the daemon.
#[derive(Debug)]
pub(super) struct Connection {
    socket: UnixStream,
    reader: frame::Reader,
}

impl Connection {
    /// Connects.
    pub(super) fn open(path: &Path, until: Option<Instant>) -> Result<Self, ClientError> {
        let socket = connect(path, until).map_err(ClientError::NoDaemon)?;
        Ok(Self { socket, reader: frame::Reader::new() })
    }

    pub(super) fn write(&mut self, message: &Message, until: Option<Instant>) -> Result<(), ClientError> {
        let bytes = frame::frame(message)?;
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            match self.socket.write(rest) {
                Ok(0) => return Err(ClientError::Closed),
                Ok(n) => rest = rest.get(n..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !self.ready(PollFlags::POLLOUT, until)? {
                        return Err(ClientError::TimedOut);
                    }
                }
                Err(error) => return Err(broken(error)),
            }
        }
        Ok(())
    }

    /// The next message; `None` when none came in time.
    pub(super) fn read(&mut self, until: Option<Instant>) -> Result<Option<Message>, ClientError> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.reader.take() {
                Ok(Some(message)) => return Ok(Some(message)),
                // relayed from a stranger: nobody can read it, and the next one can be found
                Err(FrameError::Body(_)) => continue,
                Err(lost) => return Err(ClientError::Malformed(lost.to_string())),
                Ok(None) => {}
            }
            match self.socket.read(&mut buffer) {
                Ok(0) => return Err(ClientError::Closed),
                Ok(n) => self.reader.feed(buffer.get(..n).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if !self.ready(PollFlags::POLLIN, until)? {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(broken(error)),
            }
        }
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Whether the socket is ready before the time is up. A signal does not end the wait.
    fn ready(&self, how: PollFlags, until: Option<Instant>) -> Result<bool, ClientError> {
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            let mut fds = [PollFd::new(self.socket.as_fd(), how)];
            match poll(&mut fds, left.map_or(PollTimeout::NONE, timeout)) {
                Ok(0) if left.is_none_or(|left| !left.is_zero()) => {}
                Ok(0) => return Ok(false),
                Ok(_) => return Ok(true),
                Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => return Err(ClientError::Broken(errno.into())),
            }
        }
    }
}

/// A listener whose queue is full lets us wait, for as long as a write may take.
fn connect(path: &Path, until: Option<Instant>) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    if let Some(until) = until {
        let left = until.saturating_duration_since(Instant::now());
        socket.set_write_timeout(Some(left.max(Duration::from_millis(1))))?;
    }
    socket.connect(&SockAddr::unix(path)?)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Rounded up, lest the last millisecond be spent spinning.
fn timeout(left: Duration) -> PollTimeout {
    let milliseconds = left.as_nanos().div_ceil(1_000_000);
    PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
}

/// A daemon that goes away while we speak has closed the connection, however the kernel words it.
fn broken(error: io::Error) -> ClientError {
    match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => ClientError::Closed,
        _ => ClientError::Broken(error),
    }
}
