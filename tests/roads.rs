//! Roads between the nodes that come and go: interfaces that are deleted and made anew, addresses that change,
//! serial devices that are pulled out, lines full of noise. As long as one road is whole no resource moves;
//! a road that is whole again is used again; and what happens is told once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test program a panic is a failure that points at its line"
)]

mod lab;

use lab::network::{Cable, address, address6};
use lab::serial::{Carries, DEVICE};
use lab::{Flavour, Lab, logfile, missing};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use Flavour::{Ours, Reference};

/// For a busy machine; what is waited for takes a few seconds.
const SOON: Duration = Duration::from_secs(60);
/// A pair at rest changes nothing for so long.
const CALM: Duration = Duration::from_secs(1);
/// The cable whose interface is maltreated. The addresses of the cluster are on the other one.
const CABLE: Cable = Cable { node: 1, network: 0 };

const HOMES: [&str; 2] = ["10.81.0.101", "10.81.0.102"];

/// A pair with both nodes' groups at home, connected by these media.
struct Pair {
    lab: Lab,
}

impl Pair {
    /// `None` where a real daemon is wanted and there is none.
    fn start(name: &str, flavours: [Flavour; 2], media: &str) -> Option<Self> {
        let pair = Self { lab: Self::prepared(name, flavours, media)? };
        pair.lab.nodes().iter().for_each(|node| node.start().unwrap());
        for link in media.lines().filter_map(|line| line.split(' ').nth(1)) {
            pair.wait_for_links(link, "up", [0, 0]);
        }
        pair.wait_for_homes();
        Some(pair)
    }

    fn prepared(name: &str, flavours: [Flavour; 2], media: &str) -> Option<Lab> {
        if missing(&flavours) {
            return None;
        }
        let mut lab = Lab::new(name, flavours).unwrap();
        if media.contains(DEVICE) {
            lab.lay_serial_cable().unwrap();
        }
        let ha_cf = format!(
            "logfile /var/log/ha-log\nlogfacility none\nkeepalive 200ms\nwarntime 1000ms\ndeadtime 3000ms\n\
             initdead 4000ms\nbaud 115200\n{media}auto_failback on\nnode b1 b2\n"
        );
        for node in lab.nodes() {
            let haresources = "b1 IPaddr2::10.81.0.101/24/eth1\nb2 IPaddr2::10.81.0.102/24/eth1\n";
            node.configure(&ha_cf, "auth 1\n1 sha1 x\n", haresources).unwrap();
        }
        Some(lab)
    }

    fn homes(&self) -> [String; 2] {
        let virtual_only = |addresses: BTreeSet<String>| {
            let found = addresses.into_iter().filter(|address| address.starts_with("10.81.0.10"));
            found.collect::<Vec<_>>().join(" ")
        };
        [1, 2].map(|node| virtual_only(self.lab.node(node).vips()))
    }

    /// Everything is where it belongs, no script runs any more, and nobody has anything to say.
    fn wait_for_homes(&self) {
        // the last word of ours about its address; the real one has none
        let through =
            |node: &lab::Node| node.flavour() == Reference || node.log().contains("start finished rc=0");
        let settled =
            |node: &lab::Node| node.log().contains("Initial resource acquisition complete") && through(node);
        self.wait("both at home", |pair| {
            let nodes = pair.lab.nodes();
            pair.homes() == HOMES && nodes.iter().all(settled)
        });
        self.lab.at_rest(CALM, SOON, &[], || ()).unwrap();
    }

    fn wait(&self, what: &str, mut happened: impl FnMut(&Self) -> bool) {
        let waited = self.lab.wait_until(what, SOON, || {
            if happened(self) { Ok(()) } else { Err(self.lab.nodes().iter().map(lab::Node::log).collect()) }
        });
        waited.unwrap_or_else(|failure| panic!("{failure}"));
    }

    /// How far the logs have come.
    fn mark(&self) -> [usize; 2] {
        [1, 2].map(|node| self.lab.node(node).log().len())
    }

    /// Both nodes log that the other's link is `up` or `dead`.
    fn wait_for_links(&self, link: &str, state: &str, since: [usize; 2]) {
        for (node, other) in [(1, 2), (2, 1)] {
            let line = format!("Link b{other}:{link} {state}.");
            self.lab.node(node).wait_for_log(&line, since[node - 1], SOON).unwrap();
        }
    }

    /// The last word of both nodes about the other's link is this; how far the logs had come by then.
    fn wait_until_links_are(&self, link: &str, state: &str) -> [usize; 2] {
        [(1, 2), (2, 1)].map(|(node, other)| {
            let (about, mut come) = (format!("Link b{other}:{link} "), 0);
            self.wait(&format!("{about}{state}"), |pair| {
                let log = pair.lab.node(node).log();
                come = log.len();
                log.rsplit(&about).next().is_some_and(|rest| rest.starts_with(state))
            });
            come
        })
    }

    fn on_b1(&self, script: &str) {
        self.lab.node(1).must(&["sh", "-ec", script]).unwrap();
    }

    /// Nothing moved, nobody died, and b1 was not talkative about it.
    fn nothing_moved(&self, since: [usize; 2]) {
        assert_eq!(self.homes(), HOMES);
        for node in self.lab.nodes() {
            let log = node.log();
            let log = logfile::after(&log, since[node.index() - 1]);
            for word in ["is dead", "partition", "ResourceManager", "acquir"] {
                assert!(!log.contains(word), "{} says '{word}':\n{log}", node.name());
            }
        }
    }

    /// The errors of b1 since then, each of them said once by each medium.
    fn errors_said_once(&self, since: [usize; 2], media: usize) -> Vec<String> {
        let log = self.lab.node(1).log();
        let log = logfile::after(&log, since[0]);
        let lines = log.lines().filter_map(|line| line.find("ERROR: ").and_then(|at| line.get(at..)));
        let lines: Vec<_> = lines.map(|line| line.split(" len=").next().unwrap_or(line).to_owned()).collect();
        let once: BTreeSet<_> = lines.iter().cloned().collect();
        assert!(lines.len() <= once.len() * media, "said again and again: {log}");
        lines
    }
}

/// The medium in question on eth0, and another one that stays.
fn beside_eth1(medium: &str) -> String {
    format!("{medium}\nbcast eth1\n")
}

fn an_interface_that_is_made_anew_is_used_again(name: &str, flavours: [Flavour; 2], medium: &str) {
    let Some(pair) = Pair::start(name, flavours, &beside_eth1(medium)) else { return };
    let mark = pair.mark();
    pair.on_b1("ip link del eth0");
    pair.wait_for_links("eth0", "dead", mark);
    let gone = pair.mark();
    pair.lab.replug(CABLE).unwrap();
    pair.wait_for_links("eth0", "up", gone);
    pair.nothing_moved(mark);
    assert!(!pair.errors_said_once(mark, 1 + medium.matches('\n').count()).is_empty(), "nobody was told");
}

#[test]
fn bcast_on_an_interface_that_is_made_anew() {
    an_interface_that_is_made_anew_is_used_again("anew-bcast", [Ours, Reference], "bcast eth0");
}

#[test]
fn mcast_on_an_interface_that_is_made_anew() {
    let medium = "mcast eth0 239.0.0.42 694 1 0";
    an_interface_that_is_made_anew_is_used_again("anew-mcast", [Ours, Ours], medium);
}

#[test]
fn mcast6_on_an_interface_that_is_made_anew() {
    // another port: the socket of 3.0.6 hears the broadcasts on eth1 as well, and takes them for eth0's
    let medium = "mcast6 eth0 ff02::694 695 1 0";
    an_interface_that_is_made_anew_is_used_again("anew-mcast6", [Ours, Reference], medium);
}

#[test]
fn ucast_on_an_interface_that_is_made_anew() {
    let medium = format!(
        "ucast eth0 {}\nucast eth0 {}\nucast6 eth0 {}\nucast6 eth0 {}",
        address(1, 0),
        address(2, 0),
        address6(1, 0),
        address6(2, 0)
    );
    an_interface_that_is_made_anew_is_used_again("anew-ucast", [Ours, Ours], &medium);
}

/// Down and up, its address gone and there again, another network with another broadcast address.
#[test]
fn an_interface_that_changes_is_followed() {
    let Some(pair) = Pair::start("changes", [Ours, Ours], &beside_eth1("bcast eth0")) else { return };
    let start = pair.mark();
    for (break_it, mend_it) in [
        ("ip link set eth0 down", "ip link set eth0 up"),
        ("ip addr del 10.80.0.1/24 dev eth0", "ip addr add 10.80.0.1/24 brd + dev eth0"),
    ] {
        let mark = pair.mark();
        pair.on_b1(break_it);
        pair.wait_for_links("eth0", "dead", mark);
        assert!(!pair.errors_said_once(mark, 1).is_empty(), "{break_it}: nobody was told");
        let broken = pair.mark();
        pair.on_b1(mend_it);
        pair.wait_for_links("eth0", "up", broken);
    }
    let mark = pair.mark();
    for node in pair.lab.nodes() {
        let index = node.index();
        let script =
            format!("ip addr add 10.90.0.{index}/16 brd + dev eth0; ip addr del 10.80.0.{index}/24 dev eth0");
        node.must(&["sh", "-ec", &script]).unwrap();
    }
    for node in pair.lab.nodes() {
        let since = mark[node.index() - 1];
        node.wait_for_log("UDP Broadcast heartbeat started on port 694", since, SOON).unwrap();
    }
    // From here on the old address is heard by nobody: what is heard went to the new one. Between the two changes
    // nothing was heard, and the links may have been dead for a moment.
    pair.wait_until_links_are("eth0", "up");
    pair.lab.cut(CABLE).unwrap();
    let cut = pair.wait_until_links_are("eth0", "dead");
    pair.lab.heal(CABLE).unwrap();
    pair.wait_for_links("eth0", "up", cut);
    pair.nothing_moved(start);
}

/// 3.0.6 would not start at all.
#[test]
fn a_start_does_not_wait_for_a_line_while_another_road_works() {
    let media = format!("serial {DEVICE}\nbcast eth0\n");
    let Some(lab) = Pair::prepared("late", [Ours, Reference], &media) else { return };
    let lock = "/run/lock/LCK..ttyHB0";
    lab.node(1).write(lock, "         1\n", 0o644).unwrap();
    let pair = Pair { lab };
    pair.lab.nodes().iter().for_each(|node| node.start().unwrap());
    pair.wait_for_homes();
    let log = pair.lab.node(1).log();
    for line in [
        "cannot lock line /dev/ttyHB0: process 1 has it",
        "make_io_childpair: cannot open serial /dev/ttyHB0",
        "serial /dev/ttyHB0: left out for now",
    ] {
        assert_eq!(log.matches(line).count(), 1, "{line}: {log}");
    }
    let mark = pair.mark();
    pair.on_b1(&format!("rm {lock}"));
    pair.wait_for_links(DEVICE, "up", [0, mark[1]]);
    pair.nothing_moved(mark);
}

/// As with 3.0.6.
#[test]
fn without_any_road_there_is_no_start() {
    let media = format!("serial {DEVICE}\n");
    let Some(lab) = Pair::prepared("no-road", [Ours, Ours], &media) else { return };
    lab.node(1).write("/run/lock/LCK..ttyHB0", "         1\n", 0o644).unwrap();
    assert!(lab.node(1).start().is_err());
    assert!(lab.node(1).log().contains("make_io_childpair: cannot open serial /dev/ttyHB0"));
    lab.wait_until("its end", SOON, || {
        if lab.node(1).daemon_runs() { Err("it runs".to_owned()) } else { Ok(()) }
    })
    .unwrap();
}

#[test]
fn a_serial_device_that_is_pulled_out_may_come_back() {
    let media = format!("serial {DEVICE}\nbcast eth0\n");
    let Some(mut pair) = Pair::start("pulled-out", [Ours, Ours], &media) else { return };
    let mark = pair.mark();
    pair.lab.pull_out_serial();
    pair.wait_for_links(DEVICE, "dead", mark);
    let out = pair.mark();
    pair.lab.lay_serial_cable().unwrap();
    pair.wait_for_links(DEVICE, "up", out);
    pair.nothing_moved(mark);
    assert_eq!(pair.errors_said_once(mark, 1).len(), 1);
    let log = pair.lab.node(1).log();
    assert_eq!(logfile::after(&log, out[0]).matches("Starting serial heartbeat on tty").count(), 1, "{log}");
    assert!(pair.lab.node(1).read("/run/lock/LCK..ttyHB0").trim().parse::<u32>().is_ok(), "not locked");
}

/// The real one has no road but this line, ours has noise on it.
#[test]
fn noise_on_the_only_line_moves_nothing() {
    let media = format!("serial {DEVICE}\n");
    let Some(pair) = Pair::start("noise", [Ours, Reference], &media) else { return };
    let mark = pair.mark();
    let memory = resident(&pair.lab);
    let (start, mut seed) = (Instant::now(), 1_u32);
    while start.elapsed() < Duration::from_secs(12) {
        let noise: Vec<u8> = (0..1000)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (seed >> 24) as u8
            })
            .collect();
        for bytes in [noise.as_slice(), b"\n>>>\nt=status\nsrc=b2\nst=dead\nauth=1 0\n<<<\n>>>\n"] {
            pair.lab.inject_serial(1, bytes).unwrap();
        }
        // most heartbeats still get through whole
        std::thread::sleep(Duration::from_millis(300));
    }
    pair.nothing_moved(mark);
    assert!(resident(&pair.lab) < memory + 4096, "{memory} kB before, {} kB now", resident(&pair.lab));
}

/// kB of b1's daemon.
fn resident(lab: &Lab) -> usize {
    let pid = lab.node(1).read("/run/heartbeat.pid");
    let status = lab.node(1).must(&["cat", &format!("/proc/{}/status", pid.trim())]).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Nobody takes a byte, then all is well: neither the other road nor the line suffers.
#[test]
fn a_line_that_is_stuck_holds_up_nothing() {
    let media = format!("serial {DEVICE}\nbcast eth0\n");
    let Some(pair) = Pair::start("stuck", [Ours, Reference], &media) else { return };
    let mark = pair.mark();
    pair.lab.set_serial(Carries::Stuck).unwrap();
    pair.wait_for_links(DEVICE, "dead", mark);
    let timeout = format!("TTY write timeout on [{DEVICE}]");
    pair.lab.node(1).wait_for_log(&timeout, mark[0], SOON).unwrap();
    let stuck = pair.mark();
    pair.lab.set_serial(Carries::All).unwrap();
    pair.wait_for_links(DEVICE, "up", stuck);
    pair.nothing_moved(mark);
}
