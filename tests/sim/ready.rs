//! Who takes is ready before the other lets go; how regularly heartbeats come is told, and what disturbs them.

use crate::pair::{SECOND, pair, settle};
use crate::world::*;
use heartbeat::engine::{CAUSE, Failback, Note};
use heartbeat::wire::Message;

fn beyond_the_look(look: u64) -> World {
    let mut world = pair(Failback::Off);
    world.prepare_time = ms(look);
    world.standby(0, "all");
    world
}

#[test]
fn nobody_lets_go_before_the_other_has_looked() {
    let mut world = beyond_the_look(900);
    world.run(ms(890));
    assert_eq!(world.layout(), "0 1", "{}", world.story());
    assert_eq!(world.logged(0, "can take our all resources"), 0, "{}", world.story());
    world.run(ms(200));
    assert_eq!(world.layout(), "- 01", "{}", world.story());
    world.assert_never_double();
}

#[test]
fn what_cannot_be_taken_stays_where_it_runs_and_may_be_offered_again() {
    let mut world = pair(Failback::Off);
    world.nodes[1].unable = true;
    world.standby(0, "local");
    world.run(SECOND);
    assert_eq!(world.layout(), "0 1", "{}", world.story());
    assert!(world.calm(), "nothing is left of it\n{}", world.story());
    assert_eq!(world.logged(0, "a2 cannot take our local resources"), 1, "{}", world.story());
    assert_eq!(world.logged(1, "foreign resource groups cannot be acquired here"), 1, "{}", world.story());
    assert_eq!(world.logged(0, "Ignored") + world.logged(1, "Ignored"), 0, "{}", world.story());
    world.nodes[1].unable = false;
    world.standby(0, "local");
    world.run(SECOND);
    assert_eq!(world.layout(), "- 01", "{}", world.story());
    world.assert_never_double();
}

#[test]
fn who_comes_back_and_is_not_ready_gets_its_groups_later() {
    let mut world = pair(Failback::On);
    world.crash(0);
    world.run(10 * SECOND);
    world.nodes[0].unable = true;
    world.start(0);
    world.run(100 * SECOND);
    assert_eq!(world.layout(), "- 01", "{}", world.story());
    assert_eq!(
        world.logged(1, "a1 cannot take our foreign resources"),
        2,
        "once a minute\n{}",
        world.story()
    );
    world.nodes[0].unable = false;
    world.run(60 * SECOND);
    assert_eq!(world.layout(), "0 1", "{}", world.story());
    assert!(world.calm(), "{}", world.story());
    world.assert_never_double();
}

/// The first node has died, and its group does not start on the second, which offers it when the first is back.
fn served_by_nobody(failback: Failback) -> World {
    let mut world = pair(failback);
    world.nodes[1].broken = true;
    world.nodes[0].unable = true;
    world.crash(0);
    world.run(10 * SECOND);
    world.start(0);
    world.run(30 * SECOND);
    assert_eq!(world.layout(), "- 1", "{}", world.story());
    assert!(world.logged(1, "a1 cannot take our foreign resources") > 0, "{}", world.story());
    world
}

#[test]
fn what_did_not_start_and_was_refused_is_offered_again() {
    let mut world = served_by_nobody(Failback::Off);
    world.nodes[0].unable = false;
    world.run(120 * SECOND);
    assert_eq!(world.layout(), "0 1", "{}", world.story());
    assert!(world.calm(), "{}", world.story());
    world.assert_never_double();
}

#[test]
fn what_did_not_start_and_was_refused_is_tried_again() {
    for failback in [Failback::On, Failback::Off] {
        let mut world = served_by_nobody(failback);
        world.nodes[1].broken = false;
        world.run(120 * SECOND);
        assert_eq!(world.layout(), "- 01", "{}", world.story());
        assert!(world.calm(), "{}", world.story());
        world.assert_never_double();
    }
}

#[test]
fn what_nobody_can_start_does_not_fill_the_log() {
    let mut world = served_by_nobody(Failback::Off);
    world.run(7200 * SECOND);
    assert_eq!(world.layout(), "- 1", "{}", world.story());
    let tries = world.logged(1, "trying again [all]");
    assert!((8..=12).contains(&tries), "{tries} times in two hours\n{}", world.story());
    // Another life of the peer may be able.
    world.crash(0);
    world.run(20 * SECOND);
    world.nodes[0].unable = false;
    world.start(0);
    world.run(200 * SECOND);
    assert_eq!(world.layout(), "0 1", "{}", world.story());
    world.assert_never_double();
}

/// Nobody was there to be asked.
#[test]
fn what_did_not_start_and_nobody_heard_of_is_tried_again() {
    let mut world = pair(Failback::Off);
    world.nodes[1].broken = true;
    world.crash(0);
    world.run(60 * SECOND);
    assert_eq!(world.layout(), "- 1", "{}", world.story());
    world.nodes[1].broken = false;
    world.run(120 * SECOND);
    assert_eq!(world.layout(), "- 01", "{}", world.story());
    world.assert_never_double();
}

/// A pair that starts, whose first node cannot start anything.
fn broken_beside_a_sound_one(failback: Failback) -> World {
    let mut world = World::new(failback, 1, 7);
    world.nodes[0].broken = true;
    world.start(0);
    world.run(ms(36));
    world.start(1);
    world
}

/// The scripts offer foreign groups only.
#[test]
fn a_local_group_that_did_not_start_is_tried_again() {
    for failback in [Failback::On, Failback::Off] {
        let mut world = broken_beside_a_sound_one(failback);
        world.run(60 * SECOND);
        assert_eq!(world.layout(), "- 1", "{}", world.story());
        world.nodes[0].broken = false;
        world.run(120 * SECOND);
        assert_eq!(world.layout(), "0 1", "{}", world.story());
        world.assert_never_double();
    }
}

/// The peer is well, and nothing of what failed is its to take.
#[test]
fn a_local_group_that_nobody_can_start_does_not_fill_the_log() {
    for failback in [Failback::On, Failback::Off] {
        let mut world = broken_beside_a_sound_one(failback);
        world.run(7200 * SECOND);
        assert_eq!(world.layout(), "- 1", "{}", world.story());
        let tries = world.logged(0, "trying again");
        assert!((8..=12).contains(&tries), "{tries} times in two hours\n{}", world.story());
        // 3.0.6 offers the foreign groups then, too, whatever it was that failed
        let offers = world.logged(1, "wants to go standby");
        assert!(offers <= tries + 2, "{offers} offers, {tries} tries\n{}", world.story());
        world.assert_never_double();
    }
}

/// At the end of each hand-over a peer is stable that was not before: the same one.
#[test]
fn a_peer_that_stays_makes_no_retry_come_sooner() {
    let mut world = broken_beside_a_sound_one(Failback::Off);
    settle(&mut world, "- 1");
    for _ in 0..24 {
        world.run(290 * SECOND);
        world.standby(0, "foreign");
        world.run(10 * SECOND);
        assert_eq!(world.layout(), "- 1", "{}", world.story());
    }
    let tries = world.logged(0, "trying again");
    assert!((8..=12).contains(&tries), "{tries} times in two hours\n{}", world.story());
}

/// What the scripts say half a minute after a group did not start.
fn a_group_failed(world: &mut World, node: usize) {
    let offer = Message::of("ask_resources").with("rsc_hold", "foreign").with("info", "me");
    world.ask(node, offer.with(CAUSE.0, CAUSE.1));
}

/// Each of them says so; what fails again after a try is what makes the pause longer.
#[test]
fn groups_that_fail_together_are_one_failure() {
    let mut world = pair(Failback::Off);
    for tries in 1..3 {
        for _ in 0..5 {
            a_group_failed(&mut world, 0);
            world.run(SECOND);
        }
        world.run(50 * tries * SECOND);
        assert_eq!(world.logged(0, "trying again"), tries as usize - 1, "{}", world.story());
        world.run(20 * tries * SECOND);
        assert_eq!(world.logged(0, "trying again"), tries as usize, "{}", world.story());
    }
}

/// What the scripts said goes no further then, and they do not say it again.
#[test]
fn a_failure_that_is_told_during_a_hand_over_is_not_forgotten() {
    let mut world = pair(Failback::Off);
    world.standby(0, "all");
    settle(&mut world, "- 01");
    world.script_time = 5 * SECOND;
    world.standby(1, "local");
    world.run(SECOND);
    a_group_failed(&mut world, 1);
    world.run(100 * SECOND);
    assert_eq!(world.logged(1, "Standby in progress"), 1, "{}", world.story());
    assert_eq!(world.logged(1, "a2 wants to go standby"), 1, "{}", world.story());
    assert_eq!(world.logged(1, "trying again"), 1, "{}", world.story());
}

#[test]
fn a_reload_forgets_no_failure() {
    let mut world = broken_beside_a_sound_one(Failback::Off);
    settle(&mut world, "- 1");
    world.run(40 * SECOND);
    world.reload(0);
    world.run(SECOND);
    world.reload(0);
    world.nodes[0].broken = false;
    world.run(90 * SECOND);
    assert_eq!(world.layout(), "0 1", "{}", world.story());
    world.reload(0);
    world.run(1200 * SECOND);
    assert_eq!(world.logged(0, "trying again"), 1, "{}", world.story());
    world.assert_never_double();
}

/// After a pause it does not know what the others hold; the dead hold nothing.
#[test]
fn who_is_alone_and_was_asleep_tries_again_all_the_same() {
    let mut world = broken_beside_a_sound_one(Failback::Off);
    world.crash(1);
    world.run(20 * SECOND);
    world.pause(0, 20 * SECOND);
    world.run(21 * SECOND);
    world.nodes[0].broken = false;
    world.run(120 * SECOND);
    assert_eq!(world.layout(), "01 -", "{}", world.story());
}

/// An administrator's standby that was refused is over.
#[test]
fn what_runs_and_was_refused_is_not_offered_again() {
    let mut world = pair(Failback::Off);
    world.nodes[1].unable = true;
    world.standby(0, "local");
    world.run(SECOND);
    world.nodes[1].unable = false;
    world.run(7200 * SECOND);
    assert_eq!(world.layout(), "0 1", "{}", world.story());
    assert_eq!(world.logged(0, "trying again"), 0, "{}", world.story());
}

#[test]
fn a_look_that_does_not_end_holds_nothing_up_for_long() {
    let mut world = beyond_the_look(3_600_000);
    world.run(ms(1900));
    assert_eq!(world.layout(), "0 1", "{}", world.story());
    world.run(SECOND);
    assert_eq!(world.layout(), "- 01", "{}", world.story());
    world.takeover(0, "all");
    world.run(3 * SECOND);
    assert_eq!(world.layout(), "01 -", "{}", world.story());
    world.standby(0, "all");
    world.run(ms(500));
    assert_eq!(world.layout(), "- 01", "the old look goes on, there is no second one\n{}", world.story());
    world.assert_never_double();
}

#[test]
fn a_look_that_ends_after_its_offer_is_void() {
    let mut world = beyond_the_look(1500);
    world.run(ms(500));
    world.crash(0);
    world.run(10 * SECOND);
    assert_eq!(world.layout(), "- 01", "{}", world.story());
    assert_eq!(world.logged(0, "Ignored") + world.logged(1, "Ignored"), 0, "{}", world.story());
    assert!(world.calm(), "{}", world.story());
}

fn gaps(world: &World) -> Vec<String> {
    let notes = world.nodes[0].engine.as_ref().unwrap().heartbeat_gaps();
    notes.iter().flat_map(Note::lines).map(|(_, text)| text).collect()
}

#[test]
fn the_gaps_between_heartbeats_are_told_per_link_and_in_all() {
    let mut world = World::new(Failback::Off, 2, 7);
    world.start(0);
    world.start(1);
    world.run(100 * SECOND);
    world.cables[1] = [Weather::CUT; 2];
    world.run(2 * SECOND);
    world.cables[1] = [Weather::FAIR; 2];
    world.run(10 * SECOND);
    let told = gaps(&world);
    let [first, second, all, suggested] = told.as_slice() else { panic!("{told:#?}") };
    assert!(first.starts_with("Heartbeats of node a2 over eth0: 22"), "{first}");
    assert!(first.ends_with("max 500.0; 0 beyond warntime, 0 beyond deadtime"), "{first}");
    assert!(second.starts_with("Heartbeats of node a2 over eth1: 22"), "{second}");
    assert!(second.ends_with("max 2500.0; 1 beyond warntime, 0 beyond deadtime"), "{second}");
    assert!(all.contains("over any link") && all.contains("max 500.0;"), "{all}");
    assert_eq!(suggested, "Suggested deadtime for node a2: 1500 ms or more (in force: 3000 ms)");
}

/// Whether that was the cable or a busy machine only the operator knows.
#[test]
fn a_gap_that_killed_is_no_part_of_the_suggestion_and_is_told_with_it() {
    let mut world = World::new(Failback::Off, 1, 7);
    world.start(0);
    world.start(1);
    world.run(100 * SECOND);
    world.cables[0] = [Weather::CUT; 2];
    world.run(5 * SECOND);
    world.cables[0] = [Weather::FAIR; 2];
    world.run(20 * SECOND);
    let told = gaps(&world);
    let wanted =
        "1500 ms or more (in force: 3000 ms); it does not bear those beyond deadtime: 1, up to 5500 ms";
    assert!(told.last().is_some_and(|line| line.ends_with(wanted)), "{told:#?}");
}

/// Two media on one interface are one link, over which each heartbeat comes twice.
#[test]
fn a_heartbeat_that_comes_twice_over_a_link_is_counted_once() {
    let mut world = World::new(Failback::Off, 1, 7);
    world.weather(Weather { duplicate: 1.0, jitter: ms(20), ..Weather::FAIR });
    world.start(0);
    world.start(1);
    world.run(60 * SECOND);
    world.crash(1);
    world.run(SECOND);
    world.start(1);
    world.run(60 * SECOND);
    let count = |what: &str| {
        let told = gaps(&world).into_iter().find(|line| line.contains(what)).unwrap();
        told.split(": ").nth(1).unwrap().split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let (link, all) = (count("over eth0"), count("over any link"));
    assert!(link.abs_diff(all) <= 2, "{link} over the link, {all} in all");
}

#[test]
fn neither_a_pause_nor_a_new_life_is_a_gap() {
    let mut world = pair(Failback::Off);
    world.run(60 * SECOND);
    world.pause(0, 2 * SECOND);
    world.run(10 * SECOND);
    world.crash(1);
    world.run(60 * SECOND);
    world.start(1);
    world.run(60 * SECOND);
    let told = gaps(&world);
    assert!(
        told.iter().all(|line| !line.contains("over") || line.contains("; 0 beyond warntime")),
        "{told:#?}"
    );
}

#[test]
fn a_false_death_is_a_gap_beyond_deadtime() {
    let mut world = pair(Failback::Off);
    world.run(60 * SECOND);
    world.cables[0] = [Weather::CUT; 2];
    world.run(4 * SECOND);
    world.cables[0] = [Weather::FAIR; 2];
    world.run(30 * SECOND);
    let told = gaps(&world);
    assert!(
        told.iter().all(|line| !line.contains("over") || line.contains("1 beyond deadtime")),
        "{told:#?}"
    );
}

#[test]
fn short_pauses_without_end_do_not_fill_the_log() {
    let mut world = pair(Failback::Off);
    for _ in 0..20 {
        world.pause(0, ms(1400));
        world.run(2 * SECOND);
    }
    let told = world.logged(0, "This process did not run for");
    assert!((3..=5).contains(&told), "{told} times in 40 s\n{}", world.story());
}

/// Its next life knows nothing of what this one agreed to.
#[test]
fn who_is_about_to_begin_anew_takes_part_in_no_hand_over() {
    for failback in [Failback::On, Failback::Off] {
        for (reloading, moment) in [(0, 0), (0, 500), (1, 0), (1, 1), (1, 500), (1, 990)] {
            let mut world = pair(failback);
            world.reload(reloading);
            world.run(ms(moment));
            world.standby(0, "all");
            let case = format!("{reloading} reloads, {moment} ms later");
            for _ in 0..300 {
                world.run(ms(100));
                assert_eq!(world.layout(), "0 1", "{case}\n{}", world.story());
            }
            assert_eq!(world.nodes[reloading].endings.len(), 1, "{case}\n{}", world.story());
            assert!(world.calm(), "{case}\n{}", world.story());
        }
    }
}
