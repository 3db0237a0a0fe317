//! A socket that is only listened to, and what waits in it.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::task::{Context, Poll};

use nix::errno::Errno;
use nix::sys::socket::{SockaddrStorage, recvfrom};
use socket2::SockRef;

use super::{BURST, BURST_BYTES};
use crate::sys::listening::Listening;

/// A datagram counts for more than this in the kernel's books, however short it is.
const SMALLEST: usize = 512;
/// Bursts at most, however large somebody made the buffers of all sockets.
const MOST_BURSTS: usize = 256;

/// The listening end. Nobody is woken because it could be written to.
#[derive(Debug)]
pub(super) struct Ear {
    socket: Listening,
    bursts: usize,
}

impl Ear {
    /// Must be called within a tokio runtime that drives I/O.
    pub(super) fn new(socket: UdpSocket) -> io::Result<Self> {
        let bytes = SockRef::from(&socket).recv_buffer_size().unwrap_or_default();
        let bursts = (bytes / SMALLEST / BURST + bytes / BURST_BYTES + 1).min(MOST_BURSTS);
        Ok(Self { socket: Listening::new(socket)?, bursts })
    }

    /// So many bursts empty it of all that can wait in it at one moment.
    pub(super) fn bursts(&self) -> usize {
        self.bursts
    }

    /// Whether something is there; if not, the task of `context` is woken when it comes.
    pub(super) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_readable(context)
    }

    /// Takes the next datagram, and who sent it. The system itself is asked: what tokio knows is as old as its last
    /// look, and the machine may have slept since.
    pub(super) fn take(&self, buffer: &mut [u8]) -> io::Result<(usize, Option<IpAddr>)> {
        match recvfrom::<SockaddrStorage>(self.socket.as_raw_fd(), buffer) {
            Ok((length, from)) => Ok((length, from.and_then(|from| address(&from)))),
            Err(Errno::EAGAIN) => {
                self.socket.found_empty();
                Err(ErrorKind::WouldBlock.into())
            }
            Err(errno) => Err(errno.into()),
        }
    }

    /// The socket again.
    pub(super) fn into_socket(self) -> UdpSocket {
        self.socket.into_socket()
    }
}

fn address(from: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = from.as_sockaddr_in().map(|a| a.ip().into());
    v4.or_else(|| from.as_sockaddr_in6().map(|a| a.ip().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    fn pair() -> (Ear, UdpSocket) {
        let receive = UdpSocket::bind("127.0.0.1:0").unwrap();
        receive.set_nonblocking(true).unwrap();
        let send = UdpSocket::bind("127.0.0.1:0").unwrap();
        send.connect(receive.local_addr().unwrap()).unwrap();
        (Ear::new(receive).unwrap(), send)
    }

    fn within_a_runtime<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
    }

    /// Nothing here lets tokio look: as when the machine slept between its look and ours.
    #[test]
    fn what_came_since_tokio_looked_is_there() {
        within_a_runtime(async {
            let (receive, send) = pair();
            let mut buffer = [0; 64];
            for text in [b"one", b"two"] {
                assert!(receive.take(&mut buffer).is_err_and(|e| e.kind() == ErrorKind::WouldBlock));
                send.send(text).unwrap();
                let (length, from) = receive.take(&mut buffer).unwrap();
                assert_eq!(&buffer[..length], text);
                assert_eq!(from, Some(send.local_addr().unwrap().ip()));
            }
        });
    }

    #[test]
    fn after_an_empty_look_tokio_tells_what_comes() {
        within_a_runtime(async {
            let (receive, send) = pair();
            for _ in 0..3 {
                send.send(b"x").unwrap();
                let soon = std::time::Duration::from_secs(20);
                tokio::time::timeout(soon, poll_fn(|cx| receive.poll_readable(cx))).await.unwrap().unwrap();
                assert!(receive.take(&mut [0; 8]).is_ok());
                assert!(receive.take(&mut [0; 8]).is_err());
                let nothing = std::time::Duration::from_millis(10);
                assert!(
                    tokio::time::timeout(nothing, poll_fn(|cx| receive.poll_readable(cx))).await.is_err()
                );
            }
        });
    }

    #[test]
    fn all_that_can_wait_is_taken_in_so_many_bursts() {
        within_a_runtime(async {
            let (receive, send) = pair();
            let most = receive.bursts() * BURST;
            for _ in 0..2 * most {
                // What does not fit is dropped.
                let _ = send.send(b"");
            }
            let mut taken = 0;
            while receive.take(&mut [0; 8]).is_ok() {
                taken += 1;
            }
            assert!(taken > BURST && taken <= most, "{taken} of at most {most}");
        });
    }
}
