//! ICMP echo, with 64 bytes of data.
//!
//! A raw socket hears every echo reply of the machine: ours is known by its sender, its identifier and its number.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::Outcome;

const DATA: usize = 64;
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST6: u8 = 128;
const ECHO_REPLY6: u8 = 129;

/// Each check has a number of its own.
static NEXT: AtomicU16 = AtomicU16::new(0);

pub(super) async fn ping(ip: IpAddr, attempts: u32, limit: Duration) -> Outcome {
    let identifier = NEXT.fetch_add(1, Ordering::Relaxed);
    match attempt_all(ip, identifier, attempts, limit).await {
        Ok(true) => Outcome::up("-"),
        Ok(false) => Outcome::down(""),
        Err(e) => Outcome::down(format!("cannot ping {ip}: {e}")),
    }
}

async fn attempt_all(ip: IpAddr, identifier: u16, attempts: u32, limit: Duration) -> io::Result<bool> {
    let (domain, protocol) = match ip {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
    socket.set_nonblocking(true)?;
    // Connected, it hears of this address only.
    socket.connect(&SocketAddr::new(ip, 0).into())?;
    // To the runtime a datagram socket is like another.
    let socket = UdpSocket::from_std(socket.into())?;
    for number in 0..attempts.max(1) {
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        socket.send(&request(ip.is_ipv6(), identifier, number)).await?;
        if timeout(limit, answer(&socket, ip.is_ipv6(), identifier)).await.is_ok_and(|heard| heard.is_ok()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Waits for our answer, whatever else comes.
async fn answer(socket: &UdpSocket, v6: bool, identifier: u16) -> io::Result<()> {
    let mut bytes = [0; 2048];
    loop {
        let count = socket.recv(&mut bytes).await?;
        if is_answer(bytes.get(..count).unwrap_or_default(), v6, identifier) {
            return Ok(());
        }
    }
}

/// An echo request. The kernel fills in the checksum of IPv6.
fn request(v6: bool, identifier: u16, number: u16) -> Vec<u8> {
    let kind = if v6 { ECHO_REQUEST6 } else { ECHO_REQUEST };
    let ([a, b], [c, d]) = (identifier.to_be_bytes(), number.to_be_bytes());
    let mut packet = vec![kind, 0, 0, 0, a, b, c, d];
    packet.resize(packet.len() + DATA, 0);
    if !v6 {
        let sum = checksum(&packet).to_be_bytes();
        packet.splice(2..4, sum);
    }
    packet
}

/// Whether a packet answers one of our requests. IPv4 packets come with their IP header.
fn is_answer(packet: &[u8], v6: bool, identifier: u16) -> bool {
    let header = if v6 { 0 } else { packet.first().map_or(0, |b| usize::from(b & 0x0f) * 4) };
    let reply = if v6 { ECHO_REPLY6 } else { ECHO_REPLY };
    let [a, b] = identifier.to_be_bytes();
    matches!(packet.get(header..header + 6), Some([kind, 0, _, _, x, y]) if (*kind, *x, *y) == (reply, a, b))
}

/// RFC 1071.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| match pair {
        [high, low] => u32::from(u16::from_be_bytes([*high, *low])),
        [high] => u32::from(*high) << 8,
        _ => 0,
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_our_own_request_counts() {
        let asked = request(true, 0x1234, 1);
        assert_eq!(asked.len(), 72);
        let mut answer = asked.clone();
        answer[0] = ECHO_REPLY6;
        assert!(is_answer(&answer, true, 0x1234));
        assert!(!is_answer(&answer, true, 0x1235));
        assert!(!is_answer(&asked, true, 0x1234), "our own request, looped back");
        let mut behind_options = vec![0x46; 24];
        behind_options.extend(request(false, 7, 1));
        behind_options[24] = ECHO_REPLY;
        assert!(is_answer(&behind_options, false, 7));
        for length in 0..32 {
            let _ = is_answer(&behind_options[..length], false, 7);
        }
    }

    #[test]
    fn the_checksum_of_a_whole_packet_is_zero() {
        assert_eq!(checksum(&request(false, 0xbeef, 3)), 0);
    }
}
