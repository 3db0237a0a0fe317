//! Fencing with cluster-glue's `stonith`: our daemon and the reference in the same place, with the same device.
//!
//! The device is a plug-in of cluster-glue's kind `external`: a script that does as it is told and takes notes.

#![allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]

mod lab;

use lab::{Flavour, Lab, Node};
use std::path::Path;
use std::time::Duration;

const VIP: &str = "10.80.0.102";
/// The start of a pair takes 10 s; the rest is for a busy machine.
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
";

const PLUGIN: &str = "/usr/lib/stonith/plugins/external/lab";
/// Fails while there is /run/device-fails, hangs while there is /run/device-hangs, is ill while there is
/// /run/device-ill.
const DEVICE: &str = r#"#!/bin/sh
case $1 in
getconfignames) echo hostlist secret ;;
getinfo-devid) echo "Lab device" ;;
getinfo-xml) echo '<parameters><parameter name="hostlist"/><parameter name="secret"/></parameters>' ;;
getinfo-*) echo lab ;;
gethosts) echo "$hostlist" ;;
status) test ! -e /run/device-ill || exit 1 ;;
reset)
    echo "$1 $2 $hostlist/$secret" >>/var/log/device
    ps -ef >>/var/log/device-ps
    while [ -e /run/device-hangs ]; do touch /run/device-waits; sleep 0.1; done
    test ! -e /run/device-fails || exit 1 ;;
*) exit 1 ;;
esac
exit 0
"#;

/// Whether there is no cluster-glue to fence with, which it then says.
fn no_glue() -> bool {
    let none = !Path::new("/usr/sbin/stonith").exists();
    if none {
        lab::cannot("cluster-glue is not installed");
    }
    none
}

fn give_device(lab: &Lab) {
    lab.nodes().iter().for_each(|node| node.write(PLUGIN, DEVICE, 0o755).unwrap());
}

fn each_flavour(name: &str, story: impl Fn(&Lab, Flavour)) {
    if no_glue() {
        return;
    }
    lab::each_flavour(&format!("stonith-{name}"), |lab, flavour| {
        give_device(lab);
        story(lab, flavour);
    });
}

fn configure(lab: &Lab, device: &str) {
    for node in lab.nodes() {
        let haresources = format!("b1 10.80.0.101/24/eth0\nb2 {VIP}/24/eth0\n");
        node.configure(&format!("{HA_CF}{device}\n"), "auth 1\n1 sha1 x\n", &haresources).unwrap();
    }
}

fn wait_until(what: &str, happened: impl FnMut() -> bool) {
    lab::until(what, SOON, happened).unwrap();
}

/// A pair in which each serves its own.
fn start(lab: &Lab, device: &str) {
    configure(lab, device);
    for node in lab.nodes() {
        node.start().unwrap();
    }
    wait_until("b2 serves", || lab.node(2).vips().contains(VIP));
    lab.node(1).wait_for_log("Initial resource acquisition complete", 0, SOON).unwrap();
    lab.node(1).wait_for_log("remote resource transition completed.", 0, SOON).unwrap();
}

/// What the log says of fencing and of taking over, without time, process and what only one of the two says.
fn told(node: &Node) -> Vec<String> {
    let kept = ["STONITH", "Resetting", "reset", "is dead", "Resources being acquired", "not protected"];
    // The reference's own libraries, and how it counts its children.
    let dropped = ["glib:", "Managed ", "no heartbeat for", "ended with code"];
    let log = node.log();
    // A device of the kind `external` says its name with the end of the line.
    let log = log.replace("Lab device\n]", "Lab device]").replace("Lab device\n not", "Lab device not");
    let lines = log.lines().filter(|l| kept.iter().any(|k| l.contains(k)));
    let lines = lines.filter(|l| l.contains("heartbeat: [") && !dropped.iter().any(|d| l.contains(d)));
    lines.filter_map(|l| Some(l.split_once("]: ")?.1.to_owned())).collect()
}

fn refusals(node: &Node) -> Vec<String> {
    let log = node.log();
    let lines = log.lines().filter_map(|l| Some(l.split_once("]: ")?.1.to_owned()));
    lines
        .filter(|l| l.contains("tonith") || l.contains("not started"))
        .filter(|l| !l.contains("glib"))
        .collect()
}

fn resets(node: &Node) -> usize {
    node.read("/var/log/device").lines().count()
}

#[test]
fn the_null_device_is_asked_and_then_the_dead_node_s_group_is_taken() {
    each_flavour("null", |lab, flavour| {
        start(lab, "stonith_host * null b1 b2");
        lab.crash(2).unwrap();
        let node = lab.node(1);
        node.wait_for_log("mach_down takeover complete.", 0, SOON).unwrap();
        assert!(node.vips().contains(VIP), "{flavour}");
        let expected = [
            "info: Checking status of STONITH device [NULL STONITH device]",
            "WARN: node b2: is dead",
            "info: Resetting node b2 with [NULL STONITH device]",
            "info: node b2 now reset.",
            "info: Resources being acquired from b2.",
        ];
        assert_eq!(told(node), expected, "{flavour}");
    });
}

#[test]
fn nothing_is_taken_while_the_device_fails_or_hangs() {
    each_flavour("fails", |lab, flavour| {
        start(lab, "stonith_host b1 external/lab b1,b2 pass word");
        let node = lab.node(1);
        node.write("/run/device-fails", "", 0o644).unwrap();
        lab.crash(2).unwrap();
        wait_until("three resets", || resets(node) >= 3);
        node.write("/run/device-hangs", "", 0o644).unwrap();
        wait_until("one that hangs", || {
            node.run(&["test", "-e", "/run/device-waits"]).unwrap().status.success()
        });
        node.must(&["rm", "/run/device-fails"]).unwrap();
        assert!(!node.vips().contains(VIP), "{flavour}");
        assert!(!node.log().contains("Resources being acquired"), "{flavour}");
        node.must(&["rm", "/run/device-hangs"]).unwrap();
        wait_until("b1 serves both", || node.vips().contains(VIP));
        node.wait_for_log("mach_down takeover complete.", 0, SOON).unwrap();

        let told = told(node);
        let failed = [
            "info: Resetting node b2 with [Lab device]",
            "ERROR: Host b2 not reset!",
            "ERROR: STONITH of b2 failed.  Retrying...",
        ];
        let mut expected =
            vec!["info: Checking status of STONITH device [Lab device]", "WARN: node b2: is dead"];
        for _ in 1..resets(node) {
            expected.extend(failed);
        }
        expected.extend([failed[0], "info: node b2 now reset.", "info: Resources being acquired from b2."]);
        assert_eq!(told, expected, "{flavour}");
        let calls = node.read("/var/log/device");
        assert!(calls.lines().all(|call| call == "reset b2 b1,b2/pass word"), "{flavour}: {calls}");
        let processes = node.read("/var/log/device-ps");
        assert!(
            processes.contains("/usr/lib/stonith/plugins/external/lab reset b2"),
            "{flavour}: {processes}"
        );
        assert!(!processes.contains("pass word"), "{flavour}: everybody can read the password: {processes}");
    });
}

#[test]
fn a_node_alone_resets_the_other_first_and_says_when_the_device_is_ill() {
    each_flavour("alone", |lab, flavour| {
        configure(lab, "stonith external/lab /etc/ha.d/device");
        let node = lab.node(1);
        node.write("/etc/ha.d/device", "# who, and how\nb1,b2 pass word\n", 0o600).unwrap();
        node.write("/run/device-ill", "", 0o644).unwrap();
        node.start().unwrap();
        wait_until("b1 serves both", || node.vips().len() == 2);
        node.wait_for_log("info: This may mean that the STONITH device has failed!", 0, SOON).unwrap();
        let mut lines = told(node);
        // The look at the device and the reset run beside each other.
        lines.sort();
        let expected = [
            "ERROR: STONITH device Lab device not operational!",
            "ERROR: STONITH status operation failed.",
            "WARN: node b2: is dead",
            "info: Checking status of STONITH device [Lab device]",
            "info: Resetting node b2 with [Lab device]",
            "info: Resources being acquired from b2.",
            "info: This may mean that the STONITH device has failed!",
            "info: node b2 now reset.",
        ];
        assert_eq!(lines, expected, "{flavour}");
        assert_eq!(node.read("/var/log/device"), "reset b2 b1,b2/pass word\n", "{flavour}");
    });
}

#[test]
fn a_stop_does_not_wait_for_a_device_that_fails() {
    each_flavour("stop", |lab, flavour| {
        start(lab, "stonith_host * external/lab b1,b2 x");
        let node = lab.node(1);
        node.write("/run/device-fails", "", 0o644).unwrap();
        lab.crash(2).unwrap();
        node.wait_for_log("STONITH of b2 failed.  Retrying...", 0, SOON).unwrap();
        node.stop().unwrap();
        assert!(!node.daemon_runs() && node.vips().is_empty(), "{flavour}");
        assert!(!node.log().contains("Resources being acquired"), "{flavour}");
    });
}

/// The reference resets a node that is back and works, until it succeeds, and takes over from it then.
#[test]
fn our_daemon_leaves_a_node_alone_that_is_back() {
    if no_glue() {
        return;
    }
    let lab = Lab::new("stonith-back", [Flavour::Ours; 2]).unwrap();
    give_device(&lab);
    start(&lab, "stonith_host * external/lab b1,b2 x");
    let node = lab.node(1);
    node.write("/run/device-fails", "", 0o644).unwrap();
    lab.crash(2).unwrap();
    wait_until("two resets", || resets(node) >= 2);
    lab.power_on(2).unwrap();
    lab.node(2).start().unwrap();
    node.wait_for_log("node b2 is heard again: it is not reset any more.", 0, SOON).unwrap();
    wait_until("b2 serves", || lab.node(2).vips().contains(VIP));
    node.must(&["rm", "/run/device-fails"]).unwrap();
    // A new death is a new matter.
    let before = resets(node);
    lab.crash(2).unwrap();
    wait_until("b1 serves both", || node.vips().contains(VIP));
    assert_eq!(resets(node), before + 1);
}

#[test]
fn a_device_that_cannot_be_is_refused_at_the_start() {
    let cases = [
        ("stonith", "No Stonith type given"),
        ("stonith nosuch /etc/passwd", "Invalid Stonith type [nosuch]"),
        ("stonith null /nonesuch", "Invalid Stonith config file [/nonesuch]"),
        ("stonith null /dev/null", "Invalid Stonith config file [/dev/null]"),
        ("stonith_host", "No Stonith hostname argument given"),
        ("stonith_host *", "No Stonith type given"),
        ("stonith_host * nosuch x", "Invalid Stonith type [nosuch]"),
        ("stonith_host * null", "Invalid Stonith configuration parameter []"),
        ("stonith_host * apcmaster 1.2.3.4 x", "Invalid Stonith configuration parameter [ 1.2.3.4 x]"),
    ];
    each_flavour("refused", |lab, flavour| {
        let node = lab.node(1);
        for (line, said) in cases {
            configure(lab, line);
            node.write(lab::node::LOG, "", 0o644).unwrap();
            let output = node.run(&["/usr/libexec/heartbeat/heartbeat"]).unwrap();
            assert_eq!(output.status.code(), Some(6), "{flavour}: {line}\n{}", node.log());
            let lines = refusals(node);
            let said = format!("ERROR: {said}");
            let not_started = "ERROR: Heartbeat not started: configuration error.";
            let expected = [said.as_str(), not_started, "ERROR: Configuration error, heartbeat not started."];
            assert_eq!(lines.get(..3).unwrap_or(&lines), expected, "{flavour}: {line}");
        }
    });
}
