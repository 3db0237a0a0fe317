//! Laboratories with a daemon to talk to; plays are what a client does to it, see `player`.

mod hostile;
mod pair;
mod player;
mod plays;
mod raw;
mod side_by_side;
mod tools;

use crate::lab::network::{Cable, NETWORKS};
use crate::lab::{Flavour, Lab, Node, missing, until, wait_until};
use std::time::Duration;

/// Nothing in here takes longer, whatever else this machine does.
const SOON: Duration = Duration::from_secs(60);
const UP: &str = "local resource transition completed.";

/// The configuration of a node; `order` is the order of the nodes.
fn ha_cf(order: &str) -> String {
    format!(
        "logfile /var/log/ha-log
keepalive 200ms
warntime 500ms
deadtime 2
initdead 3
bcast eth0
auto_failback on
logfacility local3
apiauth tester uid=root
apiauth gidder gid=haclient
apiauth nobody uid=nobody
node {order}
"
    )
}

fn configure(node: &Node, order: &str) {
    node.configure(&ha_cf(order), "auth 1\n1 sha1 TopSecret\n", "").unwrap();
}

/// Each node for itself, and each first in its own list of nodes.
fn alone(name: &str, flavours: [Flavour; 2]) -> Lab {
    let lab = Lab::new(name, flavours).unwrap();
    for network in 0..NETWORKS {
        lab.cut(Cable { node: 1, network }).unwrap();
    }
    for (node, order) in lab.nodes().iter().zip(["b1 b2", "b2 b1"]) {
        configure(node, order);
        node.start().unwrap();
    }
    lab.nodes().iter().for_each(is_up);
    lab
}

fn is_up(node: &Node) {
    node.wait_for_log(UP, 0, SOON).unwrap();
}

/// Both are active and know it of each other. Whether resources have settled is told by no line that is sure
/// to come.
fn are_up(lab: &Lab) {
    for (node, other) in lab.nodes().iter().zip(["b2", "b1"]) {
        node.wait_for_log("Local status now set to: 'active'", 0, SOON).unwrap();
        node.wait_for_log(&format!("Status update for node {other}: status active"), 0, SOON).unwrap();
    }
}

/// Ours and the reference, each for itself; `None`, told, where the reference cannot be had.
fn beside_the_reference(name: &str) -> Option<Lab> {
    (!missing(&[Flavour::Reference])).then(|| alone(name, [Flavour::Ours, Flavour::Reference]))
}

fn until_true(what: &str, condition: impl FnMut() -> bool) {
    until(what, SOON, condition).unwrap();
}
