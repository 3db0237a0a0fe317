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
