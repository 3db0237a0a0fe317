//! Servers that are named no more: their connections end first.

use super::*;
use crate::director::table::Connected;

const ONE: &str =
    "checkinterval=1\nvirtual=10.0.0.100:80\n\treal=10.0.0.1:80 masq 5\n\tfallback=127.0.0.1:80 masq\n";

/// Both serve, the second has these connections.
fn both(active: u32, inactive: u32) -> World {
    let mut world = World::active(WEB);
    world.go(ms(500));
    assert_eq!(world.rows(), BOTH);
    connect(&mut world, active, inactive);
    world.told();
    world
}

/// The same; then the second is named no more.
fn without_the_second(active: u32, inactive: u32) -> World {
    let mut world = both(active, inactive);
    world.log.clear();
    world.mails.clear();
    world.give(Input::Reload(config(ONE)));
    world
}

fn connect(world: &mut World, active: u32, inactive: u32) {
    let entry = world.kernel.table.entries.get_mut(&web()).unwrap();
    entry.connect("10.0.0.2:80".parse().unwrap(), Connected { active, inactive });
}

const QUIET: &str = "-e -t 10.0.0.100:80 -x 0 -y 0 -r 10.0.0.2:80 -m -w 0";
const GONE: &str = "-d -t 10.0.0.100:80 -r 10.0.0.2:80";
const REST: &str = "10.0.0.100:80: 10.0.0.1:80/5";

#[test]
fn who_has_no_connections_goes_at_once() {
    let mut world = without_the_second(0, 0);
    world.go(ms(100));
    assert_eq!((world.told(), world.rows().as_str()), (vec![GONE.to_owned()], REST));
}

#[test]
fn who_has_some_gets_no_new_ones_and_goes_when_they_are_over() {
    let mut world = without_the_second(3, 40);
    world.go(ms(3_500));
    assert_eq!(world.told(), [QUIET], "once, and nothing else");
    connect(&mut world, 0, 43);
    world.go(ms(1_100));
    assert_eq!((world.told(), world.rows().as_str()), (vec![GONE.to_owned()], REST));
    let wanted = [
        "Quiescent real server: 10.0.0.2:80 (10.0.0.100:80) (Weight set to 0)",
        "Purged real server (start): 10.0.0.2:80 (10.0.0.100:80)",
    ];
    assert_eq!(world.log, wanted);
    let looks = world.looks;
    world.go(ms(9_000));
    assert!(world.looks <= looks + 1, "nobody is waited for any more");
}

#[test]
fn one_that_only_begins_is_waited_for() {
    let mut world = without_the_second(0, 1);
    world.go(ms(900));
    assert_eq!(world.told(), [QUIET]);
    connect(&mut world, 1, 0);
    world.go(ms(2_000));
    assert_eq!(world.told(), Vec::<String>::new());
    connect(&mut world, 0, 1);
    world.go(ms(1_100));
    assert_eq!(world.told(), [GONE]);
}

#[test]
fn it_is_not_waited_for_ever() {
    let mut world = without_the_second(1, 0);
    world.go(ms(9_500));
    assert_eq!(world.told(), [QUIET]);
    world.go(ms(1_500));
    assert_eq!((world.told(), world.rows().as_str()), (vec![GONE.to_owned()], REST));
}

#[test]
fn who_is_named_again_meanwhile_serves_again() {
    let mut world = without_the_second(1, 0);
    world.go(ms(2_000));
    assert_eq!(world.told(), [QUIET]);
    world.give(Input::Reload(config(WEB)));
    world.go(ms(20_000));
    assert_eq!(world.told(), ["-e -t 10.0.0.100:80 -x 0 -y 0 -r 10.0.0.2:80 -m -w 1"]);
    assert_eq!(world.rows(), BOTH);
    // and has all its time when it is named no more for the second time
    world.give(Input::Reload(config(ONE)));
    world.go(ms(9_500));
    assert_eq!(world.told(), [QUIET]);
}

/// A server found down is not waited for, nor one that was down when it was named no more.
#[test]
fn who_is_down_is_not_waited_for() {
    let mut world = both(5, 0);
    world.down.insert("10.0.0.2".parse().unwrap());
    world.go(ms(1_500));
    assert_eq!(world.told(), [GONE]);
    let mut world = World::active(&format!("quiescent=yes\n{WEB}")).put_down(&["10.0.0.2"]);
    world.go(ms(500));
    assert!(world.rows().contains(" 10.0.0.2:80/0"), "{}", world.rows());
    connect(&mut world, 5, 0);
    world.told();
    world.give(Input::Reload(config(&format!("quiescent=yes\n{ONE}"))));
    world.go(ms(1_000));
    assert_eq!(world.told(), [GONE]);
}

/// An earlier life, with another configuration, has left it.
#[test]
fn a_start_waits_too() {
    let mut world = World::new(ONE, Mode::Active, both(2, 0).kernel, Vec::new());
    world.go(ms(5_000));
    assert_eq!(world.told(), [QUIET]);
    world.give(Input::Stop { keep: false });
    world.go(ms(100));
    assert_eq!(world.rows(), "", "the end waits for nobody");
}

#[test]
fn a_kernel_that_refuses_weight_0_keeps_nobody_for_ever() {
    let mut world = without_the_second(1, 0);
    world.refused = Some("-e");
    world.go(ms(60_000));
    assert_eq!(world.rows(), REST);
}
