//! Many addresses: taken over without a process for any of them, and all of them announced.

mod lab;

use lab::{Failure, Flavour, Lab};
use std::time::{Duration, Instant};

const HA_CF: &str = "logfile /var/log/ha-log\nlogfacility none\nkeepalive 100ms\nwarntime 400ms\n\
    deadtime 1000ms\ninitdead 4000ms\nbcast eth0\nauto_failback off\nnode b1 b2\n";
const AUTHKEYS: &str = "auth 1\n1 sha1 ManyAddresses\n";
const ADDRESSES: usize = 200;
const PATIENCE: Duration = Duration::from_secs(60);

fn address(number: usize) -> String {
    format!("10.80.{}.{}", 100 + number / 100, 1 + number % 100)
}

/// All of them are at home on b1, in groups of ten.
fn haresources() -> String {
    let word = |n: usize| format!(" IPaddr2::{}/16/eth0", address(n));
    let group = |g: usize| format!("b1{}\n", (10 * g..10 * g + 10).map(word).collect::<String>());
    (0..ADDRESSES / 10).map(group).collect()
}

#[test]
fn two_hundred_addresses_move_without_a_process_for_any() {
    lab_test().unwrap_or_else(|failure| panic!("{failure}"));
}

fn lab_test() -> Result<(), Failure> {
    let lab = Lab::new("addresses", [Flavour::Ours, Flavour::Ours])?;
    for node in lab.nodes() {
        node.configure(HA_CF, AUTHKEYS, &haresources())?;
    }
    listen(&lab)?;
    lab.nodes().iter().try_for_each(|node| node.start())?;
    all_on(&lab, 1)?;
    let begin = Instant::now();
    lab.crash(1)?;
    all_on(&lab, 2)?;
    println!(
        "{ADDRESSES} addresses after a crash: {:.1} s, the dead time is 1 s",
        begin.elapsed().as_secs_f64()
    );
    announced(&lab)?;
    by_the_daemon(&lab)?;
    // and given up as orderly as they were taken
    lab.node(2).stop()?;
    lab.wait_until("nothing is left", PATIENCE, || match lab.node(2).vips().len() {
        0 => Ok(()),
        left => Err(format!("{left} are left")),
    })
}

fn all_on(lab: &Lab, node: usize) -> Result<(), Failure> {
    lab.wait_until(&format!("all on b{node}"), PATIENCE, || {
        let held = lab.node(node).vips();
        match (0..ADDRESSES).find(|n| !held.contains(&address(*n))) {
            None => Ok(()),
            Some(missing) => Err(format!("{} of them, no {}", held.len(), address(missing))),
        }
    })
}

/// A client that takes in what it is told unasked.
fn listen(lab: &Lab) -> Result<(), Failure> {
    let script =
        "set -e\necho 1 >/proc/sys/net/ipv4/conf/eth0/arp_accept\nip addr add 10.80.0.8/16 dev eth0\n";
    lab.client().script(&[], script).map(drop)
}

/// It knows the hardware address of each.
fn announced(lab: &Lab) -> Result<(), Failure> {
    let mac = lab.node(2).must(&["cat", "/sys/class/net/eth0/address"])?;
    lab.wait_until("all are announced", PATIENCE, || {
        let known = lab.client().script(&[], "ip neigh show dev eth0").map_err(|f| f.to_string())?;
        let line = |n: usize| format!("{} lladdr {} ", address(n), mac.trim());
        match (0..ADDRESSES).find(|n| !known.contains(&line(*n))) {
            None => Ok(()),
            Some(missing) => Err(format!("{} is not known to be there", address(missing))),
        }
    })
}

/// Every line of the agent carries the daemon's number.
fn by_the_daemon(lab: &Lab) -> Result<(), Failure> {
    let node = lab.node(2);
    let pid = node.read("/run/heartbeat.pid");
    let tag = format!(")[{}]:", pid.trim());
    let log = node.log();
    let lines = log.lines().filter(|line| line.contains("  IPaddr2(IPaddr2_")).count();
    let ours = log.lines().filter(|line| line.contains("  IPaddr2(IPaddr2_") && line.contains(&tag)).count();
    if lines == 0 || lines != ours {
        lab::bail!("{ours} of {lines} lines of the agent are the daemon's own");
    }
    Ok(())
}

/// Three groups: one with an address that the kernel refuses, one with a service among its addresses, one whose script is
/// the administrator's own.
const GROUPS: &str = "\
b1 IPaddr2::10.80.0.101/24/eth0 IPv6addr::fd81:0:0:0:0:0:0:101/64/eth1 IPaddr2::10.80.0.102/24/eth0
b1 IPaddr2::10.80.0.103/24/eth0 IPv6addr::fd80:0:0:0:0:0:0:103/64/eth0 service IPaddr2::10.80.0.104/24/eth0
b1 10.80.0.105/24/eth0 IPaddr2::10.80.0.106/24/eth0:own
";

/// Notes what is up when it is called.
const SERVICE: &str = r#"#!/bin/sh
for op; do :; done
name=${0##*/}
case $op in
start | stop) ip -o addr show dev eth0 | sed "s/^/$name $op: /" >>/var/log/service-calls ;;
esac
case $op in
start) touch "/run/$name" ;;
stop) rm -f "/run/$name" ;;
status) if [ -e "/run/$name" ]; then echo running; else echo stopped; fi ;;
esac
"#;

#[test]
fn groups_come_up_left_to_right_and_one_that_fails_goes_alone() {
    groups_test().unwrap_or_else(|failure| panic!("{failure}"));
}

fn groups_test() -> Result<(), Failure> {
    let lab = Lab::new("address-groups", [Flavour::Ours, Flavour::Ours])?;
    let node = lab.node(1);
    node.configure(HA_CF, AUTHKEYS, GROUPS)?;
    node.write("/etc/ha.d/resource.d/service", SERVICE, 0o755)?;
    node.must(&["rm", "/etc/ha.d/resource.d/IPaddr"])?;
    node.write("/etc/ha.d/resource.d/IPaddr", SERVICE, 0o755)?;
    node.must(&["sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/eth1/disable_ipv6"])?;
    node.start()?;
    let wanted = ["10.80.0.103", "10.80.0.104", "10.80.0.106"];
    let gave_up = "Giving up resources due to failure of IPv6addr::fd81:0:0:0:0:0:0:101/64/eth1";
    node.wait_for_log(gave_up, 0, PATIENCE)?;
    lab.wait_until("the other groups are up", PATIENCE, || {
        let held = node.vips();
        if held.iter().eq(wanted) { Ok(()) } else { Err(format!("{held:?}")) }
    })?;
    node.wait_for_log("IPaddr2::10.80.0.106/24/eth0:own start finished rc=0", 0, PATIENCE)?;
    told_as_if_one_by_one(&node.log())?;
    let calls = |call: &str| {
        node.read("/var/log/service-calls")
            .lines()
            .filter(|l| l.starts_with(call))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let at_start = calls("service start");
    if !["10.80.0.103/", "fd80::103/"].iter().all(|ip| at_start.contains(ip))
        || at_start.contains("10.80.0.104/")
    {
        lab::bail!("up at the start of the service: {at_start}");
    }
    let at_own = calls("IPaddr start");
    if at_own.is_empty() || at_own.contains("10.80.0.106/") {
        lab::bail!("up at the start of the administrator's own script: {at_own}");
    }
    node.stop()?;
    let at_stop = calls("service stop");
    if !at_stop.contains("10.80.0.103/") || at_stop.contains("10.80.0.104/") {
        lab::bail!("up at the stop of the service: {at_stop}");
    }
    lab.wait_until("nothing is left", PATIENCE, || {
        let held = node.vips();
        if held.is_empty() { Ok(()) } else { Err(format!("{held:?}")) }
    })
}

/// What the log has of the group that failed, as a run of its scripts would have it.
fn told_as_if_one_by_one(log: &str) -> Result<(), Failure> {
    let wanted = [
        "Acquiring resource group: b1 IPaddr2::10.80.0.101/24/eth0",
        "Running /etc/ha.d//resource.d/IPaddr2 10.80.0.101/24/eth0 start",
        "Adding inet address 10.80.0.101/24",
        "IPaddr2::10.80.0.101/24/eth0 start finished rc=0",
        "Running /etc/ha.d//resource.d/IPv6addr fd81:0:0:0:0:0:0:101/64/eth1 start",
        "Failed to add fd81::101: cannot add fd81::101/64",
        "Return code 1 from /etc/ha.d//resource.d/IPv6addr",
        "Giving up resources due to failure of IPv6addr",
        "Releasing resource group: b1 IPaddr2::10.80.0.101/24/eth0",
        "Running /etc/ha.d//resource.d/IPaddr2 10.80.0.102/24/eth0 stop",
        "Running /etc/ha.d//resource.d/IPv6addr fd81:0:0:0:0:0:0:101/64/eth1 stop",
        "Running /etc/ha.d//resource.d/IPaddr2 10.80.0.101/24/eth0 stop",
    ];
    let mut rest = log;
    for line in wanted {
        match rest.split_once(line) {
            Some((_, after)) => rest = after,
            None => lab::bail!("not there, or out of order: {line}\n{log}"),
        }
    }
    Ok(())
}
