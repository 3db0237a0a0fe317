//! One local connection: whole messages in and out, never waiting, never growing.

use crate::api::frame::{Reader, frame};
use crate::wire::Message;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

/// A handler's request has two short names in it.
const MAX_REQUEST: usize = 16 * 1024;

/// What a look at a connection found.
#[derive(Debug)]
pub(super) enum Came {
    /// Nothing whole yet.
    Nothing,
    /// A message.
    Message(Message),
    /// It is closed, or speaks what nobody understands.
    End,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    socket: UnixStream,
    reader: Reader,
    out: Vec<u8>,
}

impl Connection {
    /// Over a socket that does not block.
    pub(super) fn new(socket: UnixStream) -> Self {
        Self { socket, reader: Reader::new(), out: Vec::new() }
    }

    /// Reads what is there, at most one piece.
    pub(super) fn read(&mut self) -> Came {
        let mut buffer = [0; 4096];
        match self.socket.read(&mut buffer) {
            Ok(0) => return Came::End,
            Ok(n) => self.reader.feed(buffer.get(..n).unwrap_or_default()),
            Err(error) if passes(&error) => return Came::Nothing,
            Err(_) => return Came::End,
        }
        match self.reader.take() {
            Ok(Some(message)) => Came::Message(message),
            Ok(None) if self.reader.held() <= MAX_REQUEST => Came::Nothing,
            Ok(None) | Err(_) => Came::End,
        }
    }

    /// Writes a message, or as much of it as goes; an error says that the other side is gone.
    pub(super) fn write(&mut self, message: &Message) -> std::io::Result<()> {
        let bytes = frame(message).map_err(std::io::Error::other)?;
        self.out.extend(bytes);
        self.flush()
    }

    /// Goes on writing.
    pub(super) fn flush(&mut self) -> std::io::Result<()> {
        while !self.out.is_empty() {
            match self.socket.write(&self.out) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => drop(self.out.drain(..n.min(self.out.len()))),
                Err(error) if passes(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether something is left to be written.
    pub(super) fn has_more(&self) -> bool {
        !self.out.is_empty()
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn passes(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Connection, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (Connection::new(ours), theirs)
    }

    #[test]
    fn a_request_in_pieces_is_one_message() {
        let (mut connection, mut theirs) = pair();
        let bytes = frame(&Message::of("outdater").with("outdater_res", "r0")).unwrap();
        let (first, second) = bytes.split_at(11);
        theirs.write_all(first).unwrap();
        assert!(matches!(connection.read(), Came::Nothing));
        assert!(matches!(connection.read(), Came::Nothing));
        theirs.write_all(second).unwrap();
        match connection.read() {
            Came::Message(message) => assert_eq!(message.text("outdater_res"), Some("r0")),
            other => panic!("{other:?}"),
        }
        drop(theirs);
        assert!(matches!(connection.read(), Came::End));
    }

    #[test]
    fn what_is_no_request_ends_it() {
        let (mut connection, mut theirs) = pair();
        theirs.write_all(b"garbage garbage").unwrap();
        assert!(matches!(connection.read(), Came::End));
        let (mut connection, mut theirs) = pair();
        let large = frame(&Message::of("outdater").with("outdater_res", &"x".repeat(200_000))).unwrap();
        theirs.set_nonblocking(true).unwrap();
        let mut sent = 0;
        let ended = loop {
            if let Ok(n) = theirs.write(&large[sent..]) {
                sent += n;
            }
            match connection.read() {
                Came::Nothing => assert!(connection.reader.held() <= MAX_REQUEST),
                Came::End => break true,
                Came::Message(_) => break false,
            }
        };
        assert!(ended);
    }
}
