//! Services that do not start, do not stop, or outlive their daemon: our daemon, and the reference in the
//! same place (resources.md section 3).

#![allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]

mod lab;

use lab::{Flavour, Lab, each_flavour};
use std::time::Duration;

const VIP: &str = "10.80.0.101";
/// The start of a pair takes 10 s, the standby after a failure comes 30 s later; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(90);

const HA_CF: &str = "\
logfile /var/log/ha-log
keepalive 200ms
warntime 500ms
deadtime 2
initdead 4
bcast eth0
auto_failback off
node b1 b2
env STOPRETRYMAX=2
";

/// Starts and stops as it is told, and is what it says: `broken` never starts, `stuck` never stops.
const SERVICE: &str = r#"#!/bin/sh
name=${0##*/} op=$1
echo "$name $op" >> /var/log/service-calls
case $name:$op in
broken:start | stuck:stop) exit 1 ;;
*:start) touch "/run/$name" ;;
*:stop) rm -f "/run/$name" ;;
*:status) if [ -e "/run/$name" ]; then echo running; else echo stopped; fi ;;
esac
"#;

fn start(lab: &Lab, group: &str) {
    for node in lab.nodes() {
        let haresources = format!("b1 {VIP}/24/eth0 {group}\n");
        node.configure(HA_CF, "auth 1\n1 sha1 x\n", &haresources).unwrap();
        for name in ["broken", "stuck", "plain"] {
            node.write(&format!("/etc/ha.d/resource.d/{name}"), SERVICE, 0o755).unwrap();
        }
        node.start().unwrap();
    }
}

/// Waits for something to become true, and says what did not.
fn wait_until(what: &str, happened: impl FnMut() -> bool) {
    lab::until(what, SOON, happened).unwrap();
}

fn holds(lab: &Lab, node: usize) -> bool {
    lab.node(node).vips().contains(VIP)
}

fn calls(lab: &Lab) -> Vec<String> {
    lab.node(1).read("/var/log/service-calls").lines().map(str::to_owned).collect()
}

#[test]
fn a_start_that_fails_gives_the_group_up_and_asks_for_standby_later() {
    each_flavour("start-fails", |lab, flavour| {
        start(lab, "broken");
        let node = lab.node(1);
        node.wait_for_log("Giving up resources due to failure of broken", 0, SOON).unwrap();
        wait_until("the address is given up", || !holds(lab, 1));
        wait_until("the group was released", || calls(lab).len() == 3);
        assert_eq!(calls(lab), ["broken status", "broken start", "broken stop"], "{flavour}");
        // who is reloaded meanwhile remembers it
        node.must(&["touch", "-d", "tomorrow", "/etc/ha.d/ha.cf"]).unwrap();
        node.must(&["sh", "-c", "kill -HUP $(cat /run/heartbeat.pid)"]).unwrap();
        node.wait_for_log("Performing heartbeat restart exec.", 0, SOON).unwrap();
        node.wait_for_log("b1 wants to go standby [foreign]", 0, SOON).unwrap();
        assert!(node.daemon_runs() && !holds(lab, 1), "{flavour}");
        assert_eq!(node.reboots_asked(), "", "{flavour}");
    });
}

#[test]
fn a_stop_that_fails_ends_in_a_reboot() {
    each_flavour("stop-fails", |lab, flavour| {
        start(lab, "stuck");
        let node = lab.node(1);
        wait_until("stuck runs", || calls(lab).last().is_some_and(|c| c == "stuck start"));
        node.wait_for_log("remote resource transition completed.", 0, SOON).unwrap();
        let before = calls(lab).len();
        node.hb_standby("all").unwrap();
        wait_until("a reboot was asked for", || !node.reboots_asked().is_empty());
        assert!(node.reboots_asked().contains("-nf"), "{flavour}: {}", node.reboots_asked());
        for line in [
            "Retrying failed stop operation [stuck]",
            "Resource STOP failure. Reboot required!",
            "Killing heartbeat ungracefully!",
        ] {
            assert!(node.log().contains(line), "{flavour}: {line}");
        }
        let after: Vec<_> = calls(lab).split_off(before);
        assert_eq!(after.iter().filter(|c| *c == "stuck stop").count(), 3, "{flavour}: {after:?}");
        assert_eq!(after.last().map(String::as_str), Some("stuck status"), "{flavour}: {after:?}");
        wait_until("the daemon was killed", || !node.daemon_runs());
    });
}

#[test]
fn what_a_killed_daemon_left_is_let_go_at_the_next_start() {
    let lab = Lab::new("leftovers", [Flavour::Ours; 2]).unwrap();
    start(&lab, "plain");
    wait_until("b1 serves", || holds(&lab, 1) && calls(&lab).last().is_some_and(|c| c == "plain start"));
    lab.node(1).kill_daemon().unwrap();
    wait_until("b1 let go of the address", || !holds(&lab, 1));
    wait_until("b2 took over", || holds(&lab, 2));
    lab.node(1).start().unwrap();
    wait_until("b1 let go", || !holds(&lab, 1) && calls(&lab).last().is_some_and(|c| c == "plain stop"));
    lab.node(1).wait_for_log("remote resource transition completed.", 0, SOON).unwrap();
    assert!(holds(&lab, 2) && !holds(&lab, 1));
}
