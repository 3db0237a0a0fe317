//! When a reload comes at a bad moment.

use super::*;
use crate::lab::network::Cable;

/// All that moves has come to rest: each group has one owner, and the daemons live.
fn ends_as(pair: &Pair, what: &str, marks: &Marks, owners: [&str; 2]) {
    pair.wait(&format!("{what}: {owners:?}"), || pair.owners() == owners);
    pair.be_calm();
    assert_eq!(pair.owners(), owners, "{}: {what}", pair.name());
    for look in pair.watch.since(marks.watched) {
        let twice: Vec<_> = look[0].intersection(&look[1]).collect();
        assert!(twice.is_empty(), "{}: {what}: both held {twice:?}\n{}", pair.name(), pair.ends_of_logs());
    }
    for owner in pair.lab.nodes().iter().filter(|node| owners.contains(&node.name().as_str())) {
        assert!(owner.daemon_runs(), "{}: {what}: {}", pair.name(), owner.name());
    }
}

/// ha.cf gets another time, and the daemon a hangup.
fn hangup_for_new(pair: &Pair, node: usize) {
    pair.age("/etc/ha.d/ha.cf", node);
    pair.hangup(node);
}

fn both_at_once(pair: &Pair) {
    let marks = pair.marks();
    [1, 2].iter().for_each(|node| pair.age("/etc/ha.d/ha.cf", *node));
    [1, 2].iter().for_each(|node| pair.hangup(*node));
    for node in [1, 2] {
        pair.wait("both began anew", || pair.generation(node) > marks.generation[node - 1]);
    }
    for (node, other) in [(1, "b2"), (2, "b1")] {
        let active = format!("Status update for node {other}: status active");
        pair.node(node).wait_for_log(&active, marks.log[node - 1], SOON).unwrap();
    }
    pair.be_calm();
    pair.nothing_moved("both at once", &marks);
}

fn twice_in_a_row(pair: &Pair) {
    for node in [1, 2] {
        let marks = pair.marks();
        hangup_for_new(pair, node);
        hangup_for_new(pair, node);
        pair.reloaded(node, &marks);
        // and once more as soon as it is back
        let again = pair.marks();
        hangup_for_new(pair, node);
        pair.reloaded(node, &again);
        pair.be_calm();
        pair.nothing_moved("twice in a row", &marks);
    }
}

fn under_loss(pair: &Pair) {
    let loss = |percent| [1, 2].map(|node| pair.lab.loss(Cable { node, network: 0 }, percent).unwrap());
    loss(10);
    for node in [1, 2] {
        let marks = pair.marks();
        hangup_for_new(pair, node);
        pair.reloaded(node, &marks);
        pair.be_calm();
        pair.nothing_moved("ten of a hundred packets lost", &marks);
    }
    loss(0);
}

/// The peer is gone, and gone it is for the next life: what it had stays here.
fn peer_down(pair: &Pair) {
    let marks = pair.marks();
    pair.node(2).stop().unwrap();
    ends_as(pair, "b2 stopped", &marks, ["b1", "b1"]);
    pair.node(1).wait_for_log("node b2: is dead", marks.log[0], SOON).unwrap();
    pair.be_calm();
    let marks = pair.marks();
    hangup_for_new(pair, 1);
    let active = "Local status now set to: 'active'";
    pair.node(1).wait_for_log(active, marks.log[0], SOON).unwrap();
    pair.be_calm();
    let moved = pair.watch.since(marks.watched);
    assert!(moved.is_empty(), "{}: alone: {moved:?}\n{}", pair.name(), pair.ends_of_logs());
    let stops =
        pair.node(1).calls().into_iter().skip(marks.calls[0]).filter(|c| c.arguments.ends_with("stop"));
    assert_eq!(stops.count(), 0, "{}", pair.name());
}

fn during_standby(pair: &Pair) {
    for reloading in [1, 2] {
        let marks = pair.marks();
        pair.node(1).hb_standby("all").unwrap();
        // Who reloads before it hears of it has no part in it.
        let node = pair.node(reloading);
        node.wait_for_log("b1 wants to go standby [all]", marks.log[reloading - 1], SOON).unwrap();
        hangup_for_new(pair, reloading);
        pair.wait("it began anew", || pair.generation(reloading) > marks.generation[reloading - 1]);
        ends_as(pair, "reload during standby", &marks, ["b2", "b2"]);
        let marks = pair.marks();
        pair.node(2).hb_standby("foreign").unwrap();
        ends_as(pair, "and back", &marks, ["b1", "b2"]);
    }
}

pub(super) fn during_takeover(pair: &Pair) {
    let marks = pair.marks();
    pair.lab.crash(2).unwrap();
    pair.node(1).wait_for_log("node b2: is dead", marks.log[0], SOON).unwrap();
    hangup_for_new(pair, 1);
    pair.wait("it began anew", || pair.generation(1) > marks.generation[0]);
    ends_as(pair, "reload during takeover", &marks, ["b1", "b1"]);
}

pub(super) fn all(pair: &Pair) {
    of_both(pair);
    during_standby(pair);
    peer_down(pair);
}

/// It knows no standby.
pub(super) fn of_the_old_protocol(pair: &Pair) {
    of_both(pair);
    peer_down(pair);
}

fn of_both(pair: &Pair) {
    both_at_once(pair);
    twice_in_a_row(pair);
    under_loss(pair);
}
