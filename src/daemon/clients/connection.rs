//! One connection to the register socket: bytes in, bytes out, never waiting for the other side.

use crate::api::Peer;
use crate::api::frame::{FrameError, Reader};
use crate::sys::poller::Want;
use crate::wire::Message;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::Instant;

/// Messages that may wait for a client that does not read (client-api.md section 7).
const QUEUE: usize = 64;

/// What a look at the socket brought.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Bytes, or none at the moment.
    Open,
    /// Nothing will come any more.
    End,
}

pub(super) struct Connection {
    stream: UnixStream,
    reader: Reader,
    queue: VecDeque<Rc<[u8]>>,
    /// Bytes of the first one in the queue that are gone already.
    written: usize,
    queued: usize,
    limit: usize,
    pub(super) since: Instant,
    /// It stands in the line of those to be heard.
    pub(super) in_line: bool,
    /// What the poller was told to watch for; `None` when it does not watch.
    pub(super) watched: Option<Want>,
}

impl Connection {
    pub(super) fn new(stream: UnixStream) -> io::Result<(Self, Peer)> {
        stream.set_nonblocking(true)?;
        let who = getsockopt(&stream, PeerCredentials)?;
        let peer = Peer { pid: who.pid(), uid: who.uid(), gid: who.gid() };
        let connection = Self {
            stream,
            reader: Reader::new(),
            queue: VecDeque::new(),
            written: 0,
            queued: 0,
            limit: QUEUE,
            since: Instant::now(),
            in_line: false,
            watched: None,
        };
        Ok((connection, peer))
    }

    /// Reads once.
    pub(super) fn hear(&mut self, scratch: &mut [u8]) -> Heard {
        match self.stream.read(scratch) {
            Ok(0) => Heard::End,
            Ok(n) => {
                self.reader.feed(scratch.get(..n).unwrap_or_default());
                Heard::Open
            }
            Err(error) if is_for_later(&error) => Heard::Open,
            Err(_) => Heard::End,
        }
    }

    /// Whether [`Connection::take`] has something to tell.
    pub(super) fn has_message(&self) -> bool {
        self.reader.ready()
    }

    pub(super) fn take(&mut self) -> Option<Result<Message, FrameError>> {
        self.reader.take().transpose()
    }

    /// Bytes received and not yet taken.
    pub(super) fn held(&self) -> usize {
        self.reader.held()
    }

    /// Bytes that wait to be written.
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// So much waits for it that it should read before it is heard again: what it says may bring more.
    pub(super) fn is_congested(&self) -> bool {
        self.queue.len() > self.limit / 2
    }

    pub(super) fn set_limit(&mut self, messages: usize) {
        self.limit = messages;
    }

    /// Writes it, or what of it can be written now. `false` when the client must go: it cannot be written
    /// to, or more waits for it than it may.
    pub(super) fn send(&mut self, frame: Rc<[u8]>, most: usize) -> bool {
        self.queued += frame.len();
        self.queue.push_back(frame);
        self.flush() && self.queue.len() <= self.limit && self.queued <= most
    }

    /// Writes what can be written now; `false` when nothing can be written any more.
    pub(super) fn flush(&mut self) -> bool {
        while let Some(first) = self.queue.front() {
            match self.stream.write(first.get(self.written..).unwrap_or_default()) {
                Ok(n) => {
                    self.written += n;
                    self.queued -= n.min(self.queued);
                    if self.written >= first.len() {
                        self.queue.pop_front();
                        self.written = 0;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return is_for_later(&error),
            }
        }
        true
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
