//! Two daemons of ours hand groups over: who takes looks first. And what they tell about the gaps between
//! heartbeats. How long a hand-over takes is no matter of pass and fail: see scripts/bench.

#![allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]

mod lab;

use lab::{Flavour, Lab, Node};
use std::time::Duration;

const VIP: &str = "10.80.0.101";
/// For a busy machine.
const SOON: Duration = Duration::from_secs(60);

const HA_CF: &str = "\
logfile /var/log/ha-log
keepalive 100ms
warntime 1
deadtime 2
bcast eth0
auto_failback on
node b1 b2
";

/// Says that it runs when it was started.
const SERVICE: &str = "#!/bin/sh
case $1 in
start) touch /run/service ;;
stop) rm -f /run/service ;;
status) if [ -e /run/service ]; then echo running; else echo stopped; fi ;;
esac
";

fn until(what: &str, happened: impl Fn() -> bool) {
    lab::until(what, SOON, happened).unwrap();
}

fn holds(node: &Node) -> bool {
    node.vips().contains(VIP)
}

fn serves(node: &Node) -> bool {
    holds(node) && !node.run(&["ls", "/run/service"]).unwrap().stdout.is_empty()
}

/// Has the interface that an address of a later group is on.
const BRIDGE: &str = "#!/bin/sh
case $1 in
start) ip link add br7 type veth peer name br8 ;;
stop) ip link del br7 2>/dev/null || true ;;
status) if [ -e /sys/class/net/br7 ]; then echo running; else echo stopped; fi ;;
esac
";

/// A pair at work, the group on the first.
fn pair(name: &str) -> Lab {
    pair_with(name, "")
}

/// ... behind these groups.
fn pair_with(name: &str, groups: &str) -> Lab {
    let lab = Lab::new(name, [Flavour::Ours; 2]).unwrap();
    for node in lab.nodes() {
        let groups = format!("{groups}b1 IPaddr2::{VIP}/24/eth0 service\n");
        node.configure(HA_CF, "auth 1\n1 sha1 x\n", &groups).unwrap();
        node.write("/etc/ha.d/resource.d/service", SERVICE, 0o755).unwrap();
        node.write("/etc/ha.d/resource.d/bridge", BRIDGE, 0o755).unwrap();
        node.start().unwrap();
    }
    until("b1 serves", || serves(lab.node(1)));
    for node in lab.nodes() {
        node.wait_for_log("remote resource transition completed.", 0, SOON).unwrap();
    }
    lab
}

#[test]
fn what_the_other_node_cannot_take_stays_in_service() {
    let lab = pair("refusal");
    let (giver, taker) = (lab.node(1), lab.node(2));
    taker.must(&["mv", "/etc/ha.d/resource.d/service", "/root/service"]).unwrap();
    giver.hb_standby("local").unwrap();
    giver.wait_for_log("b2 cannot take our local resources", 0, SOON).unwrap();
    let log = taker.log();
    let told = log.lines().any(|line| {
        line.contains("ERROR: Cannot be acquired: b1 ")
            && line.ends_with("Cannot locate resource script service")
    });
    assert!(told, "{log}");
    assert!(!giver.log().contains("give up local HA resources"), "{}", giver.log());
    assert!(serves(giver) && !holds(taker));

    taker.must(&["mv", "/root/service", "/etc/ha.d/resource.d/service"]).unwrap();
    giver.hb_standby("local").unwrap();
    until("b2 serves", || serves(taker) && !holds(giver));
}

#[test]
fn what_a_script_of_an_earlier_group_brings_is_not_missed() {
    let lab = pair_with("bridge", "b1 bridge\nb1 IPaddr2::10.99.0.5/24/br7\n");
    let (giver, taker) = (lab.node(1), lab.node(2));
    let log = giver.log();
    assert!(log.contains("haresources:2:4: warning: there is no interface \"br7\""), "{log}");
    assert!(giver.must(&["ip", "addr", "show", "br7"]).unwrap().contains("10.99.0.5/24"));
    giver.hb_standby("local").unwrap();
    until("b2 serves", || serves(taker) && !holds(giver));
    assert!(taker.must(&["ip", "addr", "show", "br7"]).unwrap().contains("10.99.0.5/24"));
    assert!(!giver.log().contains("cannot take"), "{}", giver.log());
}

/// Waits until this line is there, and gives it back.
fn line_of(node: &Node, since: usize, wanted: &str) -> String {
    node.wait_for_log(wanted, since, SOON).unwrap();
    let log = node.log();
    log.get(since..).unwrap().lines().find(|line| line.contains(wanted)).unwrap().to_owned()
}

#[test]
fn gaps_between_heartbeats_are_told_when_asked_and_at_the_end() {
    let lab = pair("gaps");
    let (first, second) = (lab.node(1), lab.node(2));
    let enough = "Suggested deadtime for node b2: ";
    until("enough heartbeats were heard", || {
        let since = first.log().len();
        first.must(&["sh", "-c", "kill -USR1 $(cat /run/heartbeat.pid)"]).unwrap();
        line_of(first, since, "(in force: ").contains(enough)
    });
    for heading in ["info: Heartbeats of node b2 over eth0: ", "info: Heartbeats of node b2, over any link: "]
    {
        let line = line_of(first, 0, heading);
        assert!(line.contains(" gaps, in ms: min ") && line.ends_with(" beyond deadtime"), "{line}");
    }
    assert!(!second.log().contains("Heartbeats of node"), "nobody asked it");
    assert!(!first.log().contains("Heartbeats of node b1"), "its own are no news");

    second.stop().unwrap();
    line_of(second, 0, "Heartbeats of node b1, over any link: ");
    line_of(second, 0, "(in force: 2000 ms)");
}
