//! Many addresses by the daemon's face: one conversation, the answers of each script.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use heartbeat::agents::announce::Crew;
use heartbeat::agents::many::{Acquired, Done, acquire, ask, release};
use heartbeat::agents::{Agent, ledger};

use super::guard::WITHOUT_PROMOTION;
use super::lab::{Capture, addresses, has, lab, sh};
use super::ours::arp_of;

const ARP: u16 = 0x0806;
const LONG: Duration = Duration::from_secs(10);

pub(crate) fn crew() -> Crew {
    Crew::start(false).unwrap()
}

pub(crate) fn up(resources: &[(Agent, &str)]) -> Vec<Acquired> {
    acquire(resources, &crew())
}

pub(crate) fn down(resources: &[(Agent, &str)]) -> Vec<Done> {
    release(resources, &crew())
}

pub(crate) fn said(done: &Done) -> Vec<&str> {
    done.lines.iter().map(|(_, text)| text.as_str()).collect()
}

/// The lines of `ip` about an address, from its family on.
pub(crate) fn line(ip: &str) -> String {
    let all = addresses();
    let one = all.iter().find(|l| l.contains(&format!(" {ip}/"))).cloned().unwrap_or_default();
    one.split_once("inet").map(|(_, rest)| format!("inet{rest}")).unwrap_or_default()
}

#[test]
fn each_answers_as_its_script_would() {
    lab(|| {
        let all = [
            (Agent::IPaddr, "10.0.0.50"),
            (Agent::IPaddr, "10.0.0.51/24/eth0"),
            (Agent::IPaddr2, "10.0.0.52/24/eth0:web/10.0.0.127"),
            (Agent::IPv6addr, "fd00::50"),
            (Agent::IPaddr2, "192.168.5.9"),
        ];
        let answers = up(&all);
        assert!(answers.iter().all(|a| a.status.code == 7 && a.start.as_ref().is_some_and(|s| s.code == 0)));
        assert_eq!(line("10.0.0.50"), "inet 10.0.0.50/24 brd 10.0.0.255 scope global secondary eth0:0");
        assert_eq!(line("10.0.0.51"), "inet 10.0.0.51/24 brd 10.0.0.255 scope global secondary eth0:1");
        assert_eq!(line("10.0.0.52"), "inet 10.0.0.52/24 brd 10.0.0.127 scope global secondary eth0:web");
        assert_eq!(line("192.168.5.9"), "inet 192.168.5.9/25 brd 192.168.5.127 scope global secondary eth1");
        // No word of "tentative": usable at once.
        assert_eq!(line("fd00::50"), "inet6 fd00::50/64 scope global nodad");
        let web = answers[2].start.as_ref().unwrap();
        assert_eq!(web.output, b"INFO:  Success\n");
        assert_eq!(
            said(web),
            [
                "Adding inet address 10.0.0.52/24 with broadcast address 10.0.0.127 to device eth0 (with label eth0:web)",
                "Bringing device eth0 up",
                " Success"
            ]
        );
        let again = up(&all);
        assert!(again.iter().all(|a| a.status.code == 0 && a.start.is_none()), "they are up");
        assert!(ask(&all).iter().all(|a| a.output == b"INFO:  Running OK\n"));
        assert_eq!(ledger::read().unwrap().entries.len(), all.len());
        assert!(down(&all).iter().all(|a| a.code == 0));
        assert!(all.iter().all(|(_, word)| !has(word.split('/').next().unwrap())));
        assert!(ledger::read().unwrap().entries.is_empty());
    });
}

/// All packets of IPaddr2 for an address on eth0.
pub(crate) fn announced_in_full(wire: &Capture, ip: [u8; 4]) {
    for n in 0..10 {
        loop {
            let frame = wire.next(LONG).unwrap_or_else(|| panic!("{n} packets, and no more"));
            if frame.get(6..12) == Some(&[2, 0, 0, 0, 0, 1]) && arp_of(&frame, ip).is_some() {
                break;
            }
        }
    }
}

#[test]
fn what_becomes_of_an_address_on_one_interface_is_nothing_to_the_other() {
    lab(|| {
        let (wire, crew) = (Capture::open(ARP), crew());
        let [one, other] = ["10.0.0.50/24/eth0", "10.0.0.50/24/eth1"].map(|word| [(Agent::IPaddr2, word)]);
        acquire(&one, &crew);
        acquire(&other, &crew);
        release(&other, &crew);
        announced_in_full(&wire, [10, 0, 0, 50]);
    });
}

/// No own address of the node is in their networks: the first of each says where the others go.
#[test]
fn an_address_leads_the_way_for_those_behind_it() {
    lab(|| {
        sh("ip addr add 172.16.1.1/24 brd + dev down0");
        let all = [
            (Agent::IPaddr2, "10.9.0.5/24/eth0/10.9.0.255"),
            (Agent::IPaddr2, "10.9.0.6/24/eth0"),
            (Agent::IPaddr2, "10.9.0.7"),
            (Agent::IPaddr, "10.8.0.5/24/eth0"),
            (Agent::IPaddr, "10.8.0.6"),
            (Agent::IPv6addr, "fd09::50/64/eth0"),
            (Agent::IPv6addr, "fd09::51"),
            (Agent::IPaddr2, "172.16.1.5/24/down0"),
            (Agent::IPaddr2, "172.16.1.6"),
        ];
        let answers = up(&all);
        assert!(answers.iter().all(|a| a.start.as_ref().is_some_and(|s| s.code == 0)), "{answers:?}");
        assert_eq!(line("10.9.0.7"), "inet 10.9.0.7/24 brd 10.9.0.255 scope global secondary eth0");
        assert_eq!(line("10.8.0.6"), "inet 10.8.0.6/24 brd 10.8.0.255 scope global secondary eth0:1");
        assert_eq!(line("fd09::51"), "inet6 fd09::51/64 scope global nodad");
        assert_eq!(line("172.16.1.6"), "inet 172.16.1.6/24 brd 172.16.1.255 scope global secondary down0");
        assert!(down(&all).iter().all(|a| a.code == 0));
        assert!(all.iter().all(|(_, word)| !has(word.split('/').next().unwrap())));
    });
}

#[test]
fn a_failure_belongs_to_one() {
    lab(|| {
        let all = [
            (Agent::IPaddr2, "10.0.0.50/24/eth0"),
            (Agent::IPaddr2, "10.0.0.51/24/nosuch0"),
            // The kernel takes no such label; only it knows.
            (Agent::IPaddr2, "10.0.0.52/24/eth0:a/bad"),
            (Agent::IPv6addr, "fd00::/64/lo/more"),
            (Agent::IPaddr2, "10.0.0.53/24/eth0"),
        ];
        let answers = up(&all);
        let codes: Vec<_> = answers.iter().map(|a| a.start.as_ref().map(|s| s.code)).collect();
        assert_eq!(codes[..3], [Some(0), Some(6), Some(6)]);
        assert_eq!(codes[4], Some(0));
        let why = said(answers[1].start.as_ref().unwrap()).join("\n");
        assert!(why.contains("Invalid interface name [nosuch0]"), "{why}");
        assert!(has("10.0.0.50") && has("10.0.0.53") && !has("10.0.0.51") && !has("10.0.0.52"));
    });
}

#[test]
fn what_the_kernel_refuses_is_not_written_down() {
    lab(|| {
        sh("echo 1 >/proc/sys/net/ipv6/conf/eth1/disable_ipv6");
        let all = [(Agent::IPv6addr, "fd00::51/64/eth1"), (Agent::IPaddr2, "10.0.0.50/24/eth0")];
        let answers = up(&all);
        let refused = answers[0].start.as_ref().unwrap();
        assert_eq!(refused.code, 1);
        assert!(said(refused)[1].starts_with("Failed to add fd00::51: cannot add"), "{:?}", said(refused));
        let listed: Vec<_> =
            ledger::read().unwrap().entries.iter().map(|e| e.wanted.ip.to_string()).collect();
        assert_eq!(listed, ["10.0.0.50"]);
    });
}

/// A primary goes whose secondaries somebody else needs.
fn secondaries_survive(promotion: &'static str) {
    lab(move || {
        sh(promotion);
        let all = [(Agent::IPaddr2, "172.16.0.1/24/eth1"), (Agent::IPaddr2, "172.16.0.2/24/eth1")];
        assert!(up(&all).iter().all(|a| a.start.as_ref().is_some_and(|s| s.code == 0)));
        sh("ip addr add 172.16.0.9/24 brd + dev eth1; ip addr add 172.16.0.8/24 brd + dev eth1 label eth1:x");
        assert!(line("172.16.0.9").contains("secondary"));
        assert!(down(&all).iter().all(|a| a.code == 0));
        assert!(!has("172.16.0.1") && !has("172.16.0.2"));
        assert_eq!(line("172.16.0.9"), "inet 172.16.0.9/24 brd 172.16.0.255 scope global eth1");
        assert_eq!(line("172.16.0.8"), "inet 172.16.0.8/24 brd 172.16.0.255 scope global secondary eth1:x");
    });
}

#[test]
fn secondaries_survive_their_primary() {
    secondaries_survive("echo 0 >/proc/sys/net/ipv4/conf/eth1/promote_secondaries");
    secondaries_survive(WITHOUT_PROMOTION);
}

#[test]
fn promoted_secondaries_are_left_alone() {
    secondaries_survive("echo 1 >/proc/sys/net/ipv4/conf/eth1/promote_secondaries");
}

#[test]
fn the_first_packet_of_each_comes_before_the_second_of_any() {
    const MANY: usize = 120;
    lab(|| {
        let words: Vec<String> = (1..=MANY).map(|n| format!("10.0.0.{}/24/eth0", n + 100)).collect();
        let all: Vec<(Agent, &str)> = words.iter().map(|word| (Agent::IPaddr2, word.as_str())).collect();
        let wire = Capture::open(ARP);
        let crew = crew();
        assert!(acquire(&all, &crew).iter().all(|a| a.start.as_ref().is_some_and(|s| s.code == 0)));
        let next = || -> (u8, u8) {
            loop {
                let frame = wire.next(LONG).expect("frames");
                if frame.get(28..31) == Some(&[10, 0, 0]) && frame[28..32] == frame[38..42] {
                    return (frame[21], frame[31]);
                }
            }
        };
        let first: BTreeSet<(u8, u8)> = (0..MANY).map(|_| next()).collect();
        let wanted = |form: u8| (1..=MANY).map(|n| (form, u8::try_from(n + 100).unwrap())).collect();
        assert_eq!(first, wanted(1), "a request for each");
        let second: BTreeSet<(u8, u8)> = (0..MANY).map(|_| next()).collect();
        assert_eq!(second, wanted(2), "then a reply for each");
        let third: BTreeSet<(u8, u8)> = (0..2 * MANY).map(|_| next()).collect();
        assert_eq!(third.len(), 2 * MANY, "and both once more");
        // None follows the removal.
        assert!(release(&all, &crew).iter().all(|a| a.code == 0));
        let begin = Instant::now();
        while wire.next(Duration::from_millis(1)).is_some() {
            assert!(begin.elapsed() < LONG);
        }
        assert_eq!(wire.next(Duration::from_millis(700)), None, "silence");
    });
}

#[test]
fn a_thousand_at_once() {
    const MANY: usize = 1000;
    lab(|| {
        sh("ip addr add 10.1.0.1/16 dev eth1");
        let words: Vec<String> =
            (0..MANY).map(|n| format!("10.1.{}.{}/16/eth1", 1 + n / 200, 1 + n % 200)).collect();
        let all: Vec<(Agent, &str)> = words.iter().map(|word| (Agent::IPaddr2, word.as_str())).collect();
        let crew = crew();
        let begin = Instant::now();
        let answers = acquire(&all, &crew);
        println!("{MANY} addresses: up in {:?}", begin.elapsed());
        assert!(answers.iter().all(|a| a.start.as_ref().is_some_and(|s| s.code == 0)));
        assert_eq!(addresses().iter().filter(|l| l.contains("inet 10.1.")).count(), MANY + 1);
        let begin = Instant::now();
        assert!(release(&all, &crew).iter().all(|a| a.code == 0));
        println!("{MANY} addresses: down in {:?}", begin.elapsed());
        assert_eq!(addresses().iter().filter(|l| l.contains("inet 10.1.")).count(), 1);
    });
}
