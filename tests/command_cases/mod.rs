//! What the cases share: a configuration, and ways to ask and compare.

mod broken;
mod init;
mod logs;
mod options;
mod setup;
mod signals;

use crate::lab::{self, Flavour, Lab, Node, missing, shell, wait_until};
use std::time::Duration;

const HEARTBEAT: &str = "/usr/libexec/heartbeat/heartbeat";
const AUTHKEYS: &str = "auth 1\n1 sha1 TopSecret\n";
const RESOURCES: &str = "b1 probe::one\nb2 probe::two\n";
/// Lines of [`HA_CF`].
const LINES: usize = 9;
const HA_CF: &str = "\
logfile /var/log/ha-log
debugfile /var/log/ha-debug
keepalive 200ms
warntime 500ms
deadtime 1
initdead 1
bcast eth0
auto_failback on
node b1 b2
";
/// Nothing in here takes longer, whatever else this machine does.
const SOON: Duration = Duration::from_secs(30);
/// The last line of a start without peer.
const ALONE: &str = "Initial resource acquisition complete (mach_down)";

/// What came of a command.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

/// A laboratory of ours and the reference; `None`, told, where the reference cannot be had.
fn beside_the_reference(name: &str) -> Option<Lab> {
    (!missing(&[Flavour::Reference])).then(|| prepared(name, [Flavour::Ours, Flavour::Reference]))
}

/// A laboratory of ours only.
fn ours(name: &str) -> Lab {
    prepared(name, [Flavour::Ours; 2])
}

fn prepared(name: &str, flavours: [Flavour; 2]) -> Lab {
    let lab = Lab::new(name, flavours).unwrap();
    for node in lab.nodes() {
        node.record_calls().unwrap();
        node.configure(HA_CF, AUTHKEYS, RESOURCES).unwrap();
    }
    lab
}

/// Nobody hears the other.
fn apart(lab: &Lab) {
    for network in 0..lab::network::NETWORKS {
        lab.cut(lab::network::Cable { node: 1, network }).unwrap();
    }
}

fn ask(node: &Node, argv: &[&str]) -> Said {
    let output = node.run(argv).unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

/// heartbeat(8) with these arguments, blanks between them.
fn heartbeat(node: &Node, arguments: &str) -> Said {
    let argv: Vec<&str> = std::iter::once(HEARTBEAT).chain(arguments.split_whitespace()).collect();
    ask(node, &argv)
}

/// The same on both nodes, at the same time.
fn at_once<T: Send>(lab: &Lab, course: fn(&Node) -> T) -> [T; 2] {
    std::thread::scope(|scope| {
        [1, 2].map(|i| scope.spawn(move || course(lab.node(i)))).map(|thread| thread.join().unwrap())
    })
}

/// Without numbers and names of nodes.
fn neutral(text: &str) -> String {
    text.replace("b1", "NODE").replace("b2", "NODE").chars().filter(|c| !c.is_ascii_digit()).collect()
}

/// The daemon's pid, from its pid file.
fn pid(node: &Node) -> u32 {
    node.read("/run/heartbeat.pid").trim().parse().unwrap()
}

/// The daemon runs alone and has everything it is to have.
fn start_alone(node: &Node) {
    let mark = node.log().len();
    node.start().unwrap();
    node.wait_for_log(ALONE, mark, SOON).unwrap();
    node.wait_for_log("mach_down takeover complete.", mark, SOON).unwrap();
    // its own come last; a configuration of a case may be without them
    let wanted = node.read("/etc/ha.d/haresources").matches("probe::").count();
    until_true("its resources", || {
        let held = node.run(&["sh", "-c", "ls /run/probe*"]).unwrap().stdout;
        String::from_utf8_lossy(&held).lines().count() == wanted
    });
}

/// Messages of a log or of stderr, without date, host and pid.
fn messages(text: &str) -> Vec<&str> {
    let message = |line| {
        let levels = ["EMERG: ", "CRIT: ", "ERROR: ", "WARN: ", "notice: ", "info: ", "debug: "];
        let line: &str = line;
        levels.iter().filter_map(|l| line.find(l)).min().and_then(|at| line.get(at..)).unwrap_or(line)
    };
    text.lines().map(message).collect()
}

/// Fails unless every wanted piece stands in the log, each on a line below the one before.
fn in_order(log: &str, wanted: &[&str]) {
    let mut lines = log.lines();
    for piece in wanted {
        assert!(lines.any(|line| line.contains(piece)), "missing or too early: {piece}\nin:\n{log}");
    }
}

fn until(what: &str, condition: impl FnMut() -> Result<(), String>) {
    wait_until(what, SOON, condition).unwrap();
}

/// As [`until`], for a condition that has nothing more to say.
fn until_true(what: &str, condition: impl FnMut() -> bool) {
    lab::until(what, SOON, condition).unwrap();
}
