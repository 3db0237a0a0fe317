//! The conversation with the kernel: failures, others who change the table, long tables.

use super::*;

#[test]
fn what_others_change_is_put_right() {
    let mut world = World::active(WEB);
    world.go(ms(500));
    world.kernel.table.apply(&Op::DelService(web())).unwrap();
    world.go(ms(11_000));
    assert_eq!(world.rows(), BOTH);
    let stranger = Op::AddDest(web(), "10.0.0.9:80".parse().unwrap(), Default::default());
    world.kernel.table.apply(&stranger).unwrap();
    world.go(ms(11_000));
    assert_eq!(world.rows(), BOTH);
}

#[test]
fn a_kernel_that_is_not_there_is_told_once_and_tried_again() {
    let mut world = World::active(WEB);
    world.broken = Some("this kernel has no IPVS".to_owned());
    world.go(ms(120_000));
    assert_eq!(world.log, ["this kernel has no IPVS"]);
    assert_eq!(world.serving, [(ms(1), Mode::Active)], "nobody waits longer than for the first try");
    assert!((5..15).contains(&world.looks), "{} looks", world.looks);
    assert_eq!(world.commands, [(0, Verb::Stop)], "people are told");
    assert!(world.longest_pause("10.0.0.1", Duration::ZERO) <= ms(1_010));
    world.broken = None;
    world.go(ms(31_000));
    assert_eq!(world.rows(), BOTH);
    world.broken = Some("this kernel has no IPVS".to_owned());
    world.go(ms(11_000));
    assert_eq!(world.log.iter().filter(|line| line.contains("no IPVS")).count(), 2, "it is new again");
}

#[test]
fn what_fails_is_tried_again_and_no_success_is_told() {
    let mut world = World::active(WEB);
    world.refused = Some("-a -t 10.0.0.100:80 -x 0 -y 0 -r 10.0.0.1:80");
    world.go(ms(10_000));
    assert_eq!(world.rows(), "10.0.0.100:80: 10.0.0.2:80/1", "the others are not held up");
    let about = |world: &World| world.log.iter().filter(|line| line.contains("10.0.0.1:80")).count();
    assert_eq!(about(&world), 1, "{:?}", world.log);
    assert!(!world.state_is_applied());
    world.refused = None;
    world.go(ms(31_000));
    assert_eq!(world.rows(), BOTH);
    assert!(world.log.last().unwrap().starts_with("Added real server: 10.0.0.1:80"));
    assert!(world.state_is_applied());
}

#[test]
fn what_becomes_known_during_a_change_is_not_lost() {
    let mut world = World::active(&format!("quiescent=yes\n{WEB}"));
    world.pace = ms(300);
    world.go(ms(2_000));
    // both within one conversation with the kernel
    world.down.insert("10.0.0.1".parse().unwrap());
    world.go(ms(950));
    world.down.insert("10.0.0.2".parse().unwrap());
    world.go(ms(3_000));
    assert_eq!(world.rows(), "10.0.0.100:80: 10.0.0.1:80/0 10.0.0.2:80/0 127.0.0.1:80/1");
}

/// Step by step: a server is found down while the kernel is being told of another.
#[test]
fn a_change_counts_only_for_what_it_knew() {
    let mut core = Core::new(config(&format!("quiescent=yes\n{WEB}")), Mode::Active, 100, BTreeSet::new());
    let mut kernel = crate::director::ipvs::Fake::default();
    let changes = |actions: Vec<Action>| {
        actions.into_iter().find_map(|action| match action {
            Action::Change(ops) => Some(ops),
            _ => None,
        })
    };
    let answer = |number, verdict| Input::Answer(Ticket { generation: 0, number }, verdict);
    core.handle(ms(0), Input::Tick);
    for input in [None, Some(answer(0, Verdict::Up))] {
        input.into_iter().for_each(|input| drop(core.handle(ms(1), input)));
        let ops = changes(core.handle(ms(2), Input::Table(Ok(kernel.table.clone())))).unwrap();
        ops.iter().for_each(|op| kernel.table.apply(op).unwrap());
        if kernel.table.entries.values().all(|entry| entry.dests.is_empty()) {
            core.handle(ms(3), Input::Done(vec![Ok(()); ops.len()]));
        }
    }
    core.handle(ms(4), answer(1, Verdict::Down));
    let next = core.handle(ms(5), Input::Done(vec![Ok(())]));
    assert!(next.contains(&Action::Look), "{next:?}");
    let ops = changes(core.handle(ms(6), Input::Table(Ok(kernel.table)))).unwrap_or_default();
    let told: Vec<String> = ops.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["-a -t 10.0.0.100:80 -x 0 -y 0 -r 10.0.0.2:80 -m -w 0"]);
}

#[test]
fn many_changes_go_out_in_portions() {
    let service = |n: u32| format!("virtual=10.1.{n}.1:80\n\treal=10.2.{n}.1->10.2.{n}.100:80 masq\n");
    let text: String = (0..20).map(service).collect();
    let mut world = World::active(&format!("checkinterval=1\n{text}"));
    world.go(ms(20_000));
    let rows: usize = world.kernel.table.entries.values().map(|entry| entry.dests.len()).sum();
    assert_eq!(rows, 2_000);
    let told = world.told();
    assert_eq!(told.len(), 2_020, "each once");
}

#[test]
fn who_fails_does_not_hold_up_the_others() {
    let service = |n: u32| format!("virtual=10.{}.1.{}:80\n\treal=10.2.0.1:80 masq\n", n / 200, n % 200);
    let mut world = World::active(&(0..610).map(service).collect::<String>());
    world.refused = Some("-A -t 10.");
    world.go(ms(2_900));
    assert!(world.looks < 20, "{} looks", world.looks);
    assert_eq!(world.serving.len(), 1, "nobody waits longer than for a first try");
    // three portions fail, the last ten services do not
    let mut world = World::active(&(0..610).map(service).collect::<String>());
    world.refused = Some("-A -t 10.0");
    world.go(ms(1_000));
    assert_eq!(world.kernel.table.entries.len(), 410, "{} looks", world.looks);
    world.down.insert("10.2.0.1".parse().unwrap());
    world.go(ms(70_000));
    assert!(
        world.kernel.table.entries.values().all(|entry| entry.dests.is_empty()),
        "and changes come through"
    );
    world.refused = None;
    world.go(ms(61_000));
    assert_eq!(world.kernel.table.entries.len(), 610);
}

#[test]
fn services_of_an_earlier_life_go() {
    let mut kernel = crate::director::ipvs::Fake::default();
    let old = config(&WEB.replace("0.100", "0.99")).virtuals[0].clone();
    for id in [old.id, web()] {
        kernel.table.apply(&Op::AddService(id, old.kernel.clone())).unwrap();
        kernel.table.apply(&Op::AddDest(id, "10.0.0.1:80".parse().unwrap(), old.reals[0].dest())).unwrap();
    }
    let mut world = World::new(WEB, Mode::Active, kernel, vec![old.id]);
    world.refused = Some("-D");
    world.go(ms(400));
    assert!(world.rows().contains("10.0.0.99"));
    assert!(world.core.once().iter().eq([&old.id]), "to be written down");
    world.refused = None;
    world.go(ms(5_000));
    assert!(world.core.once().is_empty());
    assert_eq!(world.rows(), BOTH);
    let told = world.told();
    assert_eq!(told.len(), 2, "the table that was there is taken over: {told:?}");
    assert!(world.log.contains(&"Purged virtual server (start): 10.0.0.99:80".to_owned()));
    // another instance may have it now
    world.kernel.table.apply(&Op::AddService(old.id, old.kernel)).unwrap();
    world.go(ms(30_000));
    assert!(world.rows().contains("10.0.0.99"));
}

/// A table of an earlier life, and checks that are faster than the kernel.
fn fast(text: &str) -> World {
    let mut before = World::active(&text.replace("checktype=off", "checktype=connect"));
    before.go(ms(1_500));
    assert_eq!(before.rows(), BOTH);
    let kernel = crate::director::ipvs::Fake { table: before.kernel.table, ..Default::default() };
    let mut world = World::new(text, Mode::Active, kernel, vec![web()]);
    (world.answer, world.pace) = (ms(0), ms(10));
    world
}

#[test]
fn who_is_found_serving_is_not_taken_out_by_a_fast_check() {
    let mut world = fast(&format!("failurecount=3\n{WEB}")).put_down(&["10.0.0.2"]);
    world.go(ms(1_500));
    assert_eq!(world.rows(), BOTH, "two failures of three");
    world.go(ms(2_000));
    assert_eq!(world.rows(), "10.0.0.100:80: 10.0.0.1:80/5");
}

#[test]
fn who_is_not_checked_stays_over_start_and_reload() {
    let text = format!("{WEB}\tchecktype=off\n");
    let mut world = fast(&text).put_down(&["10.0.0.1", "10.0.0.2"]);
    world.go(ms(3_000));
    assert_eq!(world.rows(), BOTH, "over the start");
    world.give(Input::Reload(config(&text)));
    world.go(ms(30_000));
    assert_eq!((world.rows().as_str(), world.told()), (BOTH, Vec::new()), "over the reload");
    let mut world =
        World::new(&text, Mode::Standby, world.kernel, Vec::new()).put_down(&["10.0.0.1", "10.0.0.2"]);
    (world.answer, world.pace) = (ms(0), ms(1_500));
    world.go(ms(3_000));
    world.give(Input::Activate);
    world.go(ms(30_000));
    assert_eq!(world.rows(), BOTH, "when it begins to serve");
}

#[test]
fn checks_do_not_wait_for_a_kernel_that_is_not_there() {
    let mut world = World::active(WEB);
    (world.answer, world.pace) = (ms(0), ms(3_600_000));
    world.go(PATIENCE - ms(1));
    assert!(world.checked.is_empty());
    world.go(ms(10));
    assert_eq!(world.checked.len(), 2);
    let mut world = World::active(WEB);
    world.broken = Some("gone".to_owned());
    world.go(ms(2));
    assert_eq!(world.checked.len(), 2);
}

impl World {
    /// Whether all that was decided is in the table, by what the core knows.
    fn state_is_applied(&self) -> bool {
        self.core.state.virtuals.iter().all(|watched| watched.swept)
    }
}
