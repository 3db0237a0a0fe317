//! A stranger on the network, without the key: hundreds of thousands of datagrams against a pair that is to go
//! on as if nothing were. Noise, real traffic of this very run bent, cut and said again, floods, lengths that
//! lie. The stranger is this program, started once more in the place of the laboratory's client.
//!
//! `HOSTILE_SECONDS` makes the flood longer, for people. What a real 3.0.6 does in our place shows
//! `cargo test --test hostile -- --ignored --nocapture`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in a test program a panic is a failure that points at its line"
)]

#[path = "hostile/attacker.rs"]
mod attacker;
#[path = "hostile/bytes.rs"]
mod bytes;
mod lab;
#[path = "hostile/watch.rs"]
mod watch;

use attacker::Attacker;
use bytes::Kind;
use lab::{Flavour, Lab, missing};
use std::time::{Duration, Instant};
use watch::Watch;

/// The start of a pair takes 10 s; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(90);
/// Of each kind of datagram that is small.
const MANY: usize = 40_000;

const HA_CF: &str = "\
logfile /var/log/ha-log
logfacility none
keepalive 200ms
warntime 1000ms
deadtime 2000ms
initdead 4000ms
bcast eth0
auto_failback on
node b1 b2
";
const HARESOURCES: &str = "b1 IPaddr2::10.80.0.101/24/eth0\nb2 IPaddr2::10.80.0.102/24/eth0\n";
const OWN: [&str; 2] = ["10.80.0.101", "10.80.0.102"];

#[test]
fn two_of_ours_go_on_under_fire() {
    if attacker::is_this() {
        return attacker::obey();
    }
    story([Flavour::Ours; 2], "10.80.0.255");
}

#[test]
fn one_of_ours_goes_on_under_fire_beside_a_c_daemon() {
    if attacker::is_this() {
        return attacker::obey();
    }
    if missing(&[Flavour::Reference]) {
        return;
    }
    // The C daemon hears nothing of it: it would die.
    story([Flavour::Ours, Flavour::Reference], "10.80.0.1");
}

/// What is fired at `target`; node 1 is always under fire.
fn story(flavours: [Flavour; 2], target: &str) {
    let lab = Lab::new("hostile", flavours).unwrap();
    let test = std::thread::current().name().unwrap().to_owned();
    for node in lab.nodes() {
        node.configure(HA_CF, "auth 1\n1 sha1 Nobody-Knows-This\n", HARESOURCES).unwrap();
        node.start().unwrap();
    }
    settled(&lab, ["01", "02"]);
    let mut attacker = Attacker::start(&lab, &test, target);

    // An earlier life of node 2 is on the tape, and one of node 1.
    attacker.record(Duration::from_secs(2));
    for node in [2, 1] {
        lab.node(node).stop().unwrap();
        lab.node(node).start().unwrap();
        settled(&lab, ["01", "02"]);
        attacker.record(Duration::from_secs(2));
    }

    // Node 1 is ours, and began anew with the memory of how far its peer had come.
    let marks = lab.node(1).read("/var/lib/heartbeat/hb_peers");
    assert!(marks.starts_with("b2 ") && marks.split_whitespace().count() == 4, "{marks:?}");

    let watch = Watch::begin(&lab, flavours);
    for kind in Kind::ALL {
        let sent = attacker.fire(kind, kind.share(MANY));
        println!("{kind:?}: {sent} datagrams");
        watch.unmoved(&lab, &format!("{kind:?}"));
        attacker.record(Duration::from_millis(300));
    }
    watch.bounded(&lab);
    in_a_flood_a_group_changes_hands(&lab, &mut attacker);
    let sent = attacker.flood(flood_time()).wait();
    println!("flood: {sent} datagrams in {:?}", flood_time());
    watch.unmoved(&lab, "flood");
    watch.bounded(&lab);

    // What the dead one said is said again, and what it said in an earlier life, as long as it takes: whoever believed
    // it would never take over.
    let flood = attacker.endless_flood();
    lab.crash(2).unwrap();
    let crashed = Instant::now();
    lab.wait_until("node 1 takes over", SOON, || holds(&lab, 1, &OWN)).unwrap();
    println!("taken over after {:?}", crashed.elapsed());
    flood.end();
    holds(&lab, 1, &OWN).unwrap();
    assert_eq!(watch::status_of(&lab, 1, "b2"), "dead");
    watch.same_process(&lab, 1, "at the end");
    watch.bounded_on(&lab, 1);

    // A daemon that starts knows nothing yet, and hears all this first.
    lab.power_on(2).unwrap();
    let flood = attacker.endless_flood();
    lab.node(2).start().unwrap();
    settled(&lab, ["01", "02"]);
    flood.end();
    settled(&lab, ["01", "02"]);
}

/// For the record, by hand: what all this is about.
#[test]
#[ignore = "shows what a real 3.0.6 does; nothing of ours is tested"]
fn a_c_daemon_under_fire() {
    if attacker::is_this() {
        return attacker::obey();
    }
    let lab = Lab::new("hostile-reference", [Flavour::Reference, Flavour::Ours]).unwrap();
    for node in lab.nodes() {
        node.configure(HA_CF, "auth 1\n1 sha1 Nobody-Knows-This\n", HARESOURCES).unwrap();
        node.start().unwrap();
    }
    settled(&lab, ["01", "02"]);
    let mut attacker = Attacker::start(&lab, "a_c_daemon_under_fire", "10.80.0.1");
    attacker.record(Duration::from_secs(5));
    let begun = Instant::now();
    while lab.node(1).daemon_runs() && begun.elapsed() < Duration::from_secs(90) {
        let sent = attacker.flood(Duration::from_millis(500)).wait();
        println!("{:?}: {sent} datagrams, {} bytes of log", begun.elapsed(), lab.node(1).log().len());
    }
    println!("runs: {}; it holds {:?}", lab.node(1).daemon_runs(), lab.node(1).vips());
}

/// An operator's wish is done while the flood goes on.
fn in_a_flood_a_group_changes_hands(lab: &Lab, attacker: &mut Attacker) {
    let flood = attacker.endless_flood();
    lab.node(2).hb_standby("all").unwrap();
    lab.wait_until("standby in a flood", SOON, || holds(lab, 1, &OWN)).unwrap();
    println!("handed over in a flood");
    flood.end();
    lab.node(2).hb_takeover("local").unwrap();
    settled(lab, ["01", "02"]);
}

fn flood_time() -> Duration {
    let seconds = std::env::var("HOSTILE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(6))
}

/// Each node holds its own group, and has told the other so.
fn settled(lab: &Lab, addresses: [&str; 2]) {
    for (node, last) in (1..).zip(addresses) {
        let wanted = format!("10.80.0.1{last}");
        lab.wait_until(&format!("node {node} holds {wanted}"), SOON, || holds(lab, node, &[&wanted]))
            .unwrap();
    }
    for node in [1, 2] {
        lab.wait_until("both are at rest", SOON, || match watch::holdings(lab, node).as_str() {
            "local" => Ok(()),
            other => Err(other.to_owned()),
        })
        .unwrap();
    }
}

/// Whether the node holds just these addresses.
fn holds(lab: &Lab, node: usize, wanted: &[&str]) -> Result<(), String> {
    let vips = lab.node(node).vips();
    match vips.iter().map(String::as_str).eq(wanted.iter().copied()) {
        true => Ok(()),
        false => Err(format!("node {node} holds {vips:?}")),
    }
}
