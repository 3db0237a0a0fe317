//! Someone recorded what the nodes said, and says it again: of this life and of earlier ones, in order and out
//! of order. It was all true once, and is signed; nothing may come of it.

use crate::pair::*;
use crate::world::*;
use heartbeat::engine::{Failback, Input};
use heartbeat::wire::{Key, Keys, Message, Method, Value, decode};
use std::time::Duration;

/// Lines that a minute of replays may cost.
const FEW_LINES: usize = 40;

/// A life with something of everything: restarts, standby both ways, losses that were repaired.
fn eventful(failback: Failback) -> World {
    let mut world = pair(failback);
    world.standby(0, "all");
    settle(&mut world, "- 01");
    world.takeover(0, "all");
    settle(&mut world, "01 -");
    world.standby(0, "foreign");
    settle(&mut world, "0 1");
    world.weather(Weather { loss: 0.15, ..Weather::FAIR });
    world.run(20 * SECOND);
    world.weather(Weather::FAIR);
    settle(&mut world, "0 1");
    world
}

/// What that node said so far.
fn tape_of(world: &World, node: usize) -> Vec<Vec<u8>> {
    world.tape.iter().filter(|(from, _)| *from == node).map(|(_, bytes)| bytes.clone()).collect()
}

/// Says it all again to the other node, in order, backwards and shuffled, within that time.
fn replay_to(world: &mut World, to: usize, tape: &[Vec<u8>], within: Duration) {
    let mut all: Vec<&Vec<u8>> = tape.iter().chain(tape.iter().rev()).collect();
    let mut shuffled: Vec<&Vec<u8>> = tape.iter().collect();
    world.random().shuffle(&mut shuffled);
    all.extend(shuffled);
    let (steps, end) = (200, world.now + within);
    for part in all.chunks(all.len().div_ceil(steps)) {
        for bytes in part {
            world.replay(to, 0, bytes);
        }
        world.run(within / steps as u32);
    }
    let rest = end.saturating_sub(world.now);
    world.run(rest);
}

/// What may not grow: jobs, lines of the log, datagrams beyond the heartbeats.
struct Quiet {
    jobs: usize,
    lines: usize,
    sent: usize,
    at: Duration,
}

impl Quiet {
    fn begin(world: &World, node: usize) -> Self {
        let (jobs, lines) = (world.jobs, world.nodes[node].log.len());
        Self { jobs, lines, sent: tape_of(world, node).len(), at: world.now }
    }

    fn check(&self, world: &World, node: usize, what: &str) {
        let story = || world.story();
        assert_eq!(world.jobs, self.jobs, "{what}: a script ran\n{}", story());
        let lines = world.nodes[node].log.len() - self.lines;
        assert!(lines <= FEW_LINES, "{what}: {lines} lines\n{}", story());
        let beats = (world.now - self.at).as_millis() / KEEPALIVE.as_millis();
        let sent = tape_of(world, node).len() - self.sent;
        // Each ten heartbeats of a living peer are acknowledged.
        assert!(sent <= beats as usize * 2 + 10, "{what}: {sent} datagrams in {beats} beats\n{}", story());
    }
}

#[test]
fn the_dead_are_not_raised_by_their_voice() {
    for failback in [Failback::On, Failback::Off, Failback::Legacy] {
        let mut world = pair(failback);
        if failback != Failback::Legacy {
            world = eventful(failback);
        }
        let tape = tape_of(&world, 1);
        world.crash(1);
        settle(&mut world, "01 -");
        world.run(30 * SECOND);
        let quiet = Quiet::begin(&world, 0);
        replay_to(&mut world, 0, &tape, 60 * SECOND);
        quiet.check(&world, 0, &format!("{failback:?}"));
        assert_eq!(world.engine(0).status_of("a2"), Some("dead"), "{}", world.story());
        assert_eq!(world.layout(), "01 -", "{}", world.story());
        assert_eq!(world.nodes[0].endings, [], "{}", world.story());
    }
}

#[test]
fn a_recording_does_not_delay_a_take_over() {
    for seed in 0..10 {
        let mut world = eventful(Failback::On);
        world.run(ms(seed * 50));
        let tape = tape_of(&world, 1);
        let died = world.now;
        world.crash(1);
        replay_to(&mut world, 0, &tape, DEADTIME + KEEPALIVE);
        let found =
            world.nodes[0].log.iter().find(|(at, _, line)| *at > died && line.contains("node a2: is dead"));
        let at = found.unwrap_or_else(|| panic!("not noticed\n{}", world.story())).0;
        assert!(at <= died + DEADTIME + KEEPALIVE, "after {:?}\n{}", at - died, world.story());
        settle(&mut world, "01 -");
    }
}

#[test]
fn a_message_that_was_lost_and_recorded_does_not_make_its_sender_younger() {
    let mut world = pair(Failback::On);
    world.cables[0][1] = Weather::CUT;
    let before = world.tape.len();
    world.run(ms(700));
    let missed: Vec<_> = world.tape[before..].iter().filter(|(from, _)| *from == 1).cloned().collect();
    world.cables[0][1] = Weather::FAIR;
    world.run(ms(550));
    let tape = tape_of(&world, 1);
    world.crash(1);
    for (_, bytes) in &missed {
        world.replay(0, 0, bytes);
    }
    settle(&mut world, "01 -");
    let quiet = Quiet::begin(&world, 0);
    replay_to(&mut world, 0, &tape, 10 * SECOND);
    quiet.check(&world, 0, "after its death");
    assert_eq!(world.engine(0).status_of("a2"), Some("dead"), "{}", world.story());
}

#[test]
fn an_earlier_life_is_over() {
    let mut world = eventful(Failback::On);
    let tape = tape_of(&world, 1);
    world.stop(1);
    settle(&mut world, "01 -");
    world.start(1);
    settle(&mut world, "0 1");
    world.run(20 * SECOND);
    let quiet = Quiet::begin(&world, 0);
    replay_to(&mut world, 0, &tape, 60 * SECOND);
    quiet.check(&world, 0, "of the living");
    assert_eq!(world.layout(), "0 1", "{}", world.story());
    world.crash(1);
    settle(&mut world, "01 -");
    world.run(20 * SECOND);
    let quiet = Quiet::begin(&world, 0);
    replay_to(&mut world, 0, &tape, 60 * SECOND);
    quiet.check(&world, 0, "of the dead");
    assert_eq!(world.engine(0).status_of("a2"), Some("dead"), "{}", world.story());
}

/// A message that says it is from a2, as it would be heard from it.
fn from_a2(world: &World, kind: &str, back: u64) -> Message {
    let wall = 1_700_000_000 + world.now.as_secs();
    let message = Message::of(kind).with("dest", "a1").with("src", "a2");
    let message = message.with("hg", &format!("{:x}", world.nodes[1].generation - back));
    message.with("ts", &format!("{wall:x}")).with("ttl", "3")
}

#[test]
fn an_old_recording_does_not_change_a_uuid() {
    let mut world = pair(Failback::On);
    let known = world.engine(0).nodes().find(|n| n.name() == "a2").unwrap().uuid();
    assert_eq!(known, Some([2; 16]));
    for kind in ["NS_ackmsg", "status", "resource"] {
        let mut message = from_a2(&world, kind, 1).with("seq", "7").with("st", "active").with("ackseq", "1");
        message.push("srcuuid", Value::Binary(vec![9; 16]));
        world.inject(0, "eth0", message);
        let uuid = world.engine(0).nodes().find(|n| n.name() == "a2").unwrap().uuid();
        assert_eq!(uuid, known, "{kind}\n{}", world.story());
    }
    world.standby(1, "all");
    settle(&mut world, "01 -");
}

#[test]
fn requests_said_again_cause_no_storm() {
    let mut world = pair(Failback::On);
    // A long life: the first messages are in no history any more. And the peer has acknowledged nothing yet.
    world.run(400 * SECOND);
    world.crash(1);
    world.run(ms(500));
    world.start(1);
    world.run(ms(100));
    let highest = newest_of(&world, 0);
    for (first, last) in [(1, highest), (1, 50), (highest - 3, highest), (highest + 5, highest + 500)] {
        let request = from_a2(&world, "NS_rexmit", 0);
        let request = request.with("firstseq", &first.to_string()).with("lastseq", &last.to_string());
        let (before, lines) = (tape_of(&world, 0).len(), world.nodes[0].log.len());
        for _ in 0..100 {
            for _ in 0..100 {
                world.inject(0, "eth0", request.clone());
            }
            world.run(ms(10));
        }
        let sent = tape_of(&world, 0).len() - before;
        // A second: fifty answers in each interval of repetition, and the heartbeats.
        assert!(sent <= 5 * 50 + 5, "{first} to {last}: {sent} datagrams");
        let lines = world.nodes[0].log.len() - lines;
        assert!(lines <= 10, "{first} to {last}: {lines} lines\n{}", world.story());
    }
}

#[test]
fn acknowledgements_of_an_earlier_life_acknowledge_nothing() {
    let mut world = pair(Failback::On);
    let heard_then = from_a2(&world, "NS_ackmsg", 0);
    world.crash(0);
    settle(&mut world, "- 01");
    world.start(0);
    settle(&mut world, "0 1");
    // What a1 says now is lost on the way to a2; a2 will ask for it, whatever was acknowledged once.
    world.cables[0][0] = Weather::CUT;
    world.run(ms(1600));
    let before = world.tape.len();
    let highest = newest_of(&world, 0);
    world.inject(0, "eth0", heard_then.with("ackseq", &format!("{highest:x}")));
    world.cables[0][0] = Weather::FAIR;
    world.run(2 * SECOND);
    let asked = world.tape[before..].iter().any(|(from, b)| *from == 1 && contains(b, "NS_rexmit"));
    assert!(asked, "a2 missed nothing");
    assert!(world.logged(1, "No pkts missing") > 0, "{}", world.story());
}

/// The number of the newest message of that node.
fn newest_of(world: &World, node: usize) -> u64 {
    let keys = Keys::new(1, [(1, Key::new(Method::Sha1, "simulated"))]).unwrap();
    let numbers =
        tape_of(world, node).into_iter().rev().filter_map(|b| decode(&b, &keys).unwrap().hex("seq"));
    numbers.take(1).next().unwrap()
}

#[test]
fn the_dead_are_not_answered() {
    let mut world = pair(Failback::On);
    world.crash(1);
    settle(&mut world, "01 -");
    let quiet = Quiet::begin(&world, 0);
    let newest = newest_of(&world, 0).to_string();
    for _ in 0..100 {
        let request = from_a2(&world, "NS_rexmit", 0).with("firstseq", "1").with("lastseq", &newest);
        world.inject(0, "eth0", request);
        world.run(ms(300));
    }
    quiet.check(&world, 0, "requests");
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|w| w == text.as_bytes())
}

#[test]
fn a_node_that_starts_anew_remembers_how_far_its_peer_had_come() {
    let mut world = eventful(Failback::On);
    let tape = tape_of(&world, 1);
    world.crash(1);
    settle(&mut world, "01 -");
    let marks = world.engine(0).marks();
    assert_eq!(marks.len(), 1, "{marks:?}");
    world.crash(0);
    world.run(5 * SECOND);
    world.start_remembering(0, Input::Remembered(marks.clone()));
    let (lines, heard) = (world.nodes[0].log.len(), world.logged(0, "Status update for node a2"));
    replay_to(&mut world, 0, &tape, INITDEAD + KEEPALIVE);
    assert_eq!(world.logged(0, "Status update for node a2"), heard, "{}", world.story());
    assert_eq!(world.engine(0).status_of("a2"), Some("dead"), "{}", world.story());
    assert!(world.nodes[0].log.len() - lines < FEW_LINES, "{}", world.story());
    settle(&mut world, "01 -");
    assert_eq!(world.engine(0).marks(), marks, "what was not heard changes no mark");
    // The living one is heard, of whatever life.
    world.start(1);
    settle(&mut world, "0 1");
}

#[test]
fn who_comes_back_with_a_lower_generation_but_later_is_heard() {
    let mut world = pair(Failback::On);
    world.crash(1);
    settle(&mut world, "01 -");
    let marks = world.engine(0).marks();
    world.crash(0);
    world.run(5 * SECOND);
    // A machine put back to an older state of its disk: its counter is behind, its clock is not.
    world.nodes[1].generation -= 1;
    world.start_remembering(0, Input::Remembered(marks));
    world.start(1);
    settle(&mut world, "0 1");
}
