//! Two owners, and how it ends: false deaths, pauses, roads that lead one way only.

use crate::pair::*;
use crate::world::*;
use heartbeat::engine::Failback;
use std::time::Duration;

const NICE: [Failback; 2] = [Failback::On, Failback::Off];

/// From this moment on, for how long two nodes run a group: the longest time.
fn double_since(world: &World, since: Duration) -> Duration {
    let spans = world.doubles.iter().filter(|(_, to)| *to > since);
    spans.map(|(from, to)| *to - (*from).max(since)).max().unwrap_or_default()
}

/// What either node says reaches the other at once and is acted upon.
fn soon() -> Duration {
    2 * KEEPALIVE
}

#[test]
fn who_was_falsely_declared_dead_keeps_its_own_and_nothing_restarts() {
    for failback in NICE {
        for victim in 0..2 {
            let mut world = pair(failback);
            // the other does not hear the victim, which hears the other
            world.cables[0][victim] = Weather::CUT;
            world.run_until("false death", SETTLE, |w| w.holders(victim).len() == 2);
            world.cables[0][victim] = Weather::FAIR;
            let healed = world.now;
            settle(&mut world, "0 1");
            assert!(double_since(&world, healed) <= soon(), "{}", world.story());
            assert!(world.nodes.iter().all(|n| n.endings.is_empty()), "{}", world.story());
        }
    }
}

/// As long as one direction works, one node knows better: the one that hears gives way.
#[test]
fn a_road_that_leads_one_way_only_ends_with_one_owner_all_the_same() {
    for failback in NICE {
        for victim in 0..2 {
            let mut world = pair(failback);
            world.cables[0][victim] = Weather::CUT;
            let layout = if victim == 0 { "- 01" } else { "01 -" };
            world.run_until("one owner", 5 * DEADTIME, |w| w.layout() == layout);
            world.run(SETTLE);
            assert_eq!(world.layout(), layout, "{}", world.story());
            world.cables[0][victim] = Weather::FAIR;
            settle(&mut world, if failback == Failback::On { "0 1" } else { layout });
        }
    }
}

/// It comes back as one that crashed would, and was never two for longer than it takes to hear.
#[test]
fn who_slept_longer_than_its_deadtime_yields_to_who_was_awake() {
    for (failback, heard) in NICE.into_iter().flat_map(|f| [(f, true), (f, false)]) {
        for sleeper in 0..2 {
            let mut world = pair(failback);
            world.pause(sleeper, 5 * DEADTIME);
            if !heard {
                // what is said to it meanwhile is lost: it wakes up knowing nothing
                world.run(SECOND);
                world.weather(Weather::CUT);
                world.run(5 * DEADTIME - SECOND - ms(1));
                world.weather(Weather::FAIR);
            } else {
                world.run(5 * DEADTIME);
            }
            let awake = world.now;
            let layout = if sleeper == 0 { "- 01" } else { "01 -" };
            world.run_until("it yields", soon(), |w| w.layout() == layout);
            assert!(double_since(&world, awake) <= soon(), "{}", world.story());
            settle(&mut world, if failback == Failback::On { "0 1" } else { layout });
            assert!(world.nodes.iter().all(|n| n.endings.is_empty()), "{}", world.story());
            assert_eq!(world.logged(sleeper, "this node did not run for longer than its deadtime"), 1);
        }
    }
}

#[test]
fn a_pause_shorter_than_the_deadtime_moves_nothing() {
    for failback in [Failback::On, Failback::Off, Failback::Legacy] {
        for sleeper in 0..2 {
            let mut world = pair(failback);
            world.pause(sleeper, DEADTIME - KEEPALIVE - ms(50));
            world.run(SETTLE);
            assert_eq!(world.layout(), "0 1", "{}", world.story());
            world.assert_never_double();
        }
    }
}

#[test]
fn two_that_slept_together_go_on_as_if_nothing_had_been() {
    for failback in [Failback::On, Failback::Off, Failback::Legacy] {
        let mut world = pair(failback);
        world.pause(0, 5 * DEADTIME);
        world.pause(1, 5 * DEADTIME + ms(20));
        world.run(5 * DEADTIME + SETTLE);
        assert_eq!(world.layout(), "0 1", "{}", world.story());
        world.assert_never_double();
    }
}

#[test]
fn a_sleeper_whose_peer_has_gone_meanwhile_serves_everything() {
    for failback in [Failback::On, Failback::Off, Failback::Legacy] {
        for sleeper in 0..2 {
            let mut world = pair(failback);
            world.pause(sleeper, 5 * DEADTIME);
            world.run(3 * DEADTIME);
            world.crash(1 - sleeper);
            settle(&mut world, if sleeper == 0 { "01 -" } else { "- 01" });
            // never did it let go of its own for nobody
            assert_eq!(world.logged(sleeper, "releasing them here"), 0, "{}", world.story());
        }
    }
}

/// A pause in the middle of a hand-over, in each of its moments and of any length.
#[test]
fn a_pause_in_the_middle_of_a_hand_over_loses_nothing() {
    for failback in NICE {
        for after in (0..2000).step_by(200) {
            for (sleeper, nap) in [(0, 1), (0, 6), (1, 1), (1, 6)] {
                let mut world = pair(failback);
                world.script_time = ms(300);
                world.standby(0, "all");
                world.run(ms(after));
                world.pause(sleeper, nap * DEADTIME / 2);
                world.run(nap * DEADTIME / 2);
                let awake = world.now;
                let owned = |w: &World| (0..2).all(|owner| w.holders(owner).len() == 1);
                let what = format!("{failback:?}, {sleeper} slept {nap} halves, {after} ms into a standby");
                world.run_until(&what, 2 * SETTLE, |w| owned(w) && w.calm());
                world.run(5 * SECOND);
                assert!(owned(&world), "{what}: {}\n{}", world.layout(), world.story());
                // scripts take their time
                assert!(double_since(&world, awake) <= soon() + SECOND, "{what}\n{}", world.story());
            }
        }
    }
}

/// Legacy: nobody says what it holds. Who hears that it was declared dead lets go.
#[test]
fn in_legacy_mode_a_false_death_ends_soon_too() {
    for victim in 0..2 {
        let mut world = pair(Failback::Legacy);
        world.cables[0][victim] = Weather::CUT;
        let layout = if victim == 0 { "- 01" } else { "01 -" };
        world.run_until("it lets go", SETTLE, |w| w.layout() == layout);
        assert!(double_since(&world, Duration::ZERO) <= soon(), "{}", world.story());
        world.cables[0][victim] = Weather::FAIR;
        settle(&mut world, "0 1");
    }
}
