//! A socket that tokio watches for what comes in, and for nothing else: its own sockets are also woken because they
//! could be written to.
#![expect(unsafe_code, reason = "tokio takes a descriptor only from who vouches for it")]

use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::task::{Context, Poll};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The socket. It is lent, and given back, but never replaced.
#[derive(Debug)]
pub struct Listening(AsyncFd<UdpSocket>);

impl Listening {
    /// Watches a socket that does not wait. To be called within a runtime that drives I/O.
    pub fn new(socket: UdpSocket) -> io::Result<Self> {
        // SAFETY: `socket` owns its descriptor; nothing here hands it out to be replaced, and it is closed, or given
        // back, after tokio let go of it.
        Ok(Self(unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?))
    }

    /// Whether something came; if not, the task of `context` is woken when it does.
    pub fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read_ready(context).map_ok(|mut ready| ready.retain_ready())
    }

    /// Lets tokio know that nothing is there, so that it tells when something comes.
    pub fn found_empty(&self) {
        let _ = self.0.try_io(Interest::READABLE, |_| Err::<(), _>(ErrorKind::WouldBlock.into()));
    }

    /// The socket again, watched no more.
    pub fn into_socket(self) -> UdpSocket {
        self.0.into_inner()
    }
}

impl AsRawFd for Listening {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl AsFd for Listening {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
