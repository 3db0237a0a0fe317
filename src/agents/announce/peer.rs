//! Announcing for the node that has an address, which does not do so itself: a C daemon that kept what both
//! had. Its neighbours may go on sending to us, who have let go.
//!
//! The owner's hardware address comes from the kernel, which asks for it when something is sent there. What is
//! broadcast carries it inside the ARP packet only: switches learn nothing wrong. IPv4 only.

use std::io;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use super::ETH_P_ARP;
use crate::agents::netlink::Conversation;
use crate::agents::plan::packet::{self, Arp, BROADCAST, Mac};
use crate::agents::plan::{Schedule, Snapshot};
use crate::sys::packet::PacketSocket;

/// The kernel's table of neighbours.
const NEIGHBOURS: &str = "/proc/net/arp";
/// An entry of it that is complete.
const COMPLETE: u32 = 2;
/// How long owners are given to answer.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(20);
/// The discard service: nobody minds.
const DISCARD: u16 = 9;

/// An address of another machine.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Neighbour {
    ip: Ipv4Addr,
    mac: Mac,
    nic: String,
}

/// Announces each of these addresses for the neighbour that has it. Blocks for as long as that takes. Says for
/// how many somebody answered.
pub fn for_the_owner(addresses: &[IpAddr], schedule: Schedule) -> io::Result<usize> {
    let wanted: Vec<Ipv4Addr> = addresses.iter().filter_map(v4).collect();
    let owners = find(&wanted)?;
    let socket = PacketSocket::open()?;
    for left in (0..schedule.rounds).rev() {
        let now = Conversation::open().and_then(|mut talk| talk.holdings()).map_err(io::Error::other)?;
        owners.iter().for_each(|owner| tell(&socket, &now, owner));
        if left > 0 {
            thread::sleep(schedule.interval);
        }
    }
    Ok(owners.len())
}

fn v4(ip: &IpAddr) -> Option<Ipv4Addr> {
    match ip {
        IpAddr::V4(ip) => Some(*ip),
        IpAddr::V6(_) => None,
    }
}

/// One round, unless the address has come back here.
fn tell(socket: &PacketSocket, now: &Snapshot, owner: &Neighbour) {
    let Some(link) = now.link(&owner.nic).filter(|_| now.holders(owner.ip.into()).next().is_none()) else {
        return;
    };
    for form in [Arp::Request, Arp::Reply] {
        // Best effort, as everywhere.
        let _ = socket.send(link.index, ETH_P_ARP, BROADCAST, &packet::arp(form, owner.mac, owner.ip));
    }
}

/// Has the kernel look for the owners.
fn find(wanted: &[Ipv4Addr]) -> io::Result<Vec<Neighbour>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_nonblocking(true)?;
    for ip in wanted {
        // Whoever is not there does not answer.
        let _ = socket.send_to(&[0], (*ip, DISCARD));
    }
    let until = Instant::now() + PATIENCE;
    loop {
        let known = neighbours(&std::fs::read_to_string(NEIGHBOURS)?);
        let found: Vec<_> = known.into_iter().filter(|n| wanted.contains(&n.ip)).collect();
        if found.len() >= wanted.len() || Instant::now() >= until {
            return Ok(found);
        }
        thread::sleep(LOOK);
    }
}

/// The complete entries of the kernel's table.
fn neighbours(table: &str) -> Vec<Neighbour> {
    table.lines().skip(1).filter_map(neighbour).collect()
}

/// `IP address  HW type  Flags  HW address  Mask  Device`
fn neighbour(line: &str) -> Option<Neighbour> {
    let mut words = line.split_whitespace();
    let ip = words.next()?.parse().ok()?;
    let flags = u32::from_str_radix(words.nth(1)?.trim_start_matches("0x"), 16).ok()?;
    let mac = hardware_address(words.next()?)?;
    let nic = words.nth(1)?.to_owned();
    (flags & COMPLETE != 0).then_some(Neighbour { ip, mac, nic })
}

fn hardware_address(text: &str) -> Option<Mac> {
    let bytes: Option<Vec<u8>> = text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    bytes?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_the_kernel_is_understood() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
                     10.80.0.102      0x1         0x2         52:54:00:a0:0b:0c     *        eth0\n\
                     10.80.0.103      0x1         0x0         00:00:00:00:00:00     *        eth0\n\
                     nonsense\n";
        let mac = [0x52, 0x54, 0, 0xa0, 0x0b, 0x0c];
        let one = Neighbour { ip: Ipv4Addr::new(10, 80, 0, 102), mac, nic: "eth0".to_owned() };
        assert_eq!(neighbours(table), [one]);
    }
}
