//! An address parked on `lo` by LVS direct routing while this node does not hold it.
//!
//! `IPaddr2 start` takes `IP/32` off the loopback before it serves the address, and notes what it
//! took in `/run/resource-agents/IP`; `stop` puts it back. Note and result are the reference's.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::plan::{Addr, Link, Op, Snapshot, Wanted};
use crate::paths::RSCTMP;

/// What stands in the way of serving the address: its /32 on loopback interfaces.
pub fn conflicts(snapshot: &Snapshot, ip: IpAddr) -> Vec<(Op, &Link)> {
    let parked = |a: &&Addr| a.ip == ip && a.bits == 32;
    snapshot
        .addrs
        .iter()
        .filter(parked)
        .filter_map(|a| Some((a, snapshot.link_at(a.index).filter(|l| l.is_loopback())?)))
        .map(|(a, link)| (Op::Remove(a.clone()), link))
        .collect()
}

/// Notes that the address was on that loopback.
pub fn note(ip: IpAddr, link: &Link) -> io::Result<()> {
    fs::create_dir_all(RSCTMP)?;
    fs::write(file(ip), format!("{ip} 32 255.255.255.255 {}\n", link.name))
}

/// The note, if there is one: what to put back, and on which interface.
pub fn noted(ip: IpAddr) -> Option<(Wanted, String)> {
    parse(&fs::read_to_string(file(ip)).ok()?)
}

/// Forgets the note.
pub fn forget(ip: IpAddr) {
    let _ = fs::remove_file(file(ip));
}

fn file(ip: IpAddr) -> PathBuf {
    Path::new(RSCTMP).join(ip.to_string())
}

fn parse(note: &str) -> Option<(Wanted, String)> {
    let mut words = note.split_whitespace();
    let wanted = Wanted {
        ip: words.next()?.parse().ok()?,
        bits: words.next()?.parse().ok().filter(|b| *b <= 32)?,
        broadcast: words.next()?.parse().ok(),
        label: None,
    };
    Some((wanted, words.next()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_references_note_is_understood() {
        let (wanted, nic) = parse("10.0.0.80 32 255.255.255.255 lo\n").unwrap();
        assert_eq!((wanted.bits, nic.as_str()), (32, "lo"));
        assert_eq!(wanted.broadcast, "255.255.255.255".parse().ok());
        for bad in ["", "x 32 b lo", "10.0.0.80 99 b lo", "10.0.0.80 32 b"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
