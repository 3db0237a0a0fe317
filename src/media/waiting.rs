//! What waits in a socket.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{SockaddrStorage, recvfrom};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::{BURST, BURST_BYTES};

/// A datagram counts for more than this in the kernel's books, however short it is.
const SMALLEST: usize = 512;
/// Bursts at most, however large somebody made the buffers of all sockets.
const MOST_BURSTS: usize = 256;

/// Takes the next datagram, and who sent it. The system itself is asked: what tokio knows is as old as its last
/// look, and the machine may have slept since.
pub(super) fn take(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, Option<IpAddr>)> {
    match recvfrom::<SockaddrStorage>(socket.as_raw_fd(), buffer) {
        Ok((length, from)) => Ok((length, from.and_then(|from| address(&from)))),
        Err(Errno::EAGAIN) => Err(nothing(socket)),
        Err(errno) => Err(errno.into()),
    }
}

/// Lets tokio know that nothing is there, so that it tells when something comes.
fn nothing(socket: &UdpSocket) -> io::Error {
    let _ = socket.try_io(Interest::READABLE, || Err::<(), _>(ErrorKind::WouldBlock.into()));
    ErrorKind::WouldBlock.into()
}

fn address(from: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = from.as_sockaddr_in().map(|a| a.ip().into());
    v4.or_else(|| from.as_sockaddr_in6().map(|a| a.ip().into()))
}

/// So many bursts empty a socket of all that can wait in it at one moment.
pub(super) fn bursts(socket: &UdpSocket) -> usize {
    let bytes = SockRef::from(socket).recv_buffer_size().unwrap_or_default();
    (bytes / SMALLEST / BURST + bytes / BURST_BYTES + 1).min(MOST_BURSTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (UdpSocket, std::net::UdpSocket) {
        let receive = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        receive.set_nonblocking(true).unwrap();
        let send = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        send.connect(receive.local_addr().unwrap()).unwrap();
        (UdpSocket::from_std(receive).unwrap(), send)
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
                assert!(take(&receive, &mut buffer).is_err_and(|e| e.kind() == ErrorKind::WouldBlock));
                send.send(text).unwrap();
                let (length, from) = take(&receive, &mut buffer).unwrap();
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
                tokio::time::timeout(soon, receive.readable()).await.unwrap().unwrap();
                assert!(take(&receive, &mut [0; 8]).is_ok());
                assert!(take(&receive, &mut [0; 8]).is_err());
                let nothing = std::time::Duration::from_millis(10);
                assert!(tokio::time::timeout(nothing, receive.readable()).await.is_err());
            }
        });
    }

    #[test]
    fn all_that_can_wait_is_taken_in_so_many_bursts() {
        within_a_runtime(async {
            let (receive, send) = pair();
            let most = bursts(&receive) * BURST;
            for _ in 0..2 * most {
                // What does not fit is dropped.
                let _ = send.send(b"");
            }
            let mut taken = 0;
            while take(&receive, &mut [0; 8]).is_ok() {
                taken += 1;
            }
            assert!(taken > BURST && taken <= most, "{taken} of at most {most}");
        });
    }
}
