//! What keeps strangers from pushing heartbeats out of a listening socket: room for a burst, and a program of
//! the kernel's packet filter that throws away what cannot be a message before it takes up any of that room.

use super::error::Cause;
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{SockFilter, Socket};

/// Room for what comes in while this process does not get the processor. The kernel doubles it, and counts
/// about a thousand bytes for the smallest datagram.
const ROOM: usize = 1024 * 1024;

/// What a message begins with (wire-protocol.md section 1).
const STARTS: [[u8; 4]; 2] = [*b"###\n", *b">>>\n"];

/// Guards a socket that listens for messages. Where the system does not allow so much room it stays with less.
pub(super) fn guard(socket: &Socket) -> Result<(), Cause> {
    if setsockopt(socket, sockopt::RcvBufForce, &ROOM).is_err() {
        let _ = socket.set_recv_buffer_size(ROOM);
    }
    let attached = socket.attach_filter(&filter());
    attached.map_err(|error| Cause::System { doing: "SO_ATTACH_FILTER", error })
}

/// The first four bytes behind the UDP header decide. What is shorter is dropped by the kernel itself.
fn filter() -> [SockFilter; 5] {
    const WORD_AT: u16 = 0x20;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const UDP_HEADER: u32 = 8;
    let [netstring, classic] = STARTS.map(u32::from_be_bytes);
    [
        SockFilter::new(WORD_AT, 0, 0, UDP_HEADER),
        SockFilter::new(JUMP_IF_EQUAL, 1, 0, netstring),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, classic),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::net::UdpSocket;
    use std::time::Duration;

    #[test]
    fn only_what_may_be_a_message_gets_through() {
        let listener = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let socket = Socket::from(listener);
        guard(&socket).unwrap();
        let listener = UdpSocket::from(socket);
        listener.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        for noise in ["", "#", "###", "####", ">>>x", "hello, world", "\n\n\n\n"] {
            sender.send_to(noise.as_bytes(), address).unwrap();
        }
        let long = format!(">>>\n{}", "x".repeat(60_000));
        let wanted = ["###\nmessage", ">>>\n", &long];
        for message in wanted {
            sender.send_to(message.as_bytes(), address).unwrap();
        }
        let mut buffer = vec![0; 65536];
        for message in wanted {
            let length = listener.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], message.as_bytes());
        }
        listener.set_nonblocking(true).unwrap();
        assert_eq!(listener.recv(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}
