//! Corner cases that once ended badly: each test is a defect that was found by reading and is mended.

use crate::pair::*;
use crate::world::*;
use heartbeat::engine::{Action, Ending, Failback, Input, Now};
use heartbeat::wire::Message;

/// Hooks are called by the name in lower case.
#[test]
fn what_only_daemons_say_reaches_no_hook_in_other_letters() {
    let mut world = pair(Failback::On);
    let jobs = world.jobs;
    for node in 0..2 {
        world.ask(node, Message::of("Status").with("st", "dead"));
        world.ask(node, Message::of("IP-Request").with("ipaddr", "0"));
        world.ask(node, Message::of("Ask_Resources").with("rsc_hold", "all").with("info", "me"));
        for (dest, key) in [("a1", "1"), ("a2", "0")] {
            let grant = Message::of("IP-Request-Resp").with("dest", dest).with("ipaddr", key);
            world.ask(node, grant.with("weown", "yes").with("ok", "OK"));
        }
    }
    world.run(5 * SECOND);
    assert_eq!((world.jobs, world.layout().as_str()), (jobs, "0 1"), "{}", world.story());
}

/// One owner for each group, soon.
fn one_owner_each(world: &mut World, what: &str) {
    let owned = |w: &World| (0..2).all(|owner| w.holders(owner).len() == 1);
    world.run_until(what, 2 * SETTLE, |w| owned(w) && w.calm());
    world.run(5 * SECOND);
    assert!(owned(world), "{what}: {}\n{}", world.layout(), world.story());
}

#[test]
fn a_late_joiner_whose_first_word_is_no_status_is_no_partition() {
    let mut world = World::new(Failback::On, 1, 3);
    world.start(0);
    settle(&mut world, "01 -");
    // The link of the new node comes up a moment after its daemon; it hears before it is heard.
    world.cables[0][1] = Weather::CUT;
    world.start(1);
    world.run(ms(20));
    world.cables[0][1] = Weather::FAIR;
    settle(&mut world, "0 1");
    assert_eq!(world.logged(0, "returning after partition"), 0, "{}", world.story());
    world.assert_never_double();
}

#[test]
fn a_stop_in_the_middle_of_a_reload_gives_everything_up() {
    for after in [0, 10, 500, 900, 990] {
        let mut world = pair(Failback::On);
        world.reload(0);
        world.run(ms(after));
        world.stop(0);
        settle(&mut world, "- 01");
        world.assert_never_double();
    }
}

#[test]
fn a_reload_in_the_middle_of_an_acquisition_loses_nothing() {
    for after in (0..2000).step_by(50) {
        let mut world = World::new(Failback::On, 1, 7);
        world.script_time = ms(400);
        world.start(0);
        world.start(1);
        world.run_until("the first moves", SETTLE, |w| w.logged(0, "resource transition completed") > 0);
        world.run(ms(after));
        world.reload(0);
        one_owner_each(&mut world, &format!("reload after {after}"));
        world.assert_never_double();
    }
}

#[test]
fn a_reload_in_the_middle_of_a_hand_over_loses_nothing() {
    for set in ["all", "local", "foreign"] {
        for after in (0..2400).step_by(150) {
            for reloaded in [0, 1] {
                let mut world = pair(Failback::Off);
                world.standby(1, "all");
                settle(&mut world, "01 -");
                world.script_time = ms(400);
                world.standby(0, set);
                world.run(ms(after));
                world.reload(reloaded);
                one_owner_each(&mut world, &format!("{set}, {reloaded} reloaded after {after}"));
                world.assert_never_double();
            }
        }
    }
}

#[test]
fn a_power_cut_shorter_than_the_dead_time_in_the_middle_of_a_hand_over_loses_nothing() {
    for set in ["all", "local", "foreign"] {
        for after in (0..2400).step_by(150) {
            for victim in [0, 1] {
                let mut world = pair(Failback::Off);
                world.standby(1, "all");
                settle(&mut world, "01 -");
                world.script_time = ms(400);
                world.standby(0, set);
                world.run(ms(after));
                world.crash(victim);
                world.run(ms(300));
                world.start(victim);
                one_owner_each(&mut world, &format!("{set}, {victim} off after {after}"));
                world.assert_never_double();
            }
        }
    }
}

#[test]
fn an_offer_that_comes_when_its_sender_has_forgotten_it_blocks_nothing() {
    let mut world = pair(Failback::On);
    world.stop(0);
    world.stop(1);
    world.run(SETTLE);
    world.deadtime = 30 * SECOND;
    world.start(0);
    world.start(1);
    settle(&mut world, "0 1");
    world.weather(Weather::CUT);
    world.standby(0, "local");
    world.run(12 * SECOND);
    world.weather(Weather::FAIR);
    world.run(60 * SECOND);
    assert_eq!(world.layout(), "0 1", "{}", world.story());
    world.standby(1, "all");
    settle(&mut world, "01 -");
    world.stop(1);
    world.run_until("gone", 5 * SECOND, |w| !w.running(1));
}

#[test]
fn however_many_groups_a_node_has_it_takes_them_all() {
    let mut world = pair(Failback::On);
    for group in 2..602 {
        world.ask(
            0,
            Message::of("ip-request-resp")
                .with("dest", "a1")
                .with("ipaddr", &group.to_string())
                .with("weown", "yes")
                .with("ok", "OK"),
        );
    }
    world.run(30 * SECOND);
    assert_eq!(world.nodes[0].groups.len(), 601);
}

#[test]
fn a_take_over_that_never_reports_its_end_does_not_block_the_stop() {
    let mut world = pair(Failback::On);
    world.mute_mach_down = true;
    world.crash(1);
    world.run(SETTLE);
    assert_eq!(world.layout(), "01 -");
    world.stop(0);
    world.run_until("gone", 5 * SECOND, |w| !w.running(0));
    assert_eq!(world.layout(), "- -");
}

#[test]
fn groups_are_taken_where_there_are_no_hooks() {
    for failback in [Failback::On, Failback::Off, Failback::Legacy] {
        let mut world = World::new(failback, 1, 7);
        world.hookless = true;
        world.start(0);
        settle(&mut world, "01 -");
        if failback.nice() {
            world.start(1);
            one_owner_each(&mut world, "both");
            world.crash(1);
            settle(&mut world, "01 -");
        }
        world.stop(0);
        world.run_until("gone", 5 * SECOND, |w| !w.running(0));
        assert_eq!(world.layout(), "- -");
    }
}

/// Groups that a dead daemon left running must not run beside those of their new owner.
#[test]
fn a_daemon_that_died_and_left_its_services_starts_clean() {
    for pause in [ms(500), 10 * SECOND] {
        for failback in [Failback::On, Failback::Off, Failback::Legacy] {
            let mut world = pair(failback);
            if failback != Failback::Legacy {
                world.standby(1, "all");
                settle(&mut world, "01 -");
            }
            world.kill(0);
            world.run(pause);
            world.start(0);
            one_owner_each(&mut world, &format!("{failback:?}, back after {pause:?}"));
        }
    }
}

#[test]
fn a_reloading_node_is_not_robbed_by_one_that_just_starts() {
    for between in (0..1200).step_by(10) {
        let mut world = pair(Failback::On);
        world.crash(1);
        settle(&mut world, "01 -");
        world.reload(0);
        world.run(ms(between));
        world.start(1);
        one_owner_each(&mut world, &format!("started {between} ms after the reload"));
        world.assert_never_double();
    }
}

#[test]
fn scripts_of_a_cancelled_hand_over_do_not_end_the_next_one() {
    let mut world = pair(Failback::Off);
    world.standby(1, "all");
    settle(&mut world, "01 -");
    world.script_time = ms(2500);
    world.standby(0, "all");
    world.run_until("released", SETTLE, |w| w.layout() == "- -");
    world.run(ms(300));
    world.crash(0);
    world.run(ms(100));
    world.start(0);
    world.run_until("back", SETTLE, |w| w.logged(0, "Comm_now_up") == 2);
    world.run(ms(100));
    world.standby(1, "all");
    one_owner_each(&mut world, "after the second hand-over");
    world.assert_never_double();
}

/// A C daemon goes up on the first packet, whatever it is. If that is an acknowledgement it believes itself
/// alone, and in the old mode takes its groups without asking who has them.
#[test]
fn the_first_word_to_a_node_that_starts_is_a_status() {
    for seed in 0..40 {
        let mut world = World::new(Failback::Legacy, 1, seed);
        world.start(0);
        settle(&mut world, "01 -");
        let mut hear = |generation: &str, seq: &str, st: &str| {
            let message = Message::of("status").with("st", st).with("src", "a2").with("dt", "1388");
            let message =
                message.with("hg", generation).with("seq", seq).with("ts", "1").with("protocol", "1");
            let now = Now { mono: world.now, wall: 1 };
            let input = Input::Received { link: "eth0".to_owned(), message };
            let actions = world.nodes[0].engine.as_mut().expect("it runs").handle(now, input);
            let sent = |action| match action {
                Action::Send(message) => message.kind().map(str::to_owned),
                _ => None,
            };
            actions.into_iter().find_map(sent)
        };
        assert_eq!(hear("10", "1", "init").as_deref(), Some("status"), "first start, seed {seed}");
        assert_eq!(hear("11", "1", "init").as_deref(), Some("status"), "restart, seed {seed}");
        assert_ne!(hear("11", "2", "up").as_deref(), Some("status"), "once is enough, seed {seed}");
    }
}

/// The peer begins anew while its group is on its way to it, and a ping node is lost at the same time: what the
/// hook for that takes is nothing.
#[test]
fn a_ping_node_that_dies_during_a_release_takes_no_group() {
    for failback in [Failback::On, Failback::Off] {
        let mut world = World::new(failback, 1, 7);
        world.pings = true;
        world.start(0);
        world.run(ms(36));
        world.start(1);
        settle(&mut world, "0 1");
        world.standby(1, "all");
        settle(&mut world, "01 -");
        world.script_time = 6 * SECOND;
        world.standby(0, "foreign");
        world.run(SECOND);
        world.nodes[0].pingable = false;
        world.kill(1);
        world.run(SECOND);
        world.start(1);
        one_owner_each(&mut world, "a release while a ping node is lost");
    }
}

/// Legacy mode: a device that cannot reset this node has taken nothing from it either.
#[test]
fn a_reset_that_fails_is_no_reason_to_let_go() {
    for result in ["bad", "badhost", "unneeded"] {
        let mut world = World::new(Failback::Legacy, 1, 7);
        world.fencing = true;
        world.misfire = 1.0;
        world.start(0);
        world.run(ms(36));
        world.start(1);
        settle(&mut world, "0 1");
        world.cables[0][0] = Weather::CUT;
        world.run_until("it tried", 10 * SECOND, |w| w.logged(1, "STONITH of") > 0);
        world.ask(1, Message::of("stonith").with("node", "a1").with("result", result));
        world.run(10 * SECOND);
        assert_eq!(world.layout(), "0 1", "{result}: {}", world.story());
    }
}

/// A script that stops a group for longer than the ten seconds after which a node that starts takes its own.
#[test]
fn what_is_still_being_stopped_is_not_taken_by_who_begins_anew() {
    for failback in [Failback::On, Failback::Off] {
        let mut world = pair(failback);
        world.standby(1, "all");
        settle(&mut world, "01 -");
        world.script_time = 40 * SECOND;
        world.standby(0, "foreign");
        world.run(SECOND);
        world.script_time = ms(40);
        world.kill(1);
        world.run(SECOND);
        world.start(1);
        world.run(40 * SECOND);
        one_owner_each(&mut world, "a slow stop");
        world.assert_never_double();
    }
}

/// After a false death a group is on its way out for long; the peer begins anew, and somebody asks for a standby that
/// nobody accepts.
#[test]
fn a_release_that_ends_is_no_answer_to_an_offer() {
    let mut world = pair(Failback::On);
    world.cables[0][1] = Weather::CUT;
    world.run_until("false death", SETTLE, |w| w.holders(1).len() == 2);
    world.run(SECOND);
    world.script_time = 40 * SECOND;
    world.cables[0][1] = Weather::FAIR;
    world.run_until("it lets go", 5 * SECOND, |w| w.logged(0, "releasing them here") == 1);
    world.script_time = ms(40);
    world.crash(1);
    world.run(SECOND);
    world.start(1);
    world.run(35 * SECOND);
    world.standby(0, "foreign");
    world.run(8 * SECOND);
    assert_eq!(world.logged(0, "a1 wants to go standby"), 1, "{}", world.story());
    assert_eq!(world.logged(0, "Local standby process completed"), 0, "{}", world.story());
    one_owner_each(&mut world, "a release that outlasts a restart");
}

/// A node that stops holds nothing any more by its own words, and its scripts have not ended for long.
#[test]
fn what_a_stop_has_not_ended_is_not_taken_by_who_begins() {
    for failback in [Failback::On, Failback::Off] {
        // so long before the stop the other one is started, or after it
        for (before, after) in [(2000, 0), (40, 0), (0, 0), (0, 40), (0, 3000)] {
            let mut world = pair(failback);
            world.crash(0);
            settle(&mut world, "- 01");
            if before > 0 {
                world.start(0);
                world.run(ms(before));
            }
            world.script_time = 30 * SECOND;
            world.stop(1);
            world.run_until("it stops", 120 * SECOND, |w| w.logged(1, "Heartbeat shutdown in progress") == 1);
            world.run(ms(after));
            world.script_time = ms(40);
            if before == 0 {
                world.start(0);
            }
            world.run(100 * SECOND);
            assert_eq!(world.layout(), "01 -", "{failback:?} {before} {after}\n{}", world.story());
            world.assert_never_double();
        }
    }
}

/// It runs without resources, and will never say that they are stable.
#[test]
fn nobody_waits_with_its_end_for_a_peer_that_has_nothing_to_say() {
    let mut world = World::new(Failback::On, 1, 7);
    world.start(0);
    world.run(ms(36));
    world.manages = false;
    world.start(1);
    world.run(60 * SECOND);
    assert!(world.holders(0).contains(&0), "{}", world.story());
    world.stop(0);
    world.run(30 * SECOND);
    assert_eq!(world.nodes[0].endings, [Ending::Stop], "{}", world.story());
    assert!(world.holders(0).is_empty(), "{}", world.story());
}

/// It left in good order, and is back before its groups have started here.
#[test]
fn who_is_back_before_its_groups_were_taken_gets_them_back() {
    let mut world = pair(Failback::On);
    world.script_time = 20 * SECOND;
    world.stop(1);
    world.run_until("it has left", 60 * SECOND, |w| w.nodes[1].endings == [Ending::Stop]);
    world.start(1);
    world.run(SECOND);
    world.script_time = ms(40);
    world.run(90 * SECOND);
    assert_eq!(world.layout(), "0 1", "{}", world.story());
    world.assert_never_double();
}

#[test]
fn a_reload_that_waits_for_an_answer_does_not_wait_for_a_dead_node() {
    let mut world = pair(Failback::On);
    world.crash(1);
    settle(&mut world, "01 -");
    world.prepare_time = 10 * SECOND;
    world.start(1);
    world.run_until("an offer", 30 * SECOND, |w| w.logged(0, "a1 wants to go standby") == 1);
    world.reload(0);
    world.crash(1);
    world.run(30 * SECOND);
    assert!(matches!(world.nodes[0].endings[..], [Ending::Reload { .. }]), "{}", world.story());
    assert_eq!(world.layout(), "01 -", "{}", world.story());
}
