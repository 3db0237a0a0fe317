//! Stories of a pair of ours (b1) and 2.1.3 (b2).

mod peer;
mod rexmit;

use crate::lab::network::Cable;
use crate::lab::node::{self, Running};
use crate::lab::{Flavour, Lab, Node, logfile, wait_until};
use heartbeat::engine::Failback;
use heartbeat::wire::Format;
use peer::{Habits, ORDERS};
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// Nothing in here takes longer, whatever else this machine does.
const SOON: Duration = Duration::from_secs(60);
const PLAY: &str = "PEER213";
/// So long nothing changes of a pair at rest.
const CALM: Duration = Duration::from_millis(800);
/// Lines that our daemon may write in a second, whatever the peer asks for; it writes some ten at each event.
const CHATTER: usize = 5;

/// Not a test: the process that plays 2.1.3.
#[test]
#[ignore = "only as a process of a node"]
fn player() {
    peer::run(&std::env::var(PLAY).unwrap());
}

struct Pair {
    lab: Lab,
    habits: Habits,
    old: RefCell<Option<Running>>,
}

const AS_USUAL: Habits = Habits { failback: Failback::On, format: Format::Classic, signing: 1 };
const OWNED: [&str; 2] = ["b1", "b2"];
const BOTH_ON_B1: [&str; 2] = ["b1", "b1"];
const BOTH_ON_B2: [&str; 2] = ["b2", "b2"];

impl Pair {
    fn new(name: &str, habits: Habits, authkeys: &str) -> Self {
        let lab = Lab::new(name, [Flavour::Ours; 2]).unwrap();
        let words = habits.words();
        let words: Vec<_> = words.split(' ').collect();
        let ha_cf = format!(
            "logfile /var/log/ha-log\nlogfacility none\nkeepalive 200ms\nwarntime 1\ndeadtime 4\ninitdead 12\n\
             bcast eth0\nmsgfmt {}\nauto_failback {}\nnode b1 b2\n",
            words[1], words[0]
        );
        let haresources = "b1 IPaddr2::10.80.0.101/24/eth0\nb2 IPaddr2::10.80.0.102/24/eth0\n";
        lab.node(1).configure(&ha_cf, authkeys, haresources).unwrap();
        Self { lab, habits, old: RefCell::new(None) }
    }

    fn usual(name: &str, habits: Habits) -> Self {
        Self::new(name, habits, "auth 1\n1 sha1 TopSecret\n2 md5 AnotherSecret\n")
    }

    fn ours(&self) -> &Node {
        self.lab.node(1)
    }

    fn start_old(&self) {
        let exe = std::env::current_exe().unwrap();
        let mut command = self.lab.node(2).stage().command("env");
        command.arg(format!("{PLAY}={}", self.habits.words())).arg(exe);
        command.args(["--exact", "peer213_cases::player", "--ignored", "--nocapture", "--test-threads=1"]);
        *self.old.borrow_mut() = Some(node::spawn(command).unwrap());
    }

    fn order(&self, order: &str) {
        self.lab.node(2).write(ORDERS, &format!("{order}\n"), 0o644).unwrap();
    }

    /// The power goes; and nothing of it is left.
    fn crash_old(&self) {
        self.lab.crash(2).unwrap();
        *self.old.borrow_mut() = None;
    }

    fn return_old(&self) {
        self.lab.power_on(2).unwrap();
        self.start_old();
    }

    fn owners(&self) -> [&'static str; 2] {
        self.lab.owners(["10.80.0.101", "10.80.0.102"])
    }

    fn until(&self, what: &str, mut happened: impl FnMut() -> bool) {
        let so = || if happened() { Ok(()) } else { Err(format!("owners {:?}", self.owners())) };
        if let Err(failure) = wait_until(&format!("{}: {what}", self.lab.name()), SOON, so) {
            panic!("{failure}\n{}", self.ends_of_logs());
        }
    }

    fn ends_of_logs(&self) -> String {
        let end = |node: &Node| {
            let log = node.log();
            let lines: Vec<_> = log.lines().collect();
            let end = lines.get(lines.len().saturating_sub(60)..).unwrap_or_default();
            format!("== {}\n{}\n", node.name(), end.join("\n"))
        };
        self.lab.nodes().iter().map(end).collect()
    }

    /// These own the groups, and all has come to rest.
    fn settle(&self, what: &str, owners: [&str; 2]) {
        self.owned_by(what, owners);
        // its name as the kernel knows it
        let exe = std::env::current_exe().unwrap();
        let name: String = exe.file_name().unwrap().to_string_lossy().chars().take(15).collect();
        self.lab.at_rest(CALM, SOON, &[&name], || ()).unwrap();
        assert_eq!(self.owners(), owners, "{}: {what}", self.lab.name());
    }

    /// These own the groups, and it stays so. (2.1.3 that asks without end is never at rest.)
    fn owned_by(&self, what: &str, owners: [&str; 2]) {
        let mut since = Instant::now();
        self.until(&format!("{what}: {owners:?}"), || {
            let now = self.owners();
            let both = now.contains(&"both");
            assert!(!both, "{}: {what}: two owners\n{}", self.lab.name(), self.ends_of_logs());
            if now != owners {
                since = Instant::now();
            }
            since.elapsed() > CALM
        });
    }

    fn marks(&self) -> [usize; 2] {
        [1, 2].map(|node| self.lab.node(node).log().len())
    }

    /// The groups move as they are told, and who gave and who took know that it is done: the next order is not refused.
    fn moves(&self, what: &str, owners: [&str; 2], order: impl FnOnce()) {
        const ENDS: [&str; 2] =
            ["Standby resource acquisition done", "Other node completed standby takeover"];
        let marks = self.marks();
        order();
        self.until(&format!("{what}: both know that it is done"), || {
            let logs = self.lab.nodes().iter().zip(marks).map(|(node, mark)| node.log().split_off(mark));
            let logs: String = logs.collect();
            ENDS.iter().all(|end| logs.contains(end))
        });
        self.settle(what, owners);
    }

    /// Both have come to rest beside each other: the next order is not refused.
    fn at_ease(&self, since: usize) {
        if self.habits.failback != Failback::Legacy {
            self.ours().wait_for_log("remote resource transition completed.", since, SOON).unwrap();
        }
    }

    /// How often 2.1.3 was told something of this kind.
    fn heard(&self, kind: &str) -> usize {
        self.lab.node(2).log().matches(&format!("heard {kind}")).count()
    }
}

/// Everything that a pair goes through.
fn day(pair: &Pair) {
    let failback = pair.habits.failback;
    let legacy = failback == Failback::Legacy;
    pair.ours().start().unwrap();
    if legacy {
        pair.settle("ours alone", BOTH_ON_B1);
    }
    pair.start_old();
    pair.settle("both there", OWNED);
    pair.at_ease(0);
    if !legacy {
        for (order, owners) in
            [("standby all", BOTH_ON_B1), ("takeover local", OWNED), ("takeover all", BOTH_ON_B2)]
        {
            pair.moves(order, owners, || pair.order(order));
        }
        pair.moves("hb_takeover local", OWNED, || pair.ours().hb_takeover("local").unwrap());
        pair.moves("hb_standby all", BOTH_ON_B2, || pair.ours().hb_standby("all").unwrap());
        pair.moves("standby foreign", OWNED, || pair.order("standby foreign"));
    }
    pair.crash_old();
    pair.settle("b2 crashed", BOTH_ON_B1);
    let mark = pair.ours().log().len();
    pair.return_old();
    pair.at_ease(mark);
    let back = if failback == Failback::Off { BOTH_ON_B1 } else { OWNED };
    pair.settle("b2 returned", back);
    pair.order("stop");
    pair.settle("b2 stopped", BOTH_ON_B1);
    pair.ours().wait_for_log("node b2: is dead", mark, SOON).unwrap();
    let mark = pair.ours().log().len();
    pair.start_old();
    pair.at_ease(mark);
    pair.settle("b2 started", back);
    pair.ours().stop().unwrap();
    pair.settle("b1 stopped", BOTH_ON_B2);
    pair.until("it knows it dead", || pair.lab.node(2).log().contains("node b1: is dead"));
    pair.ours().start().unwrap();
    let back = if failback == Failback::Off { BOTH_ON_B2 } else { OWNED };
    pair.settle("b1 started", back);
    assert_eq!(pair.ours().reboots_asked(), "");
    for word in ["ERROR", "CRIT"] {
        let log = pair.ours().log();
        let told: Vec<_> = log.lines().filter(|line| line.contains(word)).collect();
        assert!(told.is_empty(), "{}: {told:#?}", pair.lab.name());
    }
    // with two keys it cannot read us before we know how it signs
    let refused = pair.lab.node(2).log().matches("refused").count();
    assert!(refused <= if pair.habits.signing == 1 { 0 } else { 60 }, "{}: {refused}", pair.lab.name());
}

#[test]
fn a_day_with_failback() {
    day(&Pair::usual("213-on", AS_USUAL));
}

#[test]
fn a_day_without_failback() {
    day(&Pair::usual("213-off", Habits { failback: Failback::Off, ..AS_USUAL }));
}

#[test]
fn a_day_of_the_old_protocol() {
    day(&Pair::usual("213-legacy", Habits { failback: Failback::Legacy, ..AS_USUAL }));
}

#[test]
fn a_day_in_netstrings() {
    day(&Pair::usual("213-netstring", Habits { format: Format::Netstring, ..AS_USUAL }));
}

/// Each signs with a key of its own: what the other sends is read all the same.
#[test]
fn a_day_with_two_keys() {
    day(&Pair::usual("213-keys", Habits { signing: 2, ..AS_USUAL }));
}

/// Each is dead to the other and takes everything; after the healing 2.1.3 begins anew, and says nothing of the
/// dead.
#[test]
fn a_partition_heals() {
    let pair = Pair::usual("213-partition", AS_USUAL);
    let silence = |percent| {
        [1, 2].iter().for_each(|node| pair.lab.loss(Cable { node: *node, network: 0 }, percent).unwrap());
    };
    pair.start_old();
    pair.ours().start().unwrap();
    pair.settle("both there", OWNED);
    pair.at_ease(0);
    silence(100);
    pair.until("both take everything", || pair.owners() == ["both", "both"]);
    silence(0);
    pair.until("it begins anew", || {
        pair.lab.node(2).log().matches("Local status now set to: 'active'").count() == 2
    });
    pair.until("nothing is double", || !pair.owners().contains(&"both"));
    pair.settle("healed", OWNED);
}

/// It asks for what was never sent, for what it has acknowledged, for what is long gone: four times a second each.
#[test]
fn requests_without_end_cost_little() {
    let pair = Pair::usual("213-asks", AS_USUAL);
    pair.start_old();
    pair.ours().start().unwrap();
    pair.settle("both there", OWNED);
    pair.at_ease(0);
    let (lines, naks) = (pair.ours().log().lines().count(), pair.heard("NS_nak_rexmit"));
    pair.order("invent 1 499");
    pair.until("it asks", || pair.lab.node(2).log().contains("order invent"));
    let started = Instant::now();
    // it must be at work for a while for anything to pile up
    pair.until("a while has passed", || started.elapsed() > Duration::from_secs(5));
    let seconds = started.elapsed().as_secs() as usize + 1;
    let (lines, naks) = (pair.ours().log().lines().count() - lines, pair.heard("NS_nak_rexmit") - naks);
    assert!(lines <= seconds * CHATTER, "{lines} lines in {seconds} s");
    // two thousand requests a second; at most two hundred numbers are refused in two seconds
    assert!(naks <= (seconds / 2 + 1) * 200, "{naks} refusals in {seconds} s");
    // and it is a good peer nevertheless
    pair.ours().hb_standby("all").unwrap();
    pair.owned_by("hb_standby all", BOTH_ON_B2);
    pair.crash_old();
    pair.settle("b2 crashed", BOTH_ON_B1);
    assert!(!logfile::after(&pair.ours().log(), 0).contains("ERROR"), "{}", pair.ours().log());
}

/// Our daemon begins anew while it asks for numbers of the life before.
#[test]
fn what_was_missing_before_a_restart_is_asked_for_ever() {
    let pair = Pair::usual("213-old-news", AS_USUAL);
    pair.start_old();
    pair.ours().start().unwrap();
    pair.settle("both there", OWNED);
    pair.at_ease(0);
    pair.order("invent 40 60");
    pair.ours().stop().unwrap();
    pair.owned_by("b1 stopped", BOTH_ON_B2);
    pair.until("it knows it dead", || pair.lab.node(2).log().contains("node b1: is dead"));
    let mark = pair.ours().log().len();
    pair.ours().start().unwrap();
    pair.owned_by("b1 started", OWNED);
    pair.at_ease(mark);
    let log = pair.ours().log();
    let told = logfile::after(&log, mark).matches("Rexmit of seq").count();
    assert!(told <= 4, "{told} lines of {log}");
}
