//! Who a node says it is: `uuidfrom nodename` and `hbgenmethod time`, ours beside 3.0.6 in either place.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in a test program a panic is a failure that points at its line"
)]

mod lab;

use heartbeat::wire::{Key, Keys, Method, decode};
use lab::{Flavour, Lab, logfile, missing, wait_until};
use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// Nothing in here takes longer, whatever else this machine does.
const SOON: Duration = Duration::from_secs(60);
const MARK: &str = "heard: ";
const HA_CF: &str = "\
logfile /var/log/ha-log
logfacility none
keepalive 200ms
warntime 2
deadtime 5
initdead 6
bcast eth0
auto_failback off
hbgenmethod time
uuidfrom nodename
node b1 b2
";

/// Not a test: the uuid of each node, as it goes over the network.
#[test]
#[ignore = "only as a process of a laboratory"]
fn listener() {
    let keys = Keys::new(1, [(1, Key::new(Method::Sha1, *b"TopSecret"))]).unwrap();
    let socket = UdpSocket::bind("0.0.0.0:694").unwrap();
    socket.set_read_timeout(Some(SOON)).unwrap();
    let (mut uuids, started, mut scratch) = (BTreeMap::new(), Instant::now(), [0; 4096]);
    while uuids.len() < 2 && started.elapsed() < SOON {
        let length = socket.recv(&mut scratch).unwrap();
        let message = decode(&scratch[..length], &keys).unwrap();
        let uuid: String = message.binary("srcuuid").unwrap().iter().map(|b| format!("{b:02x}")).collect();
        uuids.insert(message.text("src").unwrap().to_owned(), uuid);
    }
    uuids.iter().for_each(|(node, uuid)| println!("{MARK}{node} {uuid}"));
}

fn uuids(lab: &Lab) -> Vec<String> {
    let mut command = lab.client().command(std::env::current_exe().unwrap().to_str().unwrap());
    command.args(["--exact", "listener", "--ignored", "--nocapture", "--test-threads=1"]);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    text.lines().filter_map(|line| line.split_once(MARK)).map(|(_, told)| told.to_owned()).collect()
}

/// Generations in the order of the lives.
fn generations(log: &str) -> Vec<u64> {
    log.lines().filter_map(|line| line.split_once("Heartbeat generation: ")?.1.trim().parse().ok()).collect()
}

/// Several lives of our daemon within a second or so, each ended by kill -9.
fn lives_in_haste(lab: &Lab, ours: usize) {
    let (node, other) = (lab.node(ours), lab.node(3 - ours));
    let mark = other.log().len();
    for life in 2..5 {
        node.kill_daemon().unwrap();
        node.start().unwrap();
        let logged = || match generations(&node.log()).len() {
            lives if lives == life => Ok(()),
            lives => Err(format!("{lives} lives of {life}")),
        };
        wait_until("each life tells its generation", SOON, logged).unwrap();
    }
    let lives = generations(&node.log());
    assert!(lives.is_sorted_by(|a, b| a < b), "{lives:?}");
    let name = node.name();
    let seen = |line: &str| logfile::after(&other.log(), mark).contains(&format!("{line}{name}"));
    let active = || match logfile::after(&other.log(), mark).contains(&format!("node {name}: status active"))
    {
        true => Ok(()),
        false => Err(other.log()),
    };
    wait_until("the last life is active", SOON, active).unwrap();
    assert!(seen("Heartbeat restart on node "), "{}", other.log());
    assert!(
        !logfile::after(&other.log(), mark).contains(&format!("node {name}: is dead")),
        "{}",
        other.log()
    );
}

fn pair(flavours: [Flavour; 2]) -> Option<Vec<String>> {
    if missing(&flavours) {
        return None;
    }
    let lab = Lab::new("identity", flavours).unwrap();
    for node in lab.nodes() {
        node.configure(HA_CF, "auth 1\n1 sha1 TopSecret\n", "b1 10.80.0.101/24/eth0\n").unwrap();
        node.start().unwrap();
    }
    let uuids = uuids(&lab);
    for (node, other) in lab.nodes().iter().zip(["b2", "b1"]) {
        node.wait_for_log(&format!("Status update for node {other}: status active"), 0, SOON).unwrap();
        assert!(node.read("/var/lib/heartbeat/hb_uuid").is_empty(), "{}", node.name());
    }
    let ours = flavours.iter().position(|flavour| *flavour == Flavour::Ours).unwrap() + 1;
    lives_in_haste(&lab, ours);
    Some(uuids)
}

#[test]
fn names_make_uuids_and_generations_grow() {
    let [first, second] = std::thread::scope(|scope| {
        let pairs = [[Flavour::Ours, Flavour::Reference], [Flavour::Reference, Flavour::Ours]];
        pairs.map(|flavours| scope.spawn(move || pair(flavours))).map(|one| one.join().unwrap())
    });
    assert_eq!(first, second, "whoever computes them");
    if let Some(uuids) = first {
        assert_eq!(uuids.len(), 2, "{uuids:?}");
    }
}
