//! Fencing: nothing of a dead node is taken before the device has reset it. In this world a reset takes the
//! node's power away, so that with a device no group ever runs twice, whatever happens.

use crate::chaos::{MODES, fault, misfortune, recover};
use crate::pair::*;
use crate::world::*;
use heartbeat::engine::{Ending, Failback};

/// A pair with a device.
fn fenced(failback: Failback) -> World {
    let mut world = World::new(failback, 1, 11);
    world.fencing = true;
    world.start(0);
    world.run(ms(36));
    world.start(1);
    settle(&mut world, "0 1");
    assert_eq!(world.aimed, 0, "nobody died");
    world
}

fn until_retried(world: &mut World, node: usize, times: usize) {
    let text = "STONITH of";
    world.run_until("resets that failed", 60 * SECOND, |w| w.logged(node, text) >= times);
}

#[test]
fn a_crash_is_taken_over_after_the_reset_and_not_before() {
    for failback in MODES {
        let mut world = fenced(failback);
        world.reset_time = 10 * SECOND;
        world.crash(1);
        world.run_until("the reset begins", 10 * SECOND, |w| w.aimed == 1);
        world.run(9 * SECOND);
        assert_eq!((world.layout().as_str(), world.shots()), ("0 -", 0), "{}", world.story());
        assert_eq!(world.logged(0, "Resources being acquired"), 0);
        assert!(!world.calm(), "what a dead node held is still to be taken");
        settle(&mut world, "01 -");
        assert_eq!((world.aimed, world.shots()), (1, 1));
        assert_eq!(world.logged(0, "No STONITH device"), 0);
        world.assert_never_double();
        assert_eq!(world.errors(0), [""; 0]);
    }
}

#[test]
fn a_reset_that_fails_is_tried_again_every_five_seconds_and_nothing_is_taken() {
    for failback in MODES {
        let mut world = fenced(failback);
        world.misfire = 1.0;
        world.crash(0);
        until_retried(&mut world, 1, 1);
        let (begin, aimed) = (world.now, world.aimed);
        until_retried(&mut world, 1, 4);
        assert_eq!(world.aimed - aimed, 3);
        let each = (world.now - begin) / 3;
        assert!(each.abs_diff(5 * SECOND + world.reset_time) < ms(100), "{each:?}");
        world.run(600 * SECOND);
        assert_eq!(world.layout(), "- 1", "{}", world.story());
        world.misfire = 0.0;
        settle(&mut world, "- 01");
        world.assert_never_double();
    }
}

#[test]
fn a_node_that_was_never_heard_is_reset_before_anything_is_taken_own_groups_too() {
    for failback in MODES {
        let mut world = World::new(failback, 1, 5);
        (world.fencing, world.misfire) = (true, 1.0);
        world.start(0);
        until_retried(&mut world, 0, 3);
        world.run(60 * SECOND);
        assert_eq!(world.layout(), "- -", "{failback:?}\n{}", world.story());
        world.misfire = 0.0;
        settle(&mut world, "01 -");
    }
}

#[test]
fn a_node_that_comes_back_is_not_reset_any_more_and_takes_its_own() {
    for failback in MODES {
        let mut world = fenced(failback);
        world.misfire = 1.0;
        world.crash(1);
        until_retried(&mut world, 0, 2);
        world.start(1);
        settle(&mut world, "0 1");
        assert_eq!(world.logged(0, "node a2 is heard again: it is not reset any more."), 1);
        let aimed = world.aimed;
        world.run(60 * SECOND);
        assert_eq!((world.aimed, world.shots()), (aimed, 0), "{}", world.story());
        world.assert_never_double();
    }
}

#[test]
fn a_reset_from_before_the_return_says_nothing_about_the_next_death() {
    for failback in MODES {
        let mut world = fenced(failback);
        world.reset_time = 40 * SECOND;
        world.crash(1);
        world.run_until("the reset begins", 10 * SECOND, |w| w.aimed == 1);
        world.start(1);
        world.run_until("it is back", 30 * SECOND, |w| w.layout() == "0 1");
        // Cut off, it works on; the old reset comes to nothing, so that only a new one may count.
        world.misfire = 1.0;
        world.weather(Weather::CUT);
        world.run_until("the old reset is over", 60 * SECOND, |w| w.aimed >= 3);
        assert!(world.layout().starts_with("0 1"), "{}", world.story());
        world.assert_never_double();
    }
}

#[test]
fn a_partition_leaves_one_node_at_most_with_each_group() {
    for failback in MODES {
        let mut world = fenced(failback);
        world.weather(Weather::CUT);
        world.run_until("somebody shoots", 20 * SECOND, |w| w.shots() > 0);
        world.run(20 * SECOND);
        world.assert_never_double();
        world.weather(Weather::FAIR);
        recover(&mut world, 0);
        world.assert_never_double();
    }
}

#[test]
fn a_partition_without_a_shot_that_hits_moves_nothing() {
    for failback in MODES {
        let mut world = fenced(failback);
        world.misfire = 1.0;
        world.weather(Weather::CUT);
        world.run(60 * SECOND);
        assert_eq!(world.layout(), "0 1", "{}", world.story());
        // In legacy mode both begin anew, as after any partition.
        world.weather(Weather::FAIR);
        if failback == Failback::Legacy {
            world
                .run_until("both begin anew", 30 * SECOND, |w| w.nodes.iter().all(|n| !n.endings.is_empty()));
        }
        settle(&mut world, "0 1");
        world.assert_never_double();
        assert_eq!(world.shots(), 0);
    }
}

#[test]
fn an_orderly_stop_needs_no_reset() {
    for failback in MODES {
        let mut world = fenced(failback);
        world.stop(1);
        settle(&mut world, "01 -");
        world.run(20 * SECOND);
        assert_eq!(world.aimed, 0, "{}", world.story());
        assert_eq!(world.logged(0, "Dead node a2 gave up resources."), 1);
    }
}

#[test]
fn a_stop_waits_for_no_device() {
    for (failback, misfire) in MODES.into_iter().flat_map(|f| [(f, 0.0), (f, 1.0)]) {
        let mut world = fenced(failback);
        (world.misfire, world.reset_time) = (misfire, 20 * SECOND);
        world.crash(1);
        world.run_until("the reset begins", 10 * SECOND, |w| w.aimed == 1);
        world.stop(0);
        world.run_until("it is gone", 10 * SECOND, |w| w.nodes[0].endings == [Ending::Stop]);
        assert_eq!(world.layout(), "- -");
        world.run(60 * SECOND);
        assert_eq!(world.aimed, 1);
    }
}

#[test]
fn a_reload_waits_for_the_running_reset_and_the_next_life_shoots_anew() {
    let mut world = fenced(Failback::On);
    world.misfire = 1.0;
    world.reset_time = 10 * SECOND;
    world.crash(1);
    world.run_until("the reset begins", 10 * SECOND, |w| w.aimed == 1);
    world.reload(0);
    world.run(8 * SECOND);
    assert!(world.nodes[0].endings.is_empty(), "{}", world.story());
    world.run_until("the reload", 10 * SECOND, |w| !w.nodes[0].endings.is_empty());
    world.run(30 * SECOND);
    assert_eq!(world.layout(), "0 -", "{}", world.story());
    world.misfire = 0.0;
    settle(&mut world, "01 -");
}

/// A pair with a device of some quality, scripts that take their time, and thirty faults.
fn stormy(failback: Failback, seed: u64, strike: impl Fn(&mut World), check: impl Fn(&World)) {
    let mut world = World::new(failback, 1, seed);
    world.fencing = true;
    world.misfire = [0.0, 0.3, 0.8][seed as usize % 3];
    world.reset_time = ms(world.random().u64(10..8000));
    world.script_jitter = ms(2000);
    world.start(0);
    world.start(1);
    for _ in 0..30 {
        strike(&mut world);
        let pause = world.random().u64(0..9000);
        world.run(ms(pause));
        check(&world);
    }
    world.weather(Weather::FAIR);
    world.misfire = 0.0;
    recover(&mut world, seed);
    check(&world);
}

/// Broken networks, dead machines, dead daemons whose services live on, orders of the administrator.
fn break_something(world: &mut World) {
    let node = world.random().usize(0..2);
    match world.random().u8(0..6) {
        0 => world.weather(Weather::CUT),
        1 => world.weather(Weather::FAIR),
        2 if world.running(node) => world.kill(node),
        _ => fault(world),
    }
}

#[test]
fn with_a_device_no_broken_network_and_no_dead_daemon_doubles_a_group() {
    for (number, failback) in MODES.into_iter().enumerate() {
        for seed in 0..60 {
            stormy(failback, 200_000 * (number as u64 + 9) + seed, break_something, |world| {
                let since = world.doubles.first();
                assert!(since.is_none(), "seed {seed}: {since:?}\n{}", world.story());
            });
        }
    }
}

/// Pauses and one-way cables too: those can make a node believe that nobody has its groups. But whatever is
/// taken because of a death is taken after a reset, or after a goodbye.
#[test]
fn each_takeover_has_its_reset_or_its_goodbye() {
    for (number, failback) in MODES.into_iter().enumerate() {
        for seed in 0..60 {
            stormy(failback, 200_000 * (number as u64 + 13) + seed, misfortune, |world| {
                for node in 0..2 {
                    let taken = world.logged(node, "Resources being acquired from");
                    let goodbyes = world.logged(node, "Received shutdown notice from")
                        + world.logged(node, "gave up resources.");
                    let right = world.nodes[node].shots + goodbyes;
                    assert!(taken <= right, "seed {seed}: {taken} of {right}\n{}", world.story());
                }
            });
        }
    }
}
