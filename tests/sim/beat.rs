//! When nodes beat: together, so that each wakes once in a keepalive.

use crate::world::*;
use heartbeat::engine::{Failback, Hold};
use heartbeat::wire;
use std::time::Duration;

/// As fine as the beats are looked at.
const GRAIN: Duration = Duration::from_millis(1);
/// A network needs no longer; to there and, with the answer, back.
const THERE_AND_BACK: Duration = Duration::from_millis(10);

/// When each node sent a status during `span`.
fn beats(world: &mut World, span: Duration) -> [Vec<Duration>; 2] {
    let (mut beats, until) = ([Vec::new(), Vec::new()], world.now + span);
    while world.now < until {
        let seen = world.tape.len();
        world.run(GRAIN);
        for (from, bytes) in &world.tape[seen..] {
            let message = wire::decode(bytes, world.keys()).unwrap();
            if message.kind() == Some("status") {
                beats[*from].push(world.now);
            }
        }
    }
    beats
}

fn gaps(beats: &[Duration]) -> impl Iterator<Item = Duration> {
    beats.windows(2).map(|pair| pair[1] - pair[0])
}

#[test]
fn two_nodes_beat_together_whenever_they_started() {
    for offset in (10..KEEPALIVE.as_millis() as u64).step_by(7) {
        let mut world = World::new(Failback::On, 1, offset);
        world.start(0);
        // long enough for the first to be alone when the second comes, anywhere between two of its beats
        world.run(20 * KEEPALIVE + ms(offset));
        world.start(1);
        world.run(Duration::from_secs(30));
        let [one, two] = beats(&mut world, 20 * KEEPALIVE);
        assert!(one.len() >= 18 && two.len() >= 18, "{offset}: {} and {} beats", one.len(), two.len());
        for beat in &one[1..one.len() - 1] {
            let near = two.iter().map(|other| beat.abs_diff(*other)).min().unwrap();
            assert!(near <= THERE_AND_BACK, "{offset}: {near:?} apart");
        }
        for gap in gaps(&one).chain(gaps(&two)) {
            assert!(gap <= KEEPALIVE + THERE_AND_BACK, "{offset}: {gap:?} without a beat");
        }
    }
}

#[test]
fn who_is_left_alone_goes_on_in_time() {
    for silent in 0..2 {
        let mut world = crate::pair::pair(Failback::On);
        world.run(7 * KEEPALIVE);
        world.crash(silent);
        let beats = beats(&mut world, 30 * KEEPALIVE);
        let alone = &beats[1 - silent];
        assert!(alone.len() >= 28, "{} beats", alone.len());
        for gap in gaps(alone) {
            assert!(gap <= KEEPALIVE + KEEPALIVE / 16, "{gap:?} without a beat");
        }
    }
}

#[test]
fn who_serves_lets_the_other_go_first() {
    let mut world = crate::pair::pair(Failback::Off);
    for gives in [0, 1, 0] {
        world.standby(gives, "all");
        crate::pair::settle(&mut world, if gives == 0 { "- 01" } else { "01 -" });
        world.run(3 * KEEPALIVE);
        let beats = beats(&mut world, 10 * KEEPALIVE);
        assert_goes_first(gives, &beats);
    }
}

#[test]
fn an_empty_set_is_no_service() {
    for filled in [Hold::Local, Hold::Foreign] {
        let mut world = World::new(Failback::On, 1, 7);
        world.filled = filled;
        world.start(0);
        world.start(1);
        crate::pair::settle(&mut world, "0 1");
        world.run(Duration::from_secs(6));
        let beats = beats(&mut world, 10 * KEEPALIVE);
        assert_goes_first(if filled == Hold::Local { 1 } else { 0 }, &beats);
    }
}

/// That node beats first, and the other one with it.
fn assert_goes_first(first: usize, beats: &[Vec<Duration>; 2]) {
    let (idle, serving) = (&beats[first], &beats[1 - first]);
    assert!(idle.len() >= 8 && serving.len() >= 8, "{beats:?}");
    for beat in &idle[1..idle.len() - 1] {
        let after = serving.iter().filter(|at| **at >= *beat).min().map(|at| *at - *beat);
        assert!(after.is_some_and(|after| after <= THERE_AND_BACK), "{after:?} after {beat:?}");
    }
    for gap in gaps(idle).chain(gaps(serving)) {
        assert!(gap <= KEEPALIVE + THERE_AND_BACK, "{gap:?} without a beat");
    }
}
