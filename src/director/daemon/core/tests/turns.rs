//! Reloads, standby, the end.

use super::*;

#[test]
fn the_same_configuration_again_changes_nothing() {
    let mut world = World::active(WEB).put_down(&["10.0.0.2"]);
    world.go(ms(500));
    world.told();
    world.give(Input::Reload(config(WEB)));
    assert_eq!(world.core.status(), Status::Reloading);
    world.go(ms(3_000));
    assert_eq!(world.told(), Vec::<String>::new(), "who is down is not pulsed");
    assert_eq!(world.core.status(), Status::Running);
}

#[test]
fn a_new_configuration_changes_what_differs() {
    let mut world = World::active(WEB);
    world.go(ms(500));
    world.told();
    let text = WEB.replace("masq 5", "masq 7").replace("10.0.0.100", "10.0.0.101") + WEB;
    world.give(Input::Reload(config(&text)));
    world.go(ms(500));
    let both = BOTH.replace("0.100", "0.101").replace("/5", "/7");
    assert_eq!(world.rows(), format!("{BOTH}; {both}"));
    assert!(world.told().iter().all(|op| op.contains("10.0.0.101")));
    world.give(Input::Reload(config(WEB)));
    world.go(ms(500));
    assert_eq!(
        (world.rows().as_str(), world.told().as_slice()),
        (BOTH, &["-D -t 10.0.0.101:80".to_owned()][..])
    );
}

#[test]
fn an_answer_that_comes_late_counts_for_nobody_else() {
    let mut world = World::active(WEB);
    world.hanging.insert("10.0.0.1".parse().unwrap());
    world.go(ms(500));
    world.give(Input::Reload(config(&WEB.replace("10.0.0.1:80", "10.0.0.3:80"))));
    let old = Ticket { generation: 0, number: 0 };
    assert!(world.core.targets(old).is_empty());
    world.give(Input::Answer(old, Verdict::Down));
    world.go(ms(500));
    assert_eq!(world.rows(), "10.0.0.100:80: 10.0.0.2:80/1 10.0.0.3:80/5");
}

#[test]
fn a_reload_during_a_conversation_is_not_confused_by_its_end() {
    let mut world = World::active(WEB);
    world.pace = ms(400);
    world.go(ms(600));
    let text = WEB.replace("10.0.0.100", "10.0.0.90") + "virtual=10.0.0.91:80\n\treal=10.0.0.3:80 masq\n";
    world.give(Input::Reload(config(&text)));
    world.go(ms(5_000));
    let first = BOTH.replace("0.100", "0.90");
    assert_eq!(world.rows(), format!("{first}; 10.0.0.91:80: 10.0.0.3:80/1"));
}

#[test]
fn what_was_done_for_another_configuration_is_no_success_of_this_one() {
    let mut world = World::active(WEB);
    world.go(ms(500));
    world.pace = ms(200);
    world.down.insert("10.0.0.1".parse().unwrap());
    world.kernel.table.apply(&Op::DelService(web())).unwrap();
    let begun = world.serving.len();
    while world.kernel.table.get(&web()).is_none() {
        world.go(ms(1));
    }
    // the kernel has done it, and has not answered yet
    world.give(Input::Reload(config(&WEB.replace("10.0.0.100", "10.0.0.101"))));
    while world.serving.len() == begun {
        world.go(ms(1));
    }
    assert!(world.rows().starts_with("10.0.0.101:80:"), "{}", world.rows());
}

#[test]
fn who_stands_by_checks_and_leaves_the_kernel_alone() {
    let mut world = World::new(WEB, Mode::Standby, Default::default(), Vec::new()).put_down(&["10.0.0.2"]);
    world.go(ms(60_000));
    assert_eq!((world.looks, world.told()), (0, Vec::new()));
    assert_eq!(world.log.len(), 2, "{:?}", world.log);
    assert!(world.commands.is_empty());
    let before = world.now;
    world.give(Input::Activate);
    world.go(ms(3));
    assert_eq!(world.rows(), "10.0.0.100:80: 10.0.0.1:80/5", "from what is known, without a check");
    assert_eq!(world.serving, [(Duration::ZERO, Mode::Standby), (before + ms(2), Mode::Active)]);
    assert_eq!(world.commands, [(0, Verb::Stop)]);
    world.give(Input::Release);
    world.go(ms(30_000));
    assert_eq!(world.rows(), "");
    assert_eq!(world.serving.last().unwrap().1, Mode::Standby);
    let looks = world.looks;
    world.down.clear();
    world.go(ms(60_000));
    assert_eq!(world.looks, looks);
    assert!(world.longest_pause("10.0.0.1", Duration::ZERO) <= ms(1_010));
    world.give(Input::Activate);
    world.go(ms(3));
    assert_eq!(world.rows(), BOTH);
}

#[test]
fn a_fallback_is_warm_too() {
    let mut world = World::new(WEB, Mode::Standby, Default::default(), Vec::new());
    world.down.extend(["10.0.0.1", "10.0.0.2"].map(|ip| ip.parse::<std::net::IpAddr>().unwrap()));
    world.go(ms(5_000));
    world.give(Input::Activate);
    world.go(ms(3));
    assert_eq!(world.rows(), "10.0.0.100:80: 127.0.0.1:80/1");
}

#[test]
fn a_fallback_is_warm_though_somebody_hangs() {
    let mut world = World::new(WEB, Mode::Standby, Default::default(), Vec::new()).put_down(&["10.0.0.2"]);
    world.hanging.insert("10.0.0.1".parse().unwrap());
    world.go(PATIENCE + ms(500));
    world.give(Input::Activate);
    world.go(ms(3));
    assert_eq!(world.rows(), "10.0.0.100:80: 127.0.0.1:80/1");
}

#[test]
fn who_changes_his_mind_serves_in_the_end() {
    let mut world = World::active(WEB);
    world.go(ms(500));
    world.pace = ms(100);
    for (first, second) in [(ms(0), ms(0)), (ms(50), ms(60)), (ms(150), ms(60))] {
        world.give(Input::Release);
        world.go(first);
        world.give(Input::Activate);
        world.go(second);
        world.go(ms(20_000));
        assert_eq!(world.rows(), BOTH, "{first:?}");
        assert_eq!(world.serving.last().unwrap().1, Mode::Active);
    }
}

#[test]
fn who_ends_during_a_reload_takes_out_what_the_old_configuration_named() {
    let mut world = World::active(WEB);
    world.go(ms(500));
    world.pace = ms(100);
    world.give(Input::Reload(config(&WEB.replace("10.0.0.100", "10.0.0.101"))));
    world.give(Input::Stop { keep: false });
    world.go(ms(5_000));
    assert_eq!((world.rows().as_str(), world.ended), ("", Some(ms(700))));
}

#[test]
fn the_end_takes_everything_out_or_leaves_it() {
    let text = format!("{WEB}virtual=10.0.0.101:80\n\treal=10.0.0.1:80 masq\n\tcleanstop=no\n");
    let mut world = World::active(&text);
    world.go(ms(500));
    let now = world.now;
    world.give(Input::Stop { keep: false });
    world.go(ms(500));
    assert_eq!(world.rows(), "10.0.0.101:80: 10.0.0.1:80/1");
    assert_eq!(world.ended, Some(now + ms(2)));
    assert_eq!(world.mails.last().unwrap().1, Status::Stopping);

    let mut world = World::active(WEB);
    world.go(ms(500));
    world.give(Input::Stop { keep: true });
    assert_eq!((world.rows().as_str(), world.ended), (BOTH, Some(world.now)));
}

#[test]
fn the_end_does_not_wait_for_ever() {
    let mut world = World::active(WEB);
    world.go(ms(500));
    world.pace = ms(3_600_000);
    world.give(Input::Stop { keep: false });
    world.give(Input::Stop { keep: false });
    world.go(ms(60_000));
    assert_eq!(world.ended, Some(ms(5_500)));
    assert!(world.log.last().unwrap().contains("does not answer"));
    assert!(!world.clean);
}

/// 300 services: more than go out at once otherwise.
fn many() -> World {
    let service = |n: u32| format!("virtual=10.1.{}.{}:80\n\treal=10.2.0.1:80 masq\n", n / 100, n % 100);
    let mut world = World::active(&(0..300).map(service).collect::<String>());
    world.go(ms(5_000));
    assert_eq!(world.kernel.table.entries.len(), 300);
    world
}

#[test]
fn many_services_go_too() {
    let mut world = many();
    world.give(Input::Stop { keep: false });
    world.go(ms(10_000));
    assert_eq!((world.rows().as_str(), world.clean), ("", true));
    let mut world = many();
    world.give(Input::Release);
    world.go(ms(10_000));
    assert_eq!((world.rows().as_str(), world.serving.last().unwrap().1), ("", Mode::Standby));
}

#[test]
fn who_leaves_tries_again() {
    for broken in [true, false] {
        for stop in [true, false] {
            let mut world = World::active(WEB);
            world.go(ms(500));
            let fault = |world: &mut World, on: bool| {
                world.broken = (on && broken).then(|| "gone".to_owned());
                world.refused = (on && !broken).then_some("-D");
            };
            fault(&mut world, true);
            world.give(if stop { Input::Stop { keep: false } } else { Input::Release });
            world.go(ms(3_000));
            assert_eq!((world.rows().as_str(), world.ended), (BOTH, None));
            assert_eq!(world.serving.last().unwrap().1, Mode::Active, "nobody is told that it is done");
            assert!(world.looks < 15, "{}", world.looks);
            fault(&mut world, false);
            world.go(ms(600));
            assert_eq!(world.rows(), "");
            assert_eq!(world.ended.is_some(), stop);
            assert_eq!(world.clean, stop);
            assert_eq!(world.serving.last().unwrap().1 == Mode::Standby, !stop);
        }
    }
}

#[test]
fn who_cannot_leave_says_so() {
    for broken in [true, false] {
        let mut world = World::active(WEB);
        world.go(ms(500));
        world.broken = broken.then(|| "gone".to_owned());
        world.refused = Some("-D");
        world.give(Input::Stop { keep: false });
        world.go(ms(60_000));
        assert_eq!((world.ended, world.clean), (Some(ms(5_500)), false));
        assert!(world.log.last().unwrap().contains("its table stays"));
    }
    // where nothing can be nothing is waited for
    let mut world = World::active(WEB);
    world.broken = Some("this kernel has no IPVS".to_owned());
    world.go(ms(500));
    world.give(Input::Stop { keep: false });
    world.go(ms(60_000));
    assert_eq!((world.ended, world.clean), (Some(ms(501)), true));
}

#[test]
fn who_cannot_leave_may_serve_again() {
    let mut world = World::active(WEB);
    world.go(ms(500));
    world.refused = Some("-D");
    world.give(Input::Release);
    world.go(ms(60_000));
    assert_eq!((world.rows().as_str(), world.serving.len()), (BOTH, 1));
    world.give(Input::Activate);
    world.refused = None;
    world.go(ms(60_000));
    assert_eq!((world.rows().as_str(), world.serving.last().unwrap().1), (BOTH, Mode::Active));
}

/// What was ours once, and is not there any more, is another's when it comes again.
fn stays_when_another_adds_it(world: &mut World) {
    world.go(ms(60_000));
    assert!(world.kernel.table.get(&web()).is_none() && world.core.once().is_empty());
    world.kernel.table.apply(&Op::AddService(web(), crate::director::table::Service::default())).unwrap();
    world.go(ms(60_000));
    assert!(world.kernel.table.get(&web()).is_some(), "{:?}", world.log);
}

fn elsewhere() -> Arc<Config> {
    config(&WEB.replace("10.0.0.100", "10.0.0.101"))
}

#[test]
fn what_went_twice_is_forgotten_once_it_is_gone() {
    let mut world = World::active(WEB);
    world.go(ms(5_000));
    world.pace = ms(50);
    for config in [elsewhere(), config(WEB), elsewhere()] {
        world.give(Input::Reload(config));
    }
    stays_when_another_adds_it(&mut world);
}

#[test]
fn what_somebody_else_takes_out_is_forgotten() {
    let mut world = World::active(WEB);
    world.go(ms(5_000));
    world.refused = Some("-D ");
    world.give(Input::Reload(elsewhere()));
    world.go(ms(500));
    world.refused = None;
    world.kernel.table.apply(&Op::DelService(web())).unwrap();
    stays_when_another_adds_it(&mut world);
}
