//! Announcing what is up already: after both nodes had an address, the neighbourhood may have the other
//! node's hardware address in mind.

use std::io;
use std::net::IpAddr;
use std::thread;

use super::{BURST, PAUSE, round};
use crate::agents::netlink::Conversation;
use crate::agents::plan::Schedule;
use crate::sys::packet::PacketSocket;

/// Announces each of these addresses that is up on this machine, wherever it is, in the rounds of `schedule`.
/// Blocks for as long as they take. Says how many were announced in the last round.
pub fn again(addresses: &[IpAddr], schedule: Schedule) -> io::Result<usize> {
    let socket = PacketSocket::open()?;
    let mut told = 0;
    for left in (0..schedule.rounds).rev() {
        // Looked up each time: what has gone meanwhile must not be announced.
        let now = Conversation::open().and_then(|mut talk| talk.holdings()).map_err(io::Error::other)?;
        let places = addresses.iter().flat_map(|ip| now.serving(*ip).map(move |held| (*ip, held.index)));
        let places = places.filter_map(|(ip, index)| Some((ip, now.link_at(index)?)));
        // One link that is going must not keep the others silent.
        let tell = |(n, (ip, link)): (usize, _)| {
            if n > 0 && n.is_multiple_of(BURST) {
                thread::sleep(PAUSE);
            }
            round(&socket, link, ip).is_ok()
        };
        told = places.enumerate().map(tell).filter(|told| *told).count();
        if left > 0 {
            thread::sleep(schedule.interval);
        }
    }
    Ok(told)
}
