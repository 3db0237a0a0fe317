//! What API clients hear, and when they wait. Orders and kinds were recorded from 3.0.6 with a client of its
//! own register socket, one for each bit of the mask.

use crate::pair::*;
use crate::world::*;
use heartbeat::engine::{Failback, Treatment};
use heartbeat::wire::{Message, Value};

const KEPT: u8 = 0x01;
const EVERYTHING: u8 = 0x3f;

fn mine(kind: &str) -> Message {
    Message::of(kind).with("from_id", "c").with("to_id", "c").with("client_gen", "4")
}

fn kinds(world: &World, node: usize, treatment: Treatment) -> Vec<String> {
    let of_it = world.nodes[node].delivered.iter().filter(|(_, t)| *t == treatment);
    of_it.map(|(m, _)| format!("{} {}", m.kind().unwrap(), m.text("src").unwrap_or("-"))).collect()
}

#[test]
fn nobody_listens_and_nothing_is_told() {
    let mut world = pair(Failback::On);
    world.ask(0, mine("mytype"));
    world.standby(0, "all");
    settle(&mut world, "- 01");
    world.crash(1);
    settle(&mut world, "01 -");
    // The world itself refuses what nobody asked for.
    assert!(world.nodes.iter().all(|n| n.delivered.is_empty()));
}

#[test]
fn a_quiet_cluster_has_no_news() {
    let mut world = pair(Failback::On);
    world.listen(0, KEPT);
    world.run(20 * SECOND);
    assert!(world.heard(0).is_empty(), "{:?}", world.heard(0));
}

#[test]
fn each_heartbeat_is_told_as_what_became_of_it() {
    let mut world = pair(Failback::On);
    // five seconds after its start a node says once more that it has come up
    world.run(5 * SECOND);
    world.listen(0, EVERYTHING);
    world.run(10 * SECOND);
    let count = |treatment, what: &str| kinds(&world, 0, treatment).iter().filter(|k| *k == what).count();
    assert_eq!(count(Treatment::NoChange, "status a1"), 20);
    assert_eq!(count(Treatment::NoChange, "status a2"), 20);
    assert_eq!(count(Treatment::Duplicate, "status a1"), 20, "own heartbeats come back by broadcast");
    assert_eq!(count(Treatment::Duplicate, "status a2"), 0);
    assert!(count(Treatment::Dropped, "NS_ackmsg a1") >= 2, "once when sent, once when it comes back");
    for treatment in [Treatment::Kept, Treatment::Protocol, Treatment::ApiRequest] {
        assert_eq!(kinds(&world, 0, treatment), [""; 0]);
    }
}

#[test]
fn a_death_is_told_before_what_follows_from_it() {
    let mut world = pair(Failback::On);
    world.listen(0, KEPT);
    world.crash(1);
    settle(&mut world, "01 -");
    assert_eq!(
        world.heard(0),
        [
            "status a2 dead",
            "stonith a1 a2",
            "ifstat a2 dead",
            "resource a1 req_our_resources()",
            "resource a1 mach_down"
        ]
    );
    let (death, _) = &world.nodes[0].delivered[0];
    let names: Vec<_> = death.fields().iter().map(|f| String::from_utf8_lossy(&f.name)).collect();
    assert_eq!(names, ["t", "seq", "ts", "src", "st"]);
}

#[test]
fn a_node_without_resources_is_not_taken_over() {
    let mut world = pair(Failback::Off);
    world.standby(1, "all");
    settle(&mut world, "01 -");
    world.listen(0, KEPT);
    world.crash(1);
    world.run(10 * SECOND);
    assert_eq!(world.heard(0), ["status a2 dead", "stonith a1 a2", "ifstat a2 dead"]);
}

#[test]
fn a_node_that_stopped_in_good_order_is_told_dead_when_it_is_silent() {
    let mut world = pair(Failback::On);
    world.listen(0, KEPT);
    world.stop(1);
    world.run(SETTLE);
    let heard = world.heard(0);
    let at = |line: &str| heard.iter().position(|h| h == line).unwrap_or_else(|| panic!("{line}: {heard:?}"));
    let order = ["resource a2 shutdown", "shutdone a2 dead", "resource a1 mach_down", "status a2 dead"];
    assert!(order.map(at).is_sorted(), "{heard:?}");
    assert_eq!(heard[heard.len() - 3..], ["status a2 dead", "stonith a1 a2", "ifstat a2 dead"]);
}

#[test]
fn a_return_is_told_link_first() {
    let mut world = pair(Failback::Off);
    world.crash(1);
    settle(&mut world, "01 -");
    world.listen(0, KEPT);
    world.start(1);
    settle(&mut world, "01 -");
    assert_eq!(
        world.heard(0)[..6],
        [
            "ifstat a2 up",
            "status a2 init",
            "status a2 up",
            "status a2 active",
            // The answer to `starting` is told before what it answers.
            "resource a1",
            "starting a2"
        ]
    );
}

#[test]
fn a_standby_is_told_question_before_answer() {
    let mut world = pair(Failback::On);
    world.listen(0, KEPT);
    world.standby(0, "all");
    settle(&mut world, "- 01");
    let heard = world.heard(0);
    assert_eq!(
        heard[..4],
        ["ask_resources a1 me", "ask_resources a2 other", "resource a1 standby", "ask_resources a1 done"]
    );
    let mut rest = heard[4..].to_vec();
    rest.sort();
    // The reference sends a message after what it caused, we before: the order on the wire differs.
    assert_eq!(rest, ["ask_resources a2 done", "resource a1", "resource a1", "resource a2", "resource a2"]);
}

#[test]
fn a_clients_message_reaches_those_it_is_for_once() {
    for (dest, here, there) in
        [(None, true, true), (Some("a1"), true, false), (Some("a2"), false, true), (Some("x"), false, false)]
    {
        let mut world = pair(Failback::On);
        world.listen(0, EVERYTHING);
        world.listen(1, EVERYTHING);
        let message = mine("mytype").with("src", "somebody");
        world.ask(0, dest.into_iter().fold(message, |m, dest| m.with("dest", dest)));
        world.run(SECOND);
        for (node, gets) in [(0, here), (1, there)] {
            let kept = kinds(&world, node, Treatment::Kept);
            assert_eq!(kept, vec!["mytype a1"; usize::from(gets)], "{dest:?} on {node}");
        }
        let dropped = kinds(&world, 0, Treatment::Dropped);
        assert_eq!(dropped.contains(&"mytype a1".to_owned()), !here, "{dest:?}");
    }
}

#[test]
fn a_question_for_a_client_goes_to_the_daemon_it_is_for() {
    let mut world = pair(Failback::On);
    world.listen(1, EVERYTHING);
    let question =
        |dest| Message::of("query-cstatus").with("dest", dest).with("cn", "c").with("from_id", "9");
    world.ask(0, question("a2"));
    world.ask(0, question("a1"));
    world.run(SECOND);
    assert_eq!(world.nodes[1].queries.len(), 1);
    assert_eq!(world.nodes[1].queries[0].text("from_id"), Some("9"));
    assert!(world.nodes[0].queries.is_empty());
    assert!(!kinds(&world, 1, Treatment::Kept).contains(&"query-cstatus a1".to_owned()));
    let answer = Message::of("respond-cstatus").with("dest", "a1").with("to_id", "9").with("cs", "online");
    world.listen(0, KEPT);
    world.ask(1, answer);
    world.run(SECOND);
    assert_eq!(world.heard(0), ["respond-cstatus a2"]);
}

/// The number of the last message that node 0 heard from node 1, and that one's life.
fn last_of_peer(world: &World) -> (u64, String) {
    let heard = world.nodes[0].delivered.iter().rev().find(|(m, _)| m.text("src") == Some("a2")).unwrap();
    (heard.0.hex("seq").unwrap(), heard.0.text("hg").unwrap().to_owned())
}

#[test]
fn a_clients_leave_waits_for_what_was_lost_before_it() {
    for ends_by_death in [false, true] {
        let mut world = pair(Failback::On);
        world.listen(0, EVERYTHING);
        world.run(SECOND);
        let (last, generation) = last_of_peer(&world);
        world.cables[0][1] = Weather::CUT;
        world.listen(0, KEPT);
        let numbered = |message: Message, seq: u64| {
            message.with("src", "a2").with("seq", &format!("{seq:x}")).with("hg", &generation).with("ts", "1")
        };
        world.inject(0, "eth0", numbered(mine("hbapi-clstat").with("st", "leave"), last + 3));
        assert!(world.heard(0).is_empty());
        world.inject(0, "eth0", numbered(mine("mytype"), last + 4));
        assert_eq!(world.heard(0), ["mytype a2"], "others do not wait");
        if ends_by_death {
            world.run(2 * DEADTIME);
        } else {
            world.inject(0, "eth0", numbered(mine("second"), last + 2));
            assert_eq!(world.heard(0).len(), 2, "one is still missing");
            world.inject(0, "eth0", numbered(mine("first"), last + 1));
            assert_eq!(world.heard(0)[1..], ["second a2", "first a2", "hbapi-clstat a2 leave"]);
        }
        assert_eq!(world.heard(0).iter().filter(|h| h.starts_with("hbapi-clstat")).count(), 1);
    }
}

#[test]
fn clients_wait_while_the_peer_has_too_much_to_acknowledge() {
    let mut world = pair(Failback::On);
    world.listen(1, KEPT);
    world.pause(1, 2 * SECOND);
    for number in 0..600 {
        world.ask(0, mine("mytype").with("n", &number.to_string()));
    }
    assert_eq!(world.nodes[0].pauses, [true]);
    assert_eq!(world.logged(0, "all clients are now paused"), 1);
    world.run(SECOND);
    assert_eq!(world.nodes[0].pauses, [true]);
    world.run(20 * SECOND);
    assert_eq!(world.nodes[0].pauses.last(), Some(&false));
    assert_eq!(world.logged(0, "all clients are now resumed"), world.nodes[0].pauses.len() / 2);
    let numbers: Vec<_> = world.nodes[1].delivered.iter().filter_map(|(m, _)| m.decimal("n")).collect();
    assert_eq!(numbers, (0..600).collect::<Vec<_>>());
    assert_eq!(world.logged(0, "filling up"), 0);
    assert_eq!(world.layout(), "0 1");
}

#[test]
fn a_client_that_never_stops_talking_costs_no_heartbeat() {
    let mut world = pair(Failback::On);
    world.pause(1, 2 * SECOND);
    for _ in 0..20_000 {
        world.ask(0, mine("mytype"));
    }
    world.run(20 * SECOND);
    assert_eq!(world.logged(0, "some messages are dropped"), 1);
    for node in 0..2 {
        for trouble in ["is dead", "filling up", "Irretrievably", "lost a lot", "Cannot rexmit"] {
            assert_eq!(world.logged(node, trouble), 0, "{trouble}\n{}", world.story());
        }
    }
    assert_eq!(world.nodes[0].pauses.last(), Some(&false));
    assert_eq!(world.layout(), "0 1");
}

/// A peer that begins anew has acknowledged nothing of this life, and owes nothing of it either.
#[test]
fn a_restarted_peer_makes_nobody_wait() {
    let mut world = pair(Failback::On);
    world.run(400 * SECOND);
    world.reload(1);
    world.run(30 * SECOND);
    world.crash(1);
    settle(&mut world, "01 -");
    world.run(400 * SECOND);
    world.start(1);
    settle(&mut world, "0 1");
    assert_eq!(world.nodes[0].pauses, [false; 0]);
    assert_eq!(world.logged(0, "filling up"), 0);
}

/// A number that nothing can be sent with would be a hole in the stream: the peer asks for it, acknowledges
/// nothing above it, and clients wait.
#[test]
fn what_fits_into_no_datagram_takes_no_number() {
    let mut world = pair(Failback::On);
    world.listen(0, KEPT);
    world.ask(0, mine("big").with("data", &"x".repeat(65_000)));
    let mut list = mine("list");
    list.push("data", Value::List(vec![vec![b'x'; 2000]]));
    world.ask(0, list);
    world.ask(0, mine("large").with("data", &"x".repeat(60_000)));
    world.run(SECOND);
    assert_eq!(world.heard(0), ["large a1"]);
    assert_eq!(world.logged(0, "cannot be sent"), 1, "said once, not for each");
}
