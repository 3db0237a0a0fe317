//! Addresses on bonds, VLANs and dummies: a guest, made by `run-in-vm`, because the kernels of containers and of many CI
//! machines have no such interfaces.
//!
//! Outside, the only thing done is to start this same program in a guest; see `tests/guest`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod guest;
#[path = "lab/skip.rs"]
mod skip;

use guest::sh;
use std::io::Read as _;
use std::process::Command;
use std::time::{Duration, Instant};

use heartbeat::agents::announce::Crew;
use heartbeat::agents::guard::{Guard, News};
use heartbeat::agents::many::{acquire, ask, release};
use heartbeat::agents::plan::Owner;
use heartbeat::agents::{Agent, ledger};
use socket2::{Domain, Protocol, Socket, Type};

const LONG: Duration = Duration::from_secs(20);
const ETH_P_ALL: u16 = 3;

/// `bond0` of two dummies, a VLAN on it, another dummy.
const SETUP: &str = "
modprobe -a dummy bonding 8021q
ip link set lo up
ip link del bond0 2>/dev/null || true
for n in 1 2 3; do ip link add nic$n type dummy; done
ip link add bond0 type bond mode active-backup miimon 100
for n in 1 2; do ip link set nic$n master bond0; ip link set nic$n up; done
ip link set bond0 up
ip link set nic3 up
ip addr add 10.9.0.1/24 brd + dev bond0
ip addr add fd09::1/64 dev bond0 nodad
ip link add link bond0 name bond0.7 type vlan id 7
ip link set bond0.7 up
ip addr add 10.9.7.1/24 brd + dev bond0.7
";

const ALL: [(Agent, &str); 6] = [
    (Agent::IPaddr2, "10.9.0.50"),
    (Agent::IPaddr, "10.9.7.51"),
    (Agent::IPaddr2, "10.9.7.52/24/bond0.7:web/10.9.7.127"),
    (Agent::IPv6addr, "fd09::50"),
    (Agent::IPv6addr, "fd09:7::50/64/bond0.7"),
    (Agent::IPaddr2, "10.8.0.5/32/nic3"),
];

#[test]
fn addresses_on_bonds_vlans_and_dummies() {
    let wants =
        guest::Wants { test: "addresses_on_bonds_vlans_and_dummies", memory: 512, limit: 120, programs: &[] };
    guest::run(&wants, inside);
}

fn inside() {
    sh(SETUP);
    let wire =
        Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(i32::from(ETH_P_ALL.to_be())))).unwrap();
    let owner = Owner { pid: 1, born: 1 };
    ledger::own(owner).unwrap();
    let news = News::open().unwrap();
    let crew = Crew::start(false).unwrap();
    let answers = acquire(&ALL, &crew);
    for ((_, word), answer) in ALL.iter().zip(&answers) {
        let start = answer.start.as_ref().unwrap_or_else(|| panic!("{word} was up"));
        assert_eq!(start.code, 0, "{word}: {start:?}");
    }
    each_is_where_it_belongs();
    announced_from_the_bond(&wire, [10, 9, 7, 51]);
    assert!(ask(&ALL).iter().all(|answer| answer.code == 0));
    let mut guard = Guard::new(owner, crew.clone());
    a_slave_may_go(&mut guard);
    a_vlan_comes_back(&mut guard, &news);
    assert!(release(&ALL, &crew).iter().all(|answer| answer.code == 0));
    assert!(ALL.iter().all(|(_, word)| line(word).is_empty()), "{}", table());
    assert!(ask(&ALL).iter().all(|answer| answer.code == 7));
}

fn each_is_where_it_belongs() {
    for (word, wanted) in [
        ("10.9.0.50", "bond0 inet 10.9.0.50/24 brd 10.9.0.255 scope global secondary bond0"),
        ("10.9.7.51", "bond0.7 inet 10.9.7.51/24 brd 10.9.7.255 scope global secondary bond0.7:0"),
        ("10.9.7.52", "bond0.7 inet 10.9.7.52/24 brd 10.9.7.127 scope global secondary bond0.7:web"),
        ("fd09::50", "bond0 inet6 fd09::50/64 scope global nodad"),
        ("fd09:7::50", "bond0.7 inet6 fd09:7::50/64 scope global nodad"),
        ("10.8.0.5", "nic3 inet 10.8.0.5/32 scope global nic3"),
    ] {
        assert_eq!(line(word), wanted, "{}", table());
    }
}

/// With the hardware address of the bond, whatever slave it leaves through.
fn announced_from_the_bond(wire: &Socket, ip: [u8; 4]) {
    let mac = std::fs::read_to_string("/sys/class/net/bond0/address").unwrap();
    let mac: Vec<u8> = mac.trim().split(':').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    wire.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let begin = Instant::now();
    loop {
        let mut frame = [0; 2048];
        let length = (&*wire).read(&mut frame).unwrap_or(0);
        // An ARP packet, with or without the tag of a VLAN before it.
        let arp = frame[..length].windows(8).position(|bytes| bytes[..7] == [8, 6, 0, 1, 8, 0, 6]);
        if arp.is_some_and(|at| frame[at + 10..at + 16] == mac[..] && frame[at + 16..at + 20] == ip) {
            return;
        }
        assert!(begin.elapsed() < LONG, "{ip:?} is not announced with {mac:?}");
    }
}

fn a_slave_may_go(guard: &mut Guard) {
    sh("ip link set nic1 down");
    assert!(look(guard).is_empty());
    each_is_where_it_belongs();
}

fn a_vlan_comes_back(guard: &mut Guard, news: &News) {
    sh("ip link del bond0.7");
    until("the kernel tells", || news.take());
    assert_eq!(look(guard).len(), 3, "its addresses are gone with it");
    assert!(line("10.9.7.51").is_empty());
    sh(
        "ip link add link bond0 name bond0.7 type vlan id 7; ip link set bond0.7 up; ip addr add 10.9.7.1/24 brd + dev bond0.7",
    );
    until("the kernel tells", || news.take());
    assert_eq!(look(guard).len(), 3);
    each_is_where_it_belongs();
}

fn look(guard: &mut Guard) -> Vec<String> {
    let mut lines = Vec::new();
    guard.look(&mut |_, text| lines.push(text.to_owned()));
    lines
}

fn table() -> String {
    let output = Command::new("ip").args(["-o", "addr", "show"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// The interface and the line of `ip` for the address that the word begins with.
fn line(word: &str) -> String {
    let ip = word.split('/').next().unwrap();
    let all = table();
    let one = all.lines().find(|line| line.contains(&format!(" {ip}/"))).unwrap_or_default();
    let words = one.split('\\').next().unwrap_or_default().split_whitespace().skip(1);
    words.collect::<Vec<_>>().join(" ")
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !so() {
        assert!(Instant::now() < end, "not within {LONG:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
