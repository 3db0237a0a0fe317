//! Clients that mean no good. They cost themselves; heartbeats stay on time, memory stays bounded, others are
//! served.

use super::player::{play, tell};
use super::raw::{Raw, framed, me, message};
use super::*;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const QUIET: &str = "\
logfile /var/log/ha-log
keepalive 200ms
warntime 1500ms
deadtime 10
initdead 12
bcast eth0
bcast eth1
auto_failback on
apiauth tester uid=root
node b1 b2
";

/// Bytes of memory that all of them together may cost, in kB.
const MEMORY: u64 = 96 * 1024;

fn memory(node: &Node) -> u64 {
    let pid = node.read("/run/heartbeat.pid");
    let status = node.read(&format!("/proc/{}/status", pid.trim()));
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn they_cost_only_themselves() {
    let lab = Lab::new("hostile", [Flavour::Ours; 2]).unwrap();
    for node in lab.nodes() {
        node.configure(QUIET, "auth 1\n1 sha1 TopSecret\n", "").unwrap();
        node.start().unwrap();
    }
    are_up(&lab);
    let (node, peer) = (lab.node(1), lab.node(2));
    let (before, mark) = (memory(node), peer.log().len());
    for name in [
        "giants",
        "usurper",
        "never-reads",
        "garbage",
        "killers",
        "in-sequence",
        "at-once",
        "strangers",
        "flood",
        "too-many",
    ] {
        let told = play(node, name, &[]);
        assert_eq!(told.last().map(String::as_str), Some("others are served"), "{name}: {told:?}");
        assert!(node.daemon_runs(), "{name}");
        let grown = memory(node).saturating_sub(before);
        assert!(grown < MEMORY, "{name}: {grown} kB more");
    }
    let log = peer.log().get(mark..).unwrap_or_default().to_owned();
    let trouble = ["Late heartbeat", "dead", "shutdown notice", "lost packet"];
    let bad: Vec<_> =
        log.lines().filter(|line| trouble.iter().any(|trouble| line.contains(trouble))).collect();
    assert!(bad.is_empty(), "{bad:?}");
}

/// A client as it should be gets its answers.
fn others() {
    let mut raw = Raw::casual();
    raw.ask("reqtype=numnodes");
    let said = raw.until_reply("numnodes");
    assert!(said.iter().any(|line| line.contains("numnodes=2 result=OK")), "{said:?}");
    tell(["others are served".to_owned()]);
}

/// Asks for ever, listens to everything and reads nothing.
pub(super) fn never_reads() {
    let mut raw = Raw::casual();
    raw.stream.set_write_timeout(Some(SOON)).unwrap();
    raw.ask("reqtype=setfilter fmask=3f");
    let request = framed(format!(">>>\nt=hbapi-req\nreqtype=nodelist\npid={}\n<<<\n\0", me()).as_bytes());
    let end = Instant::now() + SOON;
    let refused = loop {
        assert!(Instant::now() < end, "it was never thrown out");
        if let Err(error) = raw.stream.write_all(&request) {
            break error.kind();
        }
    };
    // a time-out would be WouldBlock
    assert!(
        [std::io::ErrorKind::BrokenPipe, std::io::ErrorKind::ConnectionReset].contains(&refused),
        "{refused:?}"
    );
    others();
}

pub(super) fn garbage() {
    let mut random = fastrand::Rng::with_seed(3);
    for round in 0..200 {
        let mut raw = if round % 2 == 0 { Raw::connect() } else { Raw::casual() };
        let junk: Vec<u8> = (0..4096).map(|_| random.u8(..)).collect();
        match round % 4 {
            0 | 1 => raw.bytes(&junk),
            _ => raw.bytes(&framed(&junk).repeat(8)),
        }
    }
    others();
}

/// What 3.0.6 does not survive: no pid, a netstring without a type, a length beyond the limit; and a message
/// without an end, which it survives with more words.
pub(super) fn killers() {
    let mut raw = Raw::connect();
    raw.sign_on(&[("pid", ""), ("from_id", "tester")]);
    let said = raw.until_reply("signon");
    assert!(said[0].contains("info=bad pid result=badreq"), "{said:?}");
    let mut raw = Raw::casual();
    raw.bytes(&framed(b"###\n3:t=x,%%%\n\0"));
    assert!(raw.said().is_empty());
    let endless = format!(">>>\nt=hbapi-req\nreqtype=getrsc\npid={}\n\0", me());
    raw.bytes(&framed(endless.as_bytes()));
    assert!(raw.said().is_empty());
    for (length, magic) in [(262_145_u32, 0xabcd_u32), (300_000, 0xabcd), (u32::MAX, 0xabcd), (10, 0x1234)] {
        let mut raw = Raw::casual();
        raw.bytes(&[length.to_ne_bytes(), magic.to_ne_bytes()].concat());
        assert!(raw.next().is_none(), "{length} {magic:x}");
    }
    // the longest message of all, without its end: held, and nobody else waits for it
    let mut raw = Raw::casual();
    raw.bytes(&framed(&vec![b'x'; 262_144])[..200_000]);
    others();
}

pub(super) fn in_sequence() {
    for _ in 0..500 {
        let mut raw = Raw::casual();
        raw.ask("reqtype=signoff");
        assert!(raw.next().is_none());
    }
    others();
}

pub(super) fn at_once() {
    let mut all: Vec<Raw> = (0..500).map(|_| Raw::connect()).collect();
    for (number, raw) in all.iter_mut().enumerate() {
        // a name of its own that still counts as casual
        raw.sign_on(&[("from_id", &format!("{}x{number}", me()))]);
    }
    for raw in &mut all {
        let said = raw.until_reply("signon");
        assert!(said.last().unwrap().contains("result=OK"), "{said:?}");
    }
    all.iter_mut().for_each(|raw| raw.ask("reqtype=getrsc"));
    for raw in &mut all {
        let said = raw.until_reply("getrsc");
        assert!(said.last().unwrap().contains("result=OK"), "{said:?}");
    }
    others();
}

/// Connections that never sign on; each sends half a message.
pub(super) fn strangers() {
    let mut all: Vec<Raw> = (0..700).map(|_| Raw::connect()).collect();
    all.iter_mut().for_each(|raw| raw.bytes(&framed(&[b'x'; 60_000])[..30_000]));
    others();
}

/// As many messages for the cluster as can be written by one that does not read before it cannot write any
/// more; all come back, in order.
pub(super) fn flood() {
    const MESSAGES: usize = 3000;
    let mut raw = Raw::signed_on("tester");
    let mut writer = raw.stream.try_clone().unwrap();
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let sender = std::thread::spawn(move || {
        for number in 0..MESSAGES {
            let flood = message(&format!("t=flood number={number}"));
            writer.write_all(&heartbeat::api::frame::frame(&flood).unwrap()).unwrap();
            count.store(number + 1, Ordering::Relaxed);
        }
    });
    let mut before = usize::MAX;
    while std::mem::replace(&mut before, written.load(Ordering::Relaxed)) != before || before == 0 {
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(before < MESSAGES, "nothing held it back");
    let mut expected = 0;
    while expected < MESSAGES {
        let came = raw.next().unwrap();
        if came.kind() == Some("flood") {
            assert_eq!(came.decimal("number"), Some(expected as u64));
            expected += 1;
        }
    }
    sender.join().unwrap();
    others();
}

fn held(raw: &mut Raw) -> String {
    raw.ask("reqtype=getrsc");
    raw.until_reply("getrsc").pop().unwrap()
}

/// What only daemons may say: each of these would move, double or lose a service, here or at the peer.
pub(super) fn usurper() {
    let mut raw = Raw::signed_on("tester");
    let before = held(&mut raw);
    for words in [
        "t=shutdone st=dead",
        "t=status st=init dt=1",
        "t=starting",
        "t=resource rsc_hold=none rtype=full isstable=1 info=shutdown",
        "t=ask_resources rsc_hold=all info=other",
        "t=ask_resources rsc_hold=all info=done",
        "t=stonith node=b2 result=OK",
        "t=ip-request-resp dest=b1 ipaddr=x weown=yes ok=OK",
        "t=addnode nodelist=b3",
        "t=NS_ackmsg dest=b2 ackseq=ffffff",
        "t=Status st=dead",
        "t=IP-Request-Resp dest=b1 ipaddr=x weown=yes ok=OK",
        "t=Ask_Resources rsc_hold=all info=me",
    ] {
        raw.send(&message(words));
    }
    raw.send(&message("t=mytype last=yes"));
    let mut seen = Vec::new();
    while seen.last().map(String::as_str) != Some("mytype") {
        seen.push(raw.next().unwrap().kind().unwrap().to_owned());
    }
    assert_eq!(seen, ["mytype"], "something got through");
    assert_eq!(held(&mut raw), before);
    others();
}

/// Messages that fit into no datagram.
pub(super) fn giants() {
    let mut raw = Raw::signed_on("tester");
    raw.send(&message(&format!("t=giant data={}", "x".repeat(200_000))));
    raw.send(&message("t=dwarf"));
    while raw.next().unwrap().kind() != Some("dwarf") {}
    let mut raw = Raw::casual();
    raw.ask(&format!("reqtype=clientstatus node=b2 from_id={} cn={}", me(), "x".repeat(200_000)));
    others();
}

/// Clients must not have the descriptors that scripts need.
pub(super) fn too_many() {
    const FILES: usize = 300;
    const SCRIPTS: usize = 64;
    let pid = std::fs::read_to_string("/run/heartbeat.pid").unwrap().trim().to_owned();
    let limit = format!("--nofile={FILES}:{FILES}");
    let done = std::process::Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap();
    assert!(done.success());
    let all: Vec<Raw> = (0..FILES).map(|_| Raw::connect()).collect();
    others();
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    assert!(open + SCRIPTS <= FILES, "{open} of {FILES}");
    drop(all);
}
