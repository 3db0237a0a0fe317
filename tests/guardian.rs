//! Addresses that somebody takes away, and daemons that die with addresses up: never two owners for longer than it
//! takes to notice, and none left behind.

#![allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]

mod lab;

use lab::node::{Running, spawn};
use lab::watch::Watch;
use lab::{Flavour, Lab, Node};
use std::time::{Duration, Instant};

/// The dead time is long: what is done at once on a busy machine comes before it all the same.
const HA_CF: &str = "logfile /var/log/ha-log\nlogfacility none\nkeepalive 200ms\nwarntime 1000ms\n\
    deadtime 4000ms\ninitdead 8000ms\nbcast eth1\nauto_failback off\nnode b1 b2\n";
const AUTHKEYS: &str = "auth 1\n1 sha1 GuardedAddresses\n";
const HARESOURCES: &str =
    "b1 IPaddr2::10.80.0.101/24/eth0:web IPv6addr::fd80:0:0:0:0:0:0:101/64/eth0 10.80.0.102/24/eth0 plain\n";
const VIPS: [&str; 2] = ["10.80.0.101", "10.80.0.102"];
const HEARTBEAT: &str = "/usr/libexec/heartbeat/heartbeat";
const LIST: &str = "/run/heartbeat.addresses";
const SOON: Duration = Duration::from_secs(60);

/// A service that is no address.
const PLAIN: &str = r#"#!/bin/sh
case $1 in
start) touch /run/plain ;;
stop) rm -f /run/plain ;;
status) if [ -e /run/plain ]; then echo running; else echo stopped; fi ;;
esac
"#;

/// A pair of which b1 serves.
fn serving(name: &str) -> Lab {
    let lab = Lab::new(name, [Flavour::Ours; 2]).unwrap();
    serve(&lab);
    lab
}

fn serve(lab: &Lab) {
    for node in lab.nodes() {
        node.configure(HA_CF, AUTHKEYS, HARESOURCES).unwrap();
        node.write("/etc/ha.d/resource.d/plain", PLAIN, 0o755).unwrap();
        node.must(&["env", "HA_ANNOUNCE_EVERY=1", HEARTBEAT]).unwrap();
    }
    until("b1 serves", || holds_all(lab.node(1)) && plain(lab.node(1)));
    lab.node(2).wait_for_log("remote resource transition completed", 0, SOON).unwrap();
}

fn until(what: &str, so: impl FnMut() -> bool) {
    lab::until(what, SOON, so).unwrap();
}

fn holds_all(node: &Node) -> bool {
    let held = node.vips();
    VIPS.iter().all(|vip| held.contains(*vip)) && six(node)
}

fn holds_none(node: &Node) -> bool {
    node.vips().is_empty() && !six(node)
}

fn six(node: &Node) -> bool {
    node.must(&["ip", "-6", "addr", "show", "dev", "eth0"]).unwrap().contains("fd80::101/64")
}

fn plain(node: &Node) -> bool {
    node.stage().path("/run/plain").exists()
}

fn watchers(node: &Node) -> usize {
    node.processes().iter().filter(|name| *name == "ha_watcher").count()
}

fn take_away(node: &Node, vip: &str) {
    node.must(&["ip", "addr", "del", &format!("{vip}/24"), "dev", "eth0"]).unwrap();
}

fn put_back(vip: &str) -> String {
    format!("ERROR: {vip}/24 on eth0 is ours and was removed by somebody else: put back")
}

/// More often than the rounds of a start would.
fn announced_for_ever(lab: &Lab) {
    let client = |script: &str| lab.client().script(&[], script).unwrap();
    client("echo 1 >/proc/sys/net/ipv4/conf/eth0/arp_accept");
    for _ in 0..8 {
        client("ip neigh flush dev eth0");
        until("the client is told again", || client("ip neigh show dev eth0").contains("10.80.0.101 lladdr"));
    }
}

#[test]
fn what_is_taken_away_comes_back_and_what_is_released_does_not() {
    let lab = serving("guarded");
    let node = lab.node(1);
    announced_for_ever(&lab);
    take_away(node, VIPS[0]);
    node.wait_for_log(&put_back(VIPS[0]), 0, SOON).unwrap();
    assert!(holds_all(node));
    assert!(node.must(&["ip", "addr"]).unwrap().contains("eth0:web"));
    node.must(&["ip", "addr", "del", "fd80::101/64", "dev", "eth0"]).unwrap();
    until("the other family is guarded, too", || holds_all(node));

    // An administrator takes one down, with the script that put it up; the guard looks, because of the other.
    let mark = node.log().len();
    node.must(&["/etc/ha.d/resource.d/IPaddr", "10.80.0.102/24/eth0", "stop"]).unwrap();
    take_away(node, VIPS[0]);
    node.wait_for_log(&put_back(VIPS[0]), mark, SOON).unwrap();
    assert!(!node.vips().contains(VIPS[1]), "he meant it");
    node.must(&["/etc/ha.d/resource.d/IPaddr", "10.80.0.102/24/eth0", "start"]).unwrap();

    let mark = node.log().len();
    node.hb_standby("all").unwrap();
    until("b2 serves", || holds_all(lab.node(2)) && holds_none(node));
    lab.node(2).wait_for_log("Standby resource acquisition done", 0, SOON).unwrap();
    assert!(holds_none(node), "{:?}", node.vips());
    assert!(!node.log()[mark..].contains("somebody else"), "{}", node.log());
}

#[test]
fn a_group_that_is_given_up_leaves_the_guard_of_another_with_its_address() {
    let lab = Lab::new("two-places", [Flavour::Ours; 2]).unwrap();
    let node = lab.node(1);
    let groups = "b1 IPaddr2::10.80.0.103/24/eth0\nb1 IPaddr2::10.80.0.103/24/eth1\n";
    node.configure(HA_CF, AUTHKEYS, groups).unwrap();
    node.start().unwrap();
    let on = |nic: &str| node.must(&["ip", "addr", "show", "dev", nic]).unwrap().contains("10.80.0.103/24");
    until("b1 serves", || on("eth0") && on("eth1"));
    let given = ["givegroup", "IPaddr2::10.80.0.103/24/eth1"];
    node.must(&[&["/usr/share/heartbeat/ResourceManager"], &given[..]].concat()).unwrap();
    assert!(on("eth0") && !on("eth1"));
    take_away(node, "10.80.0.103");
    node.wait_for_log(&put_back("10.80.0.103"), 0, SOON).unwrap();
    assert!(on("eth0") && !on("eth1"));
}

#[test]
fn a_list_that_somebody_removes_is_written_again() {
    let lab = serving("no-list");
    let node = lab.node(1);
    // It has looked, and knows them.
    take_away(node, VIPS[0]);
    node.wait_for_log(&put_back(VIPS[0]), 0, SOON).unwrap();
    let list = node.read(LIST);
    for _ in 0..2 {
        let mark = node.log().len();
        node.must(&["rm", LIST]).unwrap();
        node.wait_for_log("WARN: /run/heartbeat.addresses was removed by somebody else", mark, SOON).unwrap();
        assert_eq!(node.read(LIST), list);
    }
    let mark = node.log().len();
    take_away(node, VIPS[0]);
    node.wait_for_log(&put_back(VIPS[0]), mark, SOON).unwrap();

    // The orderly way is another matter, also right after.
    let mark = node.log().len();
    node.must(&["/etc/ha.d/resource.d/IPaddr", "10.80.0.102/24/eth0", "stop"]).unwrap();
    node.must(&["rm", LIST]).unwrap();
    node.wait_for_log("was removed by somebody else", mark, SOON).unwrap();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let rest: Vec<_> = lines(&list).into_iter().filter(|line| !line.starts_with(VIPS[1])).collect();
    assert_eq!(lines(&node.read(LIST)), rest);
    let mark = node.log().len();
    node.hb_standby("all").unwrap();
    until("b2 serves", || holds_all(lab.node(2)) && holds_none(node));
    assert_eq!(lines(&node.read(LIST)), lines(&list)[..1], "whose it is");
    assert!(!node.log()[mark..].contains("somebody else"), "{}", node.log());
}

#[test]
fn a_killed_daemon_leaves_no_address() {
    let lab = Lab::new("killed", [Flavour::Ours; 2]).unwrap();
    let unwatched = Watch::unavailable().map(lab::cannot).is_some();
    let watch = (!unwatched).then(|| Watch::new(&lab).unwrap());
    serve(&lab);
    let (one, two) = (lab.node(1), lab.node(2));
    // A reload begins a new life in the same process: nothing moves, and one process watches.
    one.write("/etc/ha.d/ha.cf", &format!("{HA_CF}# changed\n"), 0o644).unwrap();
    one.must(&[HEARTBEAT, "-r"]).unwrap();
    one.wait_for_log("Performing heartbeat restart exec", 0, SOON).unwrap();
    let lives = |node: &Node| node.log().matches("stands in for it").count();
    until("it lives again", || lives(one) == 2);
    until("one watches", || watchers(one) == 1);
    assert!(holds_all(one));
    let refused = one.run(&[HEARTBEAT, "--take-down"]).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(holds_all(one), "it runs: they are its own");

    one.kill_daemon().unwrap();
    until("its addresses go", || holds_none(one));
    until("b2 takes over", || holds_all(two) && plain(two));
    assert!(plain(one), "the other services stay");
    assert!(one.log().contains("has died. Its addresses go, its other services go on."), "{}", one.log());
    until("nobody watches any more", || watchers(one) == 0);
    if let Some(watch) = watch {
        for vip in VIPS {
            let spans = watch.spans(vip, Instant::now());
            let double = spans.iter().any(|span| span.owners.len() > 1);
            assert!(!double, "{vip} had two owners: {spans:?}");
            assert_eq!(spans.iter().filter(|span| span.owners == [1]).count(), 1, "{vip} moved: {spans:?}");
        }
    }

    one.start().unwrap();
    until("what else it left is stopped", || !plain(one));
    assert!(one.log().contains("runs before it was acquired: releasing it"), "{}", one.log());
    assert!(holds_all(two) && holds_none(one));
    until("one watches", || watchers(one) == 1);
    one.stop().unwrap();
    until("after an orderly end nobody does", || watchers(one) == 0);
}

#[test]
fn where_nobody_was_left_to_take_them_down_the_next_start_does() {
    let lab = serving("all-killed");
    let (one, two) = (lab.node(1), lab.node(2));
    one.kill_everything().unwrap();
    until("b2 takes over", || holds_all(two));
    assert!(holds_all(one), "nobody is left who could have taken them down");
    // What the unit does after a stop, and the init script.
    one.must(&[HEARTBEAT, "--take-down"]).unwrap();
    assert!(holds_none(one), "{:?}", one.vips());
    assert!(holds_all(two) && plain(one));
    one.start().unwrap();
    until("what else it left is stopped", || !plain(one));

    two.kill_everything().unwrap();
    until("b1 takes over", || holds_all(one));
    assert!(holds_all(two));
    two.start().unwrap();
    assert!(holds_none(two), "before anything else");
    until("what else it left is stopped", || !plain(two));
    assert!(two.log().contains("10.80.0.101/24 on eth0: left up by a heartbeat that died"), "{}", two.log());
}

#[test]
fn a_stopped_daemon_is_not_dead() {
    let lab = serving("stopped");
    let (one, two) = (lab.node(1), lab.node(2));
    let pid = one.read("/run/heartbeat.pid").trim().to_owned();
    one.must(&["kill", "-STOP", &pid]).unwrap();
    until("b2 takes over", || holds_all(two));
    assert!(holds_all(one), "it cannot know, and is not dead");
    one.must(&["kill", "-CONT", &pid]).unwrap();
    until("one owner", || holds_all(two) && holds_none(one) || holds_all(one) && holds_none(two));
    let owner = if holds_all(one) { one } else { two };
    owner.wait_for_log("addresses of the", 0, SOON).unwrap();
    until("one watcher", || watchers(one) == 1);
}

/// Whether memory is locked, and the scheduling policy, of the process's thread of that name.
fn standing(node: &Node, pid: &str, thread: &str) -> String {
    let script = format!(
        "grep -q 'VmLck:[[:space:]]*0 kB' /proc/{pid}/status || echo locked
        for task in /proc/{pid}/task/*; do
            test \"$(cat $task/comm)\" != {thread} || sed 's/.*) //' $task/stat | cut -d' ' -f39
        done"
    );
    node.must(&["sh", "-c", &script]).unwrap()
}

#[test]
fn a_killed_watcher_has_a_successor_and_each_is_as_the_pulse_is() {
    let lab = serving("watchers");
    let node = lab.node(1);
    let daemon = node.read("/run/heartbeat.pid").trim().to_owned();
    let wanted = standing(node, &daemon, "pulse");
    let watcher = || node.read("/run/heartbeat.watcher").trim().to_owned();
    let mut last = String::new();
    for _ in 0..3 {
        until("another one", || watcher() != last && watchers(node) == 1);
        last = watcher();
        until("it is as the pulse is", || standing(node, &last, "ha_watcher") == wanted);
        node.must(&["kill", "-9", &last]).unwrap();
    }
    assert!(node.log().contains("another one takes its place"), "{}", node.log());
    until("another one", || watcher() != last && watchers(node) == 1);
    node.kill_daemon().unwrap();
    until("its addresses go", || holds_none(node));
}

/// The file only tells the next life of the same process where it is.
#[test]
fn a_watcher_whose_number_cannot_be_written_down_watches_all_the_same() {
    let lab = Lab::new("no-number", [Flavour::Ours; 2]).unwrap();
    let node = lab.node(1);
    node.must(&["mkdir", "/run/heartbeat.watcher"]).unwrap();
    serve(&lab);
    assert!(node.log().contains("Cannot write /run/heartbeat.watcher"), "{}", node.log());
    assert!(!node.log().contains("Nobody will take the addresses down"), "{}", node.log());
    until("one watches", || watchers(node) == 1);
    node.kill_daemon().unwrap();
    until("its addresses go", || holds_none(node));
}

/// A life that goes on with what an earlier one of its process held. `before`: what a shell finds and does, which is to
/// be that process.
fn goes_on(lab: &Lab, failback: &str, held: &str, before: &str) -> Running {
    let node = lab.node(1);
    let ha_cf = HA_CF.replace("auto_failback off", &format!("auto_failback {failback}"));
    node.configure(&ha_cf, AUTHKEYS, HARESOURCES).unwrap();
    node.write("/etc/ha.d/resource.d/plain", PLAIN, 0o755).unwrap();
    let script = format!(
        "born=$(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f20)
        {before}
        exec {HEARTBEAT} -f -R -C {held}"
    );
    let mut command = node.stage().command("sh");
    command.args(["-e", "-c", &script]);
    let life = spawn(command).unwrap();
    node.wait_for_log("stands in for it", 0, SOON).unwrap();
    life
}

const UP: &str = "ip addr add 10.80.0.101/24 dev eth0; ip addr add 10.80.0.102/24 dev eth0";

/// In legacy mode nothing counts as held while the answer to a request for one of the groups is awaited.
#[test]
fn who_holds_nothing_yet_and_goes_on_keeps_what_it_put_up() {
    let lab = Lab::new("goes-on", [Flavour::Ours; 2]).unwrap();
    let list = "printf 'owner %s %s\n10.80.0.101/24 eth0\n' $$ $born >/run/heartbeat.addresses";
    let _life = goes_on(&lab, "legacy", "none", &format!("{UP}\n{list}"));
    assert!(lab.node(1).vips().contains(VIPS[0]), "{}", lab.node(1).log());
}

/// A reload has taken its group out of haresources.
#[test]
fn what_no_group_names_any_more_is_told() {
    let lab = Lab::new("no-group", [Flavour::Ours; 2]).unwrap();
    let list =
        "printf 'owner %s %s\n10.80.0.101/24 eth0\n10.80.0.109/24 eth0\n' $$ $born >/run/heartbeat.addresses";
    let _life = goes_on(&lab, "off", "local", &format!("{UP}\nip addr add 10.80.0.109/24 dev eth0\n{list}"));
    let node = lab.node(1);
    node.wait_for_log("10.80.0.109/24 on eth0 is up for no group in haresources: it stays", 0, SOON).unwrap();
    assert!(!node.log().contains("10.80.0.101/24 on eth0 is up for no group"), "{}", node.log());
}

#[test]
fn a_list_without_an_owner_is_that_of_the_life_that_goes_on() {
    let lab = Lab::new("no-owner", [Flavour::Ours; 2]).unwrap();
    let _life =
        goes_on(&lab, "off", "local", &format!("{UP}\necho 10.80.0.101/24 eth0 >/run/heartbeat.addresses"));
    assert!(lab.node(1).vips().contains(VIPS[0]), "{}", lab.node(1).log());
}

#[test]
fn what_went_while_nobody_listened_comes_back() {
    let lab = Lab::new("unheard", [Flavour::Ours; 2]).unwrap();
    let list = "printf 'owner %s %s\n10.80.0.101/24 eth0\n' $$ $born >/run/heartbeat.addresses";
    let _life = goes_on(&lab, "off", "local", list);
    lab.node(1).wait_for_log(&put_back(VIPS[0]), 0, SOON).unwrap();
}

/// The life before was of a version that wrote nothing down, or a C daemon.
#[test]
fn what_an_older_version_put_up_is_guarded() {
    let lab = Lab::new("upgrade", [Flavour::Ours; 2]).unwrap();
    let _life = goes_on(&lab, "off", "local", UP);
    let node = lab.node(1);
    for vip in VIPS {
        take_away(node, vip);
        node.wait_for_log(&put_back(vip), 0, SOON).unwrap();
    }
}

/// systemd removes the pid file of a unit that it takes for ended.
#[test]
fn a_daemon_whose_pid_file_is_gone_is_not_dead() {
    let lab = serving("pidfile");
    let (one, two) = (lab.node(1), lab.node(2));
    let pid = one.read("/run/heartbeat.pid").trim().to_owned();
    one.must(&["rm", "/run/heartbeat.pid"]).unwrap();
    assert!(one.must(&[HEARTBEAT, "--take-down"]).is_err(), "it serves");
    one.must(&[HEARTBEAT]).unwrap();
    assert!(holds_all(one) && !holds_all(two) && plain(one));
    assert_eq!(one.processes().iter().filter(|name| *name == "ha_watcher").count(), 1, "one daemon");
    one.must(&["kill", "-0", &pid]).unwrap();
    one.stop().unwrap();
    until("b2 takes over", || holds_all(two) && holds_none(one));
}
