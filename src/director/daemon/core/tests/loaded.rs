//! `warmstandby=loaded`: who stands by has the table of who serves, and is silent.

use super::*;

fn text(value: &str) -> String {
    format!("warmstandby={value}\n{WEB}")
}

/// Standing by, with one of two servers.
fn loaded() -> World {
    let world = World::new(&text("loaded"), Mode::Standby, Default::default(), Vec::new());
    let mut world = world.put_down(&["10.0.0.2"]);
    world.go(ms(500));
    world
}

const ONE: &str = "10.0.0.100:80: 10.0.0.1:80/5";

fn modes(world: &World) -> Vec<Mode> {
    world.serving.iter().map(|(_, mode)| *mode).collect()
}

fn is_silent(world: &World) -> bool {
    world.mails.is_empty() && world.commands.is_empty()
}

#[test]
fn the_table_is_kept_right_and_nobody_hears_of_it() {
    let mut world = loaded();
    assert_eq!((world.rows().as_str(), modes(&world)), (ONE, vec![Mode::Standby]));
    world.down.insert("10.0.0.1".parse().unwrap());
    world.go(ms(2_000));
    assert_eq!(world.rows(), "10.0.0.100:80: 127.0.0.1:80/1");
    world.down.clear();
    world.go(ms(2_000));
    assert_eq!(world.rows(), BOTH);
    // what others change is put right
    world.kernel.table.apply(&Op::DelService(web())).unwrap();
    world.go(ms(11_000));
    assert_eq!((world.rows().as_str(), is_silent(&world)), (BOTH, true));
    assert!(world.log.iter().any(|line| line.starts_with("Deleted real server: 10.0.0.1:80")));
    assert!(!world.log.iter().any(|line| line.starts_with("Standby: ")), "told once: {:?}", world.log);
}

#[test]
fn a_take_over_changes_nothing_in_the_table_and_neither_does_the_way_back() {
    let mut world = loaded();
    world.told();
    let now = world.now;
    world.give(Input::Activate);
    world.go(ms(3));
    assert_eq!(world.serving.last(), Some(&(now + ms(1), Mode::Active)), "when it has looked");
    assert_eq!(world.commands, [(0, Verb::Stop)], "from here on they are run");
    world.go(ms(20_000));
    world.give(Input::Release);
    assert_eq!(world.serving.last().unwrap().1, Mode::Standby);
    world.go(ms(20_000));
    world.give(Input::Activate);
    world.go(ms(20_000));
    assert_eq!(world.commands, [(0, Verb::Stop); 2]);
    assert_eq!((world.told(), world.rows().as_str()), (Vec::new(), ONE));
    assert!(world.mails.is_empty(), "{:?}", world.mails);
    world.down.clear();
    world.go(ms(2_000));
    assert_eq!(world.mails.len(), 1, "who serves is heard of");
}

#[test]
fn the_end_takes_everything_out_or_leaves_it() {
    let mut world = loaded();
    world.give(Input::Stop { keep: true });
    assert_eq!((world.rows().as_str(), world.ended), (ONE, Some(world.now)));
    let mut world = loaded();
    world.give(Input::Stop { keep: false });
    world.go(ms(500));
    assert_eq!((world.rows().as_str(), world.clean, is_silent(&world)), ("", true, true));
}

#[test]
fn a_reload_loads_the_table_and_clears_it() {
    let mut world = World::new(&text("yes"), Mode::Standby, Default::default(), Vec::new());
    world.go(ms(500));
    assert_eq!(world.rows(), "");
    world.give(Input::Reload(config(&text("loaded"))));
    world.go(ms(500));
    assert_eq!(world.rows(), BOTH);
    for value in ["no", "yes"] {
        // what the new configuration does not name goes, too
        let other = text(value).replace("10.0.0.100", "10.0.0.101");
        world.give(Input::Reload(config(&other)));
        world.go(ms(500));
        assert_eq!((world.rows().as_str(), world.core.once().len()), ("", 0), "{value}");
        let looks = world.looks;
        world.go(ms(60_000));
        assert_eq!(world.looks, looks, "it is not touched any more");
        world.give(Input::Reload(config(&text("loaded"))));
        world.go(ms(500));
        assert_eq!(world.rows(), BOTH);
    }
    assert!(world.serving.iter().all(|(_, mode)| *mode == Mode::Standby) && is_silent(&world));
}

/// Two reloads, one right after the other, while the kernel takes its time.
#[test]
fn what_is_being_cleared_is_not_forgotten() {
    let mut world = loaded();
    world.pace = ms(100);
    world.give(Input::Reload(config(&text("yes"))));
    world.give(Input::Reload(config(&text("yes").replace("10.0.0.100", "10.0.0.101"))));
    world.give(Input::Release);
    let begun = world.serving.len();
    world.go(ms(5_000));
    assert_eq!((world.rows().as_str(), world.serving.len()), ("", begun + 1), "told when it is so");
}

#[test]
fn who_was_leaving_the_table_keeps_it_when_that_is_wanted() {
    let mut world = World::active(&text("yes"));
    world.go(ms(500));
    world.pace = ms(100);
    world.give(Input::Release);
    world.give(Input::Reload(config(&text("loaded"))));
    world.go(ms(5_000));
    assert_eq!((world.rows().as_str(), world.serving.last().unwrap().1), (BOTH, Mode::Standby));
    let commands = world.commands.len();
    world.down.insert("10.0.0.1".parse().unwrap());
    world.down.insert("10.0.0.2".parse().unwrap());
    world.go(ms(5_000));
    assert_eq!((world.rows().as_str(), world.commands.len()), ("10.0.0.100:80: 127.0.0.1:80/1", commands));
}

/// The last daemon died with the table loaded, and the configuration is another one by now.
#[test]
fn who_finds_a_table_that_is_not_wanted_any_more_clears_it() {
    let kernel = loaded().kernel;
    let mut world = World::new(&text("yes"), Mode::Standby, kernel, vec![web()]);
    world.go(ms(500));
    assert_eq!((world.rows().as_str(), modes(&world)), ("", vec![Mode::Standby]));
    let kernel = loaded().kernel;
    let mut world = World::new(&text("loaded"), Mode::Standby, kernel, vec![web()]);
    world.kernel.told.clear();
    world.down.insert("10.0.0.2".parse().unwrap());
    world.go(ms(20_000));
    assert_eq!((world.rows().as_str(), world.told()), (ONE, Vec::new()), "and keeps it where it is");
}

#[test]
fn a_kernel_out_of_reach_keeps_nobody_waiting() {
    let mut world = World::new(&text("loaded"), Mode::Standby, Default::default(), Vec::new());
    world.broken = Some("gone".to_owned());
    world.go(ms(500));
    assert_eq!((modes(&world), is_silent(&world)), (vec![Mode::Standby], true));
    world.give(Input::Activate);
    world.go(ms(500));
    assert_eq!(world.serving.last().unwrap().1, Mode::Active);
    world.give(Input::Release);
    assert_eq!(world.serving.last().unwrap().1, Mode::Standby);
    world.broken = None;
    world.go(ms(60_000));
    assert_eq!(world.rows(), BOTH);
}
