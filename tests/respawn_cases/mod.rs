//! What the cases share: two daemons that run the same programs, and what they logged about them.

mod dress;
mod lives;
mod stops;

use crate::lab::network::{Cable, NETWORKS};
use crate::lab::{Flavour, Lab, Node, missing, shell, wait_until};
use std::time::Duration;

/// Eleven short lives take 12 s, a stop of a lone reference waits 10 s for calm; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(120);

const HA_CF: &str = "\
logfile /var/log/ha-log
keepalive 200ms
warntime 500ms
deadtime 1
initdead 1
bcast eth0
auto_failback on
node b1 b2
";

/// Ours is node 1, the reference node 2; neither hears the other. `None`, told, where the reference cannot
/// be had.
fn beside_the_reference(name: &str) -> Option<Lab> {
    if missing(&[Flavour::Reference]) {
        return None;
    }
    let lab = Lab::new(name, [Flavour::Ours, Flavour::Reference]).unwrap();
    apart(&lab);
    Some(lab)
}

/// Neither node hears the other.
fn apart(lab: &Lab) {
    for (node, network) in (1..=2).flat_map(|node| (0..NETWORKS).map(move |network| (node, network))) {
        lab.cut(Cable { node, network }).unwrap();
    }
}

fn configure(lab: &Lab, lines: &str) {
    for node in lab.nodes() {
        node.configure(&format!("{HA_CF}{lines}"), "auth 1\n1 sha1 x\n", "").unwrap();
    }
}

/// A program of this body in /usr/local/bin of both nodes.
fn program(lab: &Lab, name: &str, body: &str) {
    for node in lab.nodes() {
        node.write(&format!("/usr/local/bin/{name}"), &format!("#!/bin/sh\n{body}\n"), 0o755).unwrap();
    }
}

/// Starts both daemons and waits until everybody has started.
fn start(lab: &Lab, programs: usize) {
    for node in lab.nodes() {
        node.start().unwrap();
    }
    each(lab, "all programs started", |node| starts(node) >= programs);
}

fn starts(node: &Node) -> usize {
    node.log().matches("info: Starting \"").count()
}

/// A stop is at once when nothing is in motion any more.
fn calm(lab: &Lab) {
    each(lab, "nothing moves", |node| {
        let log = node.log();
        ["local resource transition completed.", "Initial resource acquisition complete"]
            .iter()
            .all(|line| log.contains(line))
    });
}

/// Waits for both nodes.
fn each(lab: &Lab, what: &str, mut happened: impl FnMut(&Node) -> bool) {
    for node in lab.nodes() {
        let what = format!("{}: {what}", node.flavour());
        let condition = || if happened(node) { Ok(()) } else { Err(format!("not so:\n{}", node.log())) };
        wait_until(&what, SOON, condition).unwrap();
    }
}

/// Waits until a program, or each of several, has set its traps: it says so by a file.
fn ready(lab: &Lab, names: &[&str]) {
    let there = |node: &Node, name: &&str| node.stage().path(&format!("/run/{name}.ready")).exists();
    each(lab, "traps are set", |node| names.iter().all(|name| there(node, name)));
}

/// What the log says of programs, without times and with `N` for process ids.
fn said(node: &Node) -> Vec<String> {
    let speaks = ["/usr/local/bin/", "Rebooting system"];
    let log = node.log();
    log.lines().filter(|l| speaks.iter().any(|s| l.contains(s))).filter_map(message).collect()
}

fn message(line: &str) -> Option<String> {
    let text = line.split_once("heartbeat: [")?.1.split_once("]: ")?.1;
    let mut before = "";
    let without = |word| {
        let named = ["process", "group", "(pid"].contains(&before) && word != "group";
        before = word;
        match named {
            true if word.ends_with(')') => "N)",
            true => "N",
            false => word,
        }
    };
    Some(text.split(' ').map(without).collect::<Vec<_>>().join(" "))
}

/// Those lines that name one program.
fn about(node: &Node, name: &str) -> Vec<String> {
    let name = format!("/usr/local/bin/{name}");
    let names = |line: &String| line.split([' ', '"', ']']).any(|word| word == name);
    said(node).into_iter().filter(names).collect()
}

/// The last process of a program that just sleeps for a number of seconds, if it lives.
fn sleeper(node: &Node, seconds: u32) -> Option<u32> {
    let wanted = format!("/bin/sleep\0{seconds}\0");
    let pids = std::fs::read_dir(node.stage().path("/proc")).unwrap().flatten();
    let mut pids = pids.filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    pids.find(|pid| node.read(&format!("/proc/{pid}/cmdline")) == wanted)
}
