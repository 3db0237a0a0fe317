//! Checks and what comes of them.

use super::*;

#[test]
fn servers_come_when_they_were_checked_and_nothing_is_pulsed() {
    let mut world = World::active(WEB).put_down(&["10.0.0.2"]);
    world.go(ms(500));
    let service = "-t 10.0.0.100:80";
    let added = format!("-a {service} -x 0 -y 0 -r 10.0.0.1:80 -m -w 5");
    assert_eq!(world.told(), [format!("-A {service} -s wrr"), added]);
    assert_eq!(world.core.status(), Status::Running);
    assert_eq!(world.commands, [(0, Verb::Stop)]);
    assert_eq!(world.core.census(), (1, 2));
    world.go(ms(60_000));
    assert_eq!(world.told(), Vec::<String>::new(), "nothing happens, nothing is told");
}

#[test]
fn the_last_one_goes_before_the_fallback_comes_and_back() {
    let mut world = World::active(WEB).put_down(&["10.0.0.2"]);
    world.go(ms(500));
    world.told();
    world.down.insert("10.0.0.1".parse().unwrap());
    world.go(ms(1_100));
    let options: Vec<String> = world.told().iter().map(|op| op[..2].to_owned()).collect();
    assert_eq!(options, ["-d", "-a"]);
    assert_eq!(world.rows(), "10.0.0.100:80: 127.0.0.1:80/1");
    world.down.clear();
    world.go(ms(1_100));
    assert_eq!(world.rows(), BOTH);
    assert_eq!(world.commands, [(0, Verb::Stop), (0, Verb::Start), (0, Verb::Stop)]);
    // the first that recovers pushes the fallback out, whichever it is
    let told = |line: &str| world.mails.iter().filter(|(mail, _)| mail.starts_with(line)).count();
    let counts = ["Added real", "Deleted real", "Added fallback", "Deleted fallback"].map(told);
    assert_eq!((counts, world.mails.len()), ([3, 1, 1, 1], 7), "and the service itself");
    assert_eq!(world.mails[0].1, Status::Starting);
    assert_eq!(world.mails[6].1, Status::Running);
}

#[test]
fn who_hangs_delays_neither_checks_nor_the_table() {
    let mut text = "checkinterval=1\nvirtual=10.0.0.100:80\n\treal=10.0.1.1->10.0.4.232:80 masq\n".to_owned();
    text += "\tfallback=127.0.0.1:80 masq\n";
    let mut world = World::active(&text);
    world.hanging.extend((1..=10).map(|n| std::net::IpAddr::from([10, 0, 2, n])));
    world.go(ms(20_000));
    assert!(world.longest_pause("10.0.1.1", Duration::ZERO) <= ms(1_100));
    let died = world.now;
    world.down.insert("10.0.1.1".parse().unwrap());
    world.go(ms(1_000));
    assert!(world.log.iter().any(|line| line.starts_with("Deleted real server: 10.0.1.1:80")), "at {died:?}");
    assert!(world.longest_pause("10.0.2.1", Duration::ZERO) <= HANG + ms(1), "who hangs is asked again");
}

#[test]
fn a_slow_kernel_delays_no_check() {
    let mut world = World::active(WEB).put_down(&["10.0.0.2"]);
    world.pace = ms(7_000);
    world.go(ms(30_000));
    assert!(world.longest_pause("10.0.0.1", Duration::ZERO) <= ms(1_010));
    assert_eq!(world.rows(), "10.0.0.100:80: 10.0.0.1:80/5");
}

#[test]
fn fallbacks_do_not_wait_for_who_hangs() {
    let mut world = World::active(WEB).put_down(&["10.0.0.2"]);
    world.hanging.insert("10.0.0.1".parse().unwrap());
    world.go(PATIENCE - ms(1));
    assert_eq!(world.rows(), "10.0.0.100:80:", "it may be up");
    world.go(ms(10));
    assert_eq!(world.rows(), "10.0.0.100:80: 127.0.0.1:80/1");
}

#[test]
fn shared_servers_are_checked_once_and_count_for_all() {
    let other = WEB.replace("checkinterval=1\n", "").replace("10.0.0.100", "10.0.0.101");
    let mut world = World::active(&(WEB.to_owned() + &other));
    world.go(ms(300));
    assert_eq!(world.checked.len(), 2);
    assert_eq!(world.rows(), format!("{BOTH}; {}", BOTH.replace("0.100", "0.101")));
}

#[test]
fn maintenance_counts_at_once_and_puts_back_what_a_hand_takes() {
    let text = format!("readdquiescent=yes\nquiescent=yes\nfailurecount=3\n{WEB}");
    let mut world = World::active(&text);
    world.go(ms(500));
    world.maintained.insert("10.0.0.1".parse().unwrap());
    world.go(ms(1_100));
    let resting = "10.0.0.100:80: 10.0.0.1:80/0 10.0.0.2:80/1";
    assert_eq!(world.rows(), resting);
    let taken = Op::DelDest(web(), "10.0.0.1:80".parse().unwrap());
    world.kernel.table.apply(&taken).unwrap();
    world.go(ms(1_100));
    assert_eq!(world.rows(), resting);
}

/// Nothing is done about who was never in the table, but people want to be reminded of him.
#[test]
fn who_is_down_from_the_start_is_noticed() {
    let mut world = World::active(WEB);
    world.hanging.insert("10.0.0.2".parse().unwrap());
    world.go(HANG - ms(1));
    let (mails, noticed) = (world.mails.len(), world.noticed);
    world.go(ms(10));
    assert_eq!((world.mails.len(), world.noticed), (mails, noticed + 1));
    world.go(ms(20_000));
    assert_eq!(world.noticed, noticed + 1, "once");
}

fn statuses(world: &mut World) -> Vec<Status> {
    std::mem::take(&mut world.mails).into_iter().map(|(_, status)| status).collect()
}

#[test]
fn what_the_first_round_makes_known_belongs_to_the_start() {
    let mut world = World::active(WEB).put_down(&["10.0.0.2"]);
    world.go(ms(500));
    // the service, and who is up
    assert_eq!(statuses(&mut world), [Status::Starting; 2]);
    let text = format!("{WEB}\treal=10.0.0.3:80 masq\n");
    world.give(Input::Reload(config(&text)));
    world.go(ms(500));
    assert_eq!(statuses(&mut world), [Status::Reloading]);
    world.down.clear();
    world.go(ms(2_000));
    assert_eq!(statuses(&mut world), [Status::Running]);
}

/// The first round is over while the kernel is being told of somebody who was faster.
#[test]
fn a_change_before_the_end_of_the_first_round_does_not_end_it() {
    let mut world = World::active(&format!("quiescent=yes\n{WEB}")).put_down(&["10.0.0.1"]);
    world.hanging.insert("10.0.0.2".parse().unwrap());
    world.pace = ms(1_400);
    world.go(ms(9_000));
    let fallback = world.mails.iter().find(|(line, _)| line.starts_with("Added fallback server"));
    assert_eq!(fallback.unwrap().1, Status::Starting, "{:?}", world.mails);
    assert_eq!(world.core.status(), Status::Running);
}

#[test]
fn who_cannot_tell_the_kernel_runs_all_the_same() {
    let mut world = World::active(WEB);
    world.broken = Some("gone".to_owned());
    world.go(ms(4_000));
    assert_eq!(world.core.status(), Status::Running);
    let mut world = World::new(WEB, Mode::Standby, Default::default(), Vec::new());
    world.go(ms(4_000));
    assert_eq!(world.core.status(), Status::Running);
}
