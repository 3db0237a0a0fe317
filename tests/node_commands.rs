//! Nodes that are taken out and added while the daemon runs: our daemon, and the reference in the same place.

#![allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]

mod lab;

use lab::{Flavour, Lab, Node, missing};
use std::time::Duration;

/// Joining takes 10 s; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(90);

const HA_CF: &str = "\
logfile /var/log/ha-log
keepalive 200ms
warntime 1
deadtime 3
initdead 6
bcast eth0
auto_failback on
node b1 b2
";

/// What the log says of the table of nodes, from byte `since` on: level and text.
fn said(node: &Node, since: usize) -> Vec<String> {
    let log = node.log();
    let telling = ["deletion failed", "Removing node", "hb_remove", "Deleting node", "hb_add", "Add node"];
    let lines =
        log.get(since..).unwrap_or_default().lines().filter(|l| telling.iter().any(|t| l.contains(t)));
    lines.filter_map(|line| line.split_once("]: ").map(|(_, text)| text.to_owned())).collect()
}

fn ask(node: &Node, kind: &str, names: &str) {
    let script = format!("printf '>>>\\nt={kind}\\nnodelist={names}\\n<<<\\n' > /var/lib/heartbeat/fifo");
    node.must(&["sh", "-c", &script]).unwrap();
}

/// Asks b1 and waits until both have said as much as they should.
fn asked(lab: &Lab, live: &[usize], kind: &str, names: &str, lines: usize) -> Vec<Vec<String>> {
    let marks: Vec<_> = live.iter().map(|n| (lab.node(*n), lab.node(*n).log().len())).collect();
    ask(lab.node(1), kind, names);
    let all_said = || match marks.iter().find(|(node, since)| said(node, *since).len() < lines) {
        None => Ok(()),
        Some((node, since)) => Err(format!("{}: {:?}", node.name(), said(node, *since))),
    };
    lab.wait_until(&format!("{kind} {names}"), SOON, all_said).unwrap();
    marks.iter().map(|(node, since)| said(node, *since)).collect()
}

/// The uuid is another one in each run.
fn without_uuid(lines: &str) -> String {
    let fields = |line: &str| {
        let mut fields: Vec<_> = line.split('\t').map(str::to_owned).collect();
        if let Some(uuid) = fields.get_mut(1) {
            *uuid = format!("uuid of {} characters", uuid.len());
        }
        fields.join("\t")
    };
    lines.lines().map(fields).collect::<Vec<_>>().join("\n")
}

/// Everything worth comparing, in order.
fn story(flavour: Flavour) -> Vec<Vec<String>> {
    let lab = Lab::new(&format!("node-commands-{flavour}"), [flavour; 2]).unwrap();
    for node in lab.nodes() {
        node.configure(HA_CF, "auth 1\n1 sha1 x\n", "b1 10.80.0.101/24/eth0\n").unwrap();
        node.start().unwrap();
    }
    for node in lab.nodes() {
        node.wait_for_log("remote resource transition completed", 0, SOON).unwrap();
    }
    let mut told = Vec::new();
    for alive in ["b1", "b2"] {
        told.extend(asked(&lab, &[1, 2], "delnode", alive, 1));
    }
    told.extend(asked(&lab, &[1, 2], "delnode", "nosuch", 3));
    told.extend(asked(&lab, &[1, 2], "addnode", "b2 b1", 6));
    lab.node(2).kill_daemon().unwrap();
    lab.node(1).wait_for_log("node b2: is dead", 0, SOON).unwrap();
    told.extend(asked(&lab, &[1], "delnode", "b2", 1));
    let file = || lab.node(1).read("/var/lib/heartbeat/delhostcache");
    let written = || if file().is_empty() { Err("empty".to_owned()) } else { Ok(()) };
    lab.wait_until("delhostcache is written", SOON, written).unwrap();
    told.push(vec![without_uuid(&file())]);
    let mark = lab.node(1).log().len();
    lab.node(2).start().unwrap();
    lab.node(1).wait_for_log("bad node [b2] in message", mark, SOON).unwrap();
    assert!(!lab.node(1).log().get(mark..).unwrap().contains("Status update for node b2"), "{flavour}");
    told.extend(asked(&lab, &[1], "addnode", "b2", 1));
    lab.node(1).wait_for_log("Status update for node b2: status active", mark, SOON).unwrap();
    assert!(lab.node(1).vips().contains("10.80.0.101") && lab.node(2).vips().is_empty(), "{flavour}");
    told
}

#[test]
fn nodes_are_taken_out_and_added_as_by_the_reference() {
    let ours = story(Flavour::Ours);
    if !missing(&[Flavour::Reference]) {
        assert_eq!(ours, story(Flavour::Reference));
    }
}
