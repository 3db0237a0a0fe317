//! The life of a pair, step by step. Layouts are those that two 3.0.6 daemons end in
//! (wire-protocol.md 7.4 to 7.11, 8.5).

use crate::pair::*;
use crate::world::*;
use heartbeat::engine::{Ending, Failback};

#[test]
fn both_start_together_and_each_takes_its_own() {
    for failback in [Failback::On, Failback::Off, Failback::Legacy] {
        let world = pair(failback);
        world.assert_never_double();
        assert_eq!(world.errors(0), [""; 0]);
        assert_eq!(world.errors(1), [""; 0]);
    }
}

/// A C daemon waits ten seconds for a peer that is calm. Ours sees at once that there is nothing to wait for.
#[test]
fn two_of_ours_that_start_together_serve_at_once() {
    for failback in [Failback::On, Failback::Off] {
        for (apart, delay) in [(0, 0), (36, 0), (400, 0), (3000, 0), (0, 150), (36, 300), (3000, 150)] {
            let mut world = World::new(failback, 1, apart);
            // a slow line
            world.weather(Weather { delay: ms(delay), ..Weather::FAIR });
            world.start(0);
            world.run(ms(apart));
            world.start(1);
            world.run_until("each its own", 4 * KEEPALIVE + 6 * ms(delay), |w| w.layout() == "0 1");
            settle(&mut world, "0 1");
            world.assert_never_double();
            assert_eq!(world.errors(0), [""; 0], "{apart}");
            assert_eq!(world.errors(1), [""; 0], "{apart}");
        }
    }
}

#[test]
fn one_starts_alone_and_takes_everything_after_initdead() {
    let mut world = World::new(Failback::On, 1, 3);
    world.start(0);
    world.run(INITDEAD - ms(100));
    assert_eq!(world.layout(), "- -");
    settle(&mut world, "01 -");
    for line in [
        "node a2: is dead",
        "Comm_now_up(): updating status to active",
        "No STONITH device configured.",
        "Resources being acquired from a2.",
        "mach_down takeover complete.",
        "Initial resource acquisition complete (mach_down)",
        "local resource transition completed.",
    ] {
        assert_eq!(world.logged(0, line), 1, "{line}\n{}", world.story());
    }
}

#[test]
fn a_crash_is_taken_over_and_the_return_follows_auto_failback() {
    for (failback, back) in [(Failback::On, "0 1"), (Failback::Off, "- 01"), (Failback::Legacy, "0 1")] {
        let mut world = pair(failback);
        world.crash(0);
        settle(&mut world, "- 01");
        assert_eq!(world.logged(1, "node a1: is dead"), 1);
        world.start(0);
        settle(&mut world, back);
        world.assert_never_double();
        assert_eq!(world.logged(1, "Heartbeat restart on node a1"), 1);
        assert_eq!(world.errors(1), [""; 0]);
    }
}

#[test]
fn standby_moves_what_it_names_and_nothing_else() {
    for (node, set, layout) in [
        (0, "all", "- 01"),
        (0, "local", "- 01"),
        (0, "foreign", "0 1"),
        (1, "all", "01 -"),
        (1, "local", "01 -"),
        (1, "foreign", "0 1"),
    ] {
        let mut world = pair(Failback::On);
        world.standby(node, set);
        settle(&mut world, layout);
        world.assert_never_double();
        assert_eq!(world.logged(node, "Other node completed standby takeover of"), 1, "{set}");
        assert_eq!(world.logged(1 - node, "Standby resource acquisition done"), 1, "{set}");
        assert_eq!(world.errors(node), [""; 0]);
    }
}

#[test]
fn standby_goes_back_and_forth() {
    let mut world = pair(Failback::Off);
    for (node, set, layout) in [
        (0, "all", "- 01"),
        (1, "foreign", "0 1"),
        (1, "all", "01 -"),
        (0, "all", "- 01"),
        (1, "all", "01 -"),
    ] {
        world.standby(node, set);
        settle(&mut world, layout);
    }
    world.assert_never_double();
}

#[test]
fn takeover_asks_the_peer_to_stand_by() {
    for (asker, set, layout) in [
        (0, "all", "01 -"),
        (0, "foreign", "01 -"),
        (0, "local", "0 1"),
        (1, "all", "- 01"),
        (1, "foreign", "- 01"),
    ] {
        let mut world = pair(Failback::On);
        world.takeover(asker, set);
        settle(&mut world, layout);
        world.assert_never_double();
    }
}

#[test]
fn an_orderly_stop_hands_over_at_once() {
    for failback in [Failback::On, Failback::Off, Failback::Legacy] {
        let mut world = pair(failback);
        world.stop(0);
        world.run_until("handed over", SECOND, |w| w.layout() == "- 01");
        settle(&mut world, "- 01");
        assert_eq!(world.nodes[0].endings, [Ending::Stop]);
        assert_eq!(world.logged(1, "Received shutdown notice from 'a1'."), 1);
        world.run(5 * SECOND);
        assert_eq!(world.logged(1, "Dead node a1 gave up resources."), 1, "{}", world.story());
        world.assert_never_double();
        world.start(0);
        settle(&mut world, if failback == Failback::Off { "- 01" } else { "0 1" });
        world.assert_never_double();
    }
}

#[test]
fn both_stop_at_the_same_time() {
    for apart in [0, 1, 20, 50, 200] {
        let mut world = pair(Failback::On);
        world.stop(0);
        world.run(ms(apart));
        world.stop(1);
        world.run_until("both gone", 30 * SECOND, |w| !w.running(0) && !w.running(1));
        assert_eq!(world.layout(), "- -");
    }
}

#[test]
fn a_standby_request_to_a_dead_peer_changes_nothing() {
    let mut world = pair(Failback::On);
    world.crash(1);
    settle(&mut world, "01 -");
    world.run(SETTLE);
    world.standby(0, "all");
    world.run(SETTLE);
    assert_eq!(world.layout(), "01 -");
    assert_eq!(world.logged(0, "No reply to standby request.  Standby request cancelled."), 1);
}

#[test]
fn a_second_request_is_refused_while_one_runs() {
    let mut world = pair(Failback::On);
    world.standby(0, "all");
    world.run(ms(10));
    world.standby(0, "all");
    settle(&mut world, "- 01");
    assert_eq!(world.logged(0, "Standby in progress- new request from a1 ignored"), 1);
}

#[test]
fn the_peer_dies_in_the_middle_of_a_hand_over() {
    for after in [1, 30, 60, 90, 120, 200] {
        for victim in [0, 1] {
            let mut world = pair(Failback::On);
            world.standby(0, "all");
            world.run(ms(after));
            world.crash(victim);
            settle(&mut world, if victim == 0 { "- 01" } else { "01 -" });
            world.assert_never_double();
        }
    }
}

#[test]
fn a_reload_moves_nothing() {
    let mut world = pair(Failback::On);
    world.reload(0);
    world.run_until("ended", 5 * SECOND, |w| w.nodes[0].endings.len() == 1);
    settle(&mut world, "0 1");
    assert_eq!(world.logged(1, "node a1: is dead"), 0);
    assert_eq!(world.logged(1, "Heartbeat restart on node a1"), 1);
    world.crash(1);
    settle(&mut world, "01 -");
}

#[test]
fn a_partition_ends_with_one_owner_each() {
    for failback in [Failback::On, Failback::Off] {
        let mut world = pair(failback);
        world.weather(Weather::CUT);
        world.run_until("both hold all", SETTLE, |w| w.layout() == "01 01");
        world.weather(Weather::FAIR);
        world.run_until("one lets go", 2 * KEEPALIVE, |w| w.layout() == "0 1");
        settle(&mut world, "0 1");
        for node in 0..2 {
            assert!(world.nodes[node].endings.is_empty(), "no service was interrupted");
            assert_eq!(world.logged(node, "returning after partition."), 1);
            assert_eq!(
                world.logged(node, "Both nodes hold the foreign resource groups."),
                1,
                "{}",
                world.story()
            );
            assert_eq!(world.logged(node, "announcing their addresses again"), 1);
            assert_eq!(world.errors(node).len(), 4, "{:?}", world.errors(node));
        }
    }
}

/// The old protocol has no words for who holds what.
#[test]
fn a_partition_in_legacy_mode_makes_both_begin_anew_at_once() {
    let mut world = pair(Failback::Legacy);
    world.weather(Weather::CUT);
    world.run_until("both hold all", SETTLE, |w| w.layout() == "01 01");
    world.weather(Weather::FAIR);
    world.run_until("both gave up", SECOND, |w| w.layout() == "- -");
    settle(&mut world, "0 1");
    assert_eq!(world.nodes[0].endings, [Ending::Restart]);
    assert_eq!(world.nodes[1].endings, [Ending::Restart]);
}

#[test]
fn one_of_two_links_may_fail() {
    let mut world = World::new(Failback::On, 2, 5);
    world.start(0);
    world.start(1);
    settle(&mut world, "0 1");
    world.cables[0] = [Weather::CUT; 2];
    world.run(SETTLE);
    assert_eq!(world.layout(), "0 1");
    assert_eq!(world.logged(0, "Link a2:eth0 dead."), 1);
    assert_eq!(world.logged(0, "node a2: is dead"), 0);
    world.cables[0] = [Weather::FAIR; 2];
    world.run(SECOND);
    assert_eq!(world.logged(0, "Link a2:eth0 up."), 2);
}

#[test]
fn loss_is_repaired_without_a_death() {
    let mut world = pair(Failback::On);
    world.weather(Weather { loss: 0.15, ..Weather::FAIR });
    for _ in 0..6 {
        world.standby(0, "local");
        world.run_until("given", SETTLE, |w| w.layout() == "- 01" && w.calm());
        world.standby(1, "foreign");
        world.run_until("given back", SETTLE, |w| w.layout() == "0 1" && w.calm());
    }
    assert!(world.logged(0, "lost packet(s) for [a2]") > 0, "the weather was fair");
    world.assert_never_double();
}

#[test]
fn a_daemon_that_restarts_within_the_dead_time_loses_nothing() {
    let mut world = pair(Failback::On);
    world.crash(0);
    world.run(SECOND);
    world.start(0);
    settle(&mut world, "0 1");
    assert_eq!(world.logged(1, "node a1: is dead"), 0);
}

#[test]
fn a_holder_of_everything_that_restarts_within_the_dead_time_loses_nothing() {
    let mut world = pair(Failback::Off);
    world.standby(0, "all");
    settle(&mut world, "- 01");
    world.crash(1);
    world.run(SECOND);
    world.start(1);
    settle(&mut world, "0 1");
    world.assert_never_double();
}

#[test]
fn a_paused_node_listens_before_it_judges() {
    let mut world = pair(Failback::On);
    world.pause(0, DEADTIME / 2);
    world.run(SETTLE);
    assert_eq!(world.logged(0, "node a2: is dead"), 0, "{}", world.story());
    assert_eq!(world.layout(), "0 1");
}

#[test]
fn stopping_alone_right_after_a_take_over_does_not_wait() {
    let mut world = World::new(Failback::On, 1, 3);
    world.start(0);
    world.run_until("took all", SETTLE, |w| w.layout() == "01 -");
    world.stop(0);
    world.run_until("gone", 5 * SECOND, |w| !w.running(0));
    assert_eq!(world.layout(), "- -");
}

#[test]
fn without_resource_management_no_script_runs_and_a_stop_is_a_stop() {
    let mut world = World::new(Failback::On, 1, 3);
    world.manages = false;
    world.start(0);
    world.start(1);
    world.run(SETTLE);
    world.crash(0);
    world.run(SETTLE);
    assert_eq!(world.logged(1, "node a1: is dead"), 1);
    assert_eq!(world.layout(), "- -");
    world.stop(1);
    world.run_until("gone", 5 * SECOND, |w| !w.running(1));
    assert_eq!(world.errors(1), [""; 0]);
}
