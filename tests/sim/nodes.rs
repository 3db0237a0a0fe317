//! Ping nodes, and nodes that are added, taken out and described while the cluster runs. What is told and
//! logged, and in which order, was recorded from 3.0.6 (a pair with `ping`, `deadping 3`, `keepalive 500ms`).

use crate::pair::*;
use crate::world::*;
use heartbeat::engine::Failback;
use heartbeat::wire::Message;
use std::time::Duration;

const KEPT: u8 = 0x01;

fn pinging_pair() -> World {
    let mut world = World::new(Failback::On, 1, 7);
    world.pings = true;
    world.start(0);
    world.run(ms(36));
    world.start(1);
    settle(&mut world, "0 1");
    world
}

fn reachable(world: &mut World, answers: bool) {
    for node in &mut world.nodes {
        node.pingable = answers;
    }
}

fn sees(world: &World, node: usize) -> String {
    world.engine(node).status_of(PINGED).unwrap_or("unknown").to_owned()
}

fn lines_since(world: &World, node: usize, since: Duration) -> Vec<String> {
    let lines = world.nodes[node].log.iter().filter(|(at, _, _)| *at > since);
    lines.map(|(_, level, text)| format!("{}: {text}", level.word())).collect()
}

#[test]
fn a_ping_node_falls_silent_and_answers_again_and_nothing_moves() {
    let mut world = pinging_pair();
    assert_eq!(sees(&world, 0), "ping");
    assert_eq!(world.logged(0, &format!("Status update for node {PINGED}: status ping")), 1);
    world.listen(0, KEPT);
    let (before, jobs) = (world.now, world.jobs);
    reachable(&mut world, false);
    world.run(5 * SECOND);
    assert_eq!(sees(&world, 0), "dead");
    assert_eq!(world.heard(0), [format!("status {PINGED} dead ping"), format!("ifstat {PINGED} dead")]);
    let lines = lines_since(&world, 0, before);
    let of_ours = |line: &&String| !line.contains("no heartbeat for");
    assert_eq!(
        lines.iter().filter(of_ours).collect::<Vec<_>>(),
        [&format!("WARN: node {PINGED}: is dead"), &format!("info: Link {PINGED}:{PINGED} dead.")]
    );
    world.listen(0, KEPT);
    let before = world.now;
    reachable(&mut world, true);
    world.run(SECOND);
    assert_eq!(sees(&world, 0), "ping");
    assert_eq!(
        world.heard(0),
        [
            format!("ifstat {PINGED} up"),
            format!("status {PINGED} dead ping"),
            format!("NS_st {PINGED} ping ping")
        ]
    );
    let lines = lines_since(&world, 0, before);
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!(lines[0], format!("info: Link {PINGED}:{PINGED} up."));
    assert!(lines[1].starts_with(&format!("CRIT: Late heartbeat: Node {PINGED}: interval ")), "{lines:?}");
    assert!(lines[1].ends_with("(> deadtime)"), "{lines:?}");
    assert_eq!(lines[2], format!("WARN: node {PINGED}: is dead"));
    assert_eq!(lines[3], format!("info: Status update for node {PINGED}: status ping"));
    world.run(30 * SECOND);
    assert_eq!(world.layout(), "0 1");
    assert_eq!(world.jobs - jobs, 2 * 2, "only the status hook ran, for each word of its death");
    assert!(world.nodes.iter().all(|n| n.endings.is_empty()), "{}", world.story());
    world.assert_never_double();
}

#[test]
fn a_start_waits_for_a_ping_node_until_it_is_given_up() {
    let mut world = World::new(Failback::On, 1, 7);
    world.pings = true;
    reachable(&mut world, false);
    world.start(0);
    world.start(1);
    world.run(INITDEAD - SECOND);
    assert_eq!(world.engine(0).status(), "up");
    world.run(3 * SECOND);
    assert_eq!(world.engine(0).status(), "active");
    assert_eq!(sees(&world, 0), "dead");
    settle(&mut world, "0 1");
}

/// While a node waits for a ping node it hears nothing that scripts say. What a peer's death asks of them must
/// wait too, or the groups are believed taken and run nowhere.
#[test]
fn a_peer_that_dies_while_a_ping_node_is_awaited_is_taken_over_afterwards() {
    for failback in [Failback::On, Failback::Off, Failback::Legacy] {
        let mut world = World::new(failback, 1, 7);
        world.pings = true;
        world.start(0);
        settle(&mut world, "01 -");
        world.nodes[1].pingable = false;
        world.start(1);
        world.run(SECOND);
        assert_eq!(world.engine(1).status(), "up");
        world.crash(0);
        world.run(DEADTIME + SECOND);
        assert_eq!(world.engine(1).status_of("a1"), Some("dead"));
        assert_eq!((world.engine(1).status(), world.layout().as_str()), ("up", "- -"), "{}", world.story());
        settle(&mut world, "- 01");
        assert_eq!(world.logged(1, "did not report the takeover complete"), 0, "{}", world.story());
    }
}

#[test]
fn ping_nodes_count_for_the_time_to_live() {
    for (pings, ttl) in [(false, "3"), (true, "4")] {
        let mut world = World::new(Failback::On, 1, 7);
        world.pings = pings;
        world.start(0);
        world.listen(0, KEPT);
        world.ask(0, Message::of("mytype"));
        assert_eq!(world.nodes[0].delivered[0].0.text("ttl"), Some(ttl));
    }
}

#[test]
fn nobody_passes_for_a_ping_node_and_a_ping_node_for_nobody() {
    let mut world = pinging_pair();
    reachable(&mut world, false);
    world.run(5 * SECOND);
    let echo = |src: &str, st: &str| {
        Message::of("NS_st").with("st", st).with("info", "ping").with("src", src).with("ts", "6b0237d1")
    };
    let status = |src: &str, st: &str| {
        let message = Message::of("status").with("st", st).with("src", src).with("ts", "6b0237d1");
        message.with("seq", "7fffff").with("hg", "ffffffff").with("protocol", "1").with("dt", "bb8")
    };
    for (link, message) in [
        ("eth0", echo(PINGED, "ping")),
        ("a2", echo(PINGED, "ping")),
        ("eth0", echo("a2", "ping")),
        (PINGED, echo("a2", "ping")),
        (PINGED, echo(PINGED, "active")),
        (PINGED, status(PINGED, "active")),
        (PINGED, status(PINGED, "ping")),
        ("eth0", status(PINGED, "active")),
        (PINGED, status("a2", "active")),
        (PINGED, Message::of("starting").with("src", PINGED).with("ts", "1").with("seq", "1")),
    ] {
        world.inject(0, link, message.clone());
        assert_eq!(sees(&world, 0), "dead", "{link} {message:?}");
        assert_eq!(world.engine(0).status_of("a2"), Some("active"), "{link} {message:?}");
    }
    world.inject(0, "eth0", status("a2", "ping"));
    assert_ne!(world.engine(0).status_of("a2"), Some("ping"));
    world.inject(0, PINGED, echo(PINGED, "ping"));
    assert_eq!(sees(&world, 0), "ping");
    assert_eq!(world.logged(0, "heard over their own link only"), 1, "said once in a while, not each time");
}

fn nodes(world: &World, node: usize) -> Vec<String> {
    world.engine(node).nodes().map(|n| n.name().to_owned()).collect()
}

fn ask_nodes(world: &mut World, kind: &str, names: &str) -> Vec<String> {
    let before = world.now;
    world.run(ms(1));
    world.ask(0, Message::of(kind).with("nodelist", names));
    world.run(SECOND);
    lines_since(world, 0, before)
}

#[test]
fn weight_and_site_change_on_every_node() {
    let mut world = pinging_pair();
    world.listen(0, KEPT);
    let set = |node: &str, weight: &str| Message::of("setweight").with("node", node).with("weight", weight);
    for (node, weight) in [("a2", "7"), ("a1", "abc"), ("nobody", "3"), (PINGED, "5")] {
        world.ask(0, set(node, weight));
    }
    world.ask(1, Message::of("setsite").with("node", "a2").with("site", "here"));
    world.run(SECOND);
    for node in 0..2 {
        let told: Vec<_> = world.engine(node).nodes().map(|n| (n.weight(), n.site().to_owned())).collect();
        assert_eq!(told, [(0, String::new()), (7, "here".to_owned()), (5, String::new())]);
    }
    assert!(world.heard(0).is_empty(), "{:?}", world.heard(0));
}

#[test]
fn only_dead_nodes_are_taken_out() {
    let mut world = pinging_pair();
    for alive in ["a1", "a2", PINGED] {
        let said = ask_nodes(&mut world, "delnode", alive);
        assert_eq!(said, [format!("WARN: deletion failed: node {alive} is not dead")]);
    }
    let said = ask_nodes(&mut world, "delnode", "nosuch");
    assert_eq!(
        said,
        [
            "info: Removing node [nosuch] from configuration.",
            "ERROR: hb_remove_one_node: node nosuch not found in config",
            "ERROR: Deleting node nosuch failed"
        ]
    );
    assert_eq!(nodes(&world, 1), ["a1", "a2", PINGED]);
    assert_eq!(world.nodes[0].deleted, None);
}

#[test]
fn a_ping_node_is_taken_out_only_while_every_member_lives() {
    let mut world = pinging_pair();
    reachable(&mut world, false);
    world.crash(1);
    world.run(10 * SECOND);
    let said = ask_nodes(&mut world, "delnode", PINGED);
    let refusal =
        "ERROR: HBDoMsg_T_DELNODE: deletion failed. We don't have all required nodes alive (a2 is dead)";
    assert_eq!(said, [refusal]);
    world.listen(0, KEPT);
    ask_nodes(&mut world, "delnode", &format!("{PINGED} a2"));
    assert_eq!(nodes(&world, 0), ["a1"]);
    assert_eq!(world.heard(0), [format!("delnode {PINGED}"), "delnode a2".to_owned()]);
    let lines = world.nodes[0].deleted.clone().unwrap();
    let expected = format!(
        "{PINGED}\t00000000-0000-0000-0000-000000000000\t100\t\na2\t02020202-0202-0202-0202-020202020202\t100\t\n"
    );
    assert_eq!(lines, expected);
}

#[test]
fn a_node_that_was_taken_out_is_not_heard_until_it_is_added_again() {
    let mut world = World::new(Failback::On, 1, 7);
    world.start(1);
    world.start(0);
    settle(&mut world, "0 1");
    // The first of the table goes: this node's own place in it moves.
    world.crash(0);
    settle(&mut world, "- 01");
    world.ask(1, Message::of("delnode").with("nodelist", "a1"));
    assert_eq!(nodes(&world, 1), ["a2"]);
    world.start(0);
    world.run(30 * SECOND);
    assert_eq!(world.layout(), "- 01");
    assert_eq!(world.engine(0).status(), "up", "it waits for a list of nodes");
    world.ask(1, Message::of("addnode").with("nodelist", "a1"));
    settle(&mut world, "0 1");
    world.assert_never_double();
}

#[test]
fn a_third_member_is_refused_because_both_would_take_everything_at_its_death() {
    let mut world = pinging_pair();
    for (name, why) in [
        ("a3", "hb_add_one_node: haresources serves two nodes: with node(a3) both would run everything"),
        ("a2", "hb_add_one_node: node(a2) already exists"),
        ("a1", "hb_add_one_node: node(a1) already exists"),
        (PINGED, "hb_add_one_node: node(10.0.0.254) already exists"),
    ] {
        let said = ask_nodes(&mut world, "addnode", name);
        let adding = format!("info: hb_add_one_node: Adding new node[{name}] to configuration.");
        assert_eq!(said, [adding, format!("ERROR: {why}"), format!("ERROR: Add node {name} failed")]);
    }
    world.run(30 * SECOND);
    assert_eq!(world.layout(), "0 1");
    world.assert_never_double();
}

#[test]
fn without_resources_a_node_can_be_added_and_dies_when_it_is_not_heard() {
    let mut world = World::new(Failback::On, 1, 7);
    world.manages = false;
    world.start(0);
    world.start(1);
    world.run(SETTLE);
    let said = ask_nodes(&mut world, "addnode", "a3");
    assert_eq!(said, ["info: hb_add_one_node: Adding new node[a3] to configuration."]);
    assert_eq!(world.engine(1).status_of("a3"), Some("init"));
    world.run(2 * DEADTIME);
    assert_eq!(world.engine(1).status_of("a3"), Some("dead"));
    ask_nodes(&mut world, "delnode", "a3");
    assert_eq!(nodes(&world, 1), ["a1", "a2"]);
}

/// Recorded from 3.0.6: with `deadping 4`, `deadtime 15` and the ping nodes listed last, every link is dead after
/// 4 s; with a member listed last, every link after 15 s.
#[test]
fn every_link_goes_by_the_dead_time_of_the_last_node() {
    for (last, deadping, deadtime) in [(true, 4, 15), (true, 15, 4), (false, 4, 15)] {
        let mut world = World::new(Failback::On, 1, 7);
        (world.pings, world.pings_last) = (true, last);
        (world.deadping, world.deadtime) = (deadping * SECOND, deadtime * SECOND);
        (0..2).for_each(|node| world.start(node));
        settle(&mut world, "0 1");
        let before = world.now;
        reachable(&mut world, false);
        let link = format!("Link {PINGED}:{PINGED} dead.");
        world.run_until(&link, 30 * SECOND, |w| w.logged(0, &link) == 1);
        let (took, expected) = (world.now - before, if last { deadping } else { deadtime } * SECOND);
        let near = expected - SECOND..expected + SECOND;
        assert!(near.contains(&took), "{last} {deadping} {deadtime}: {took:?}");
    }
}
