//! ipfail beside a real one and beside its like, on real daemons: who loses sight of a ping node gives
//! its resources up, what both lose moves nothing, and what returns goes back as `auto_failback` says.
//!
//! Each story is told by two real ipfails first; the pairs with ours in them must end the same way.
//! Heartbeats run over eth1, ping nodes and virtual addresses are on eth0, so that a node can lose the
//! one without the other.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test program a panic is a failure that points at its line"
)]

mod lab;

use lab::{Flavour, Lab, logfile, missing};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The start of a pair takes 15 s, a move a few; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(90);
const TRIES: usize = 3;
const KEEPALIVE: Duration = Duration::from_secs(1);
const TIMES: &str = "keepalive 1\ndeadping 4";
/// A real one waits for two keepalives before it moves resources; so long a message may take here.
const SLOW: &str = "keepalive 2\ndeadping 6";
/// Ours waits for four keepalives, 16 s: the other notices the same up to 10 s later, and has 6 s to say so.
const PATIENT: &str = "keepalive 4\ndeadping 10";
/// For many flaps in a row.
const FAST: &str = "keepalive 200ms\ndeadping 700ms";
/// Two ping nodes at the client's.
const PINGS: [&str; 2] = ["10.80.0.9", "10.80.0.11"];
const VIPS: [&str; 2] = ["10.80.0.101", "10.80.0.102"];
const PROGRAM: &str = "/usr/libexec/heartbeat/ipfail";

/// Whose daemon and whose ipfail a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    /// Both real.
    Real,
    /// Our ipfail with the real daemon.
    OurIpfail,
    /// The real ipfail with our daemon.
    OurDaemon,
    /// Both ours.
    Ours,
}
use Node::{OurDaemon, OurIpfail, Ours, Real};

/// Two real ones tell each story for comparison; they are first.
const PAIRS: [[Node; 2]; 6] =
    [[Real, Real], [OurIpfail, Real], [OurIpfail, OurIpfail], [OurDaemon, Real], [Real, Ours], [Ours, Ours]];

impl Node {
    fn daemon(self) -> Flavour {
        if matches!(self, Real | OurIpfail) { Flavour::Reference } else { Flavour::Ours }
    }

    fn ipfail_is_ours(self) -> bool {
        matches!(self, Ours | OurIpfail)
    }

    fn ipfail(self) -> &'static str {
        if self.ipfail_is_ours() { env!("CARGO_BIN_EXE_ipfail") } else { PROGRAM }
    }
}

struct Pair {
    lab: Lab,
    whose: [Node; 2],
    /// Longer than any timer of ipfail.
    calm: Duration,
}

/// The addresses each node holds, as `b1: …; b2: …`.
type Holding = [BTreeSet<String>; 2];

impl Pair {
    fn start(whose: [Node; 2], auto_failback: &str, times: &str) -> Self {
        let lab = Lab::new(&format!("ipfail-{whose:?}"), whose.map(Node::daemon)).unwrap();
        lab.client().script(&[], &format!("ip addr add {}/24 dev eth0", PINGS[1])).unwrap();
        let ha_cf = format!(
            "logfile /var/log/ha-log\nlogfacility none\n{times}\nwarntime 10\ndeadtime 15\ninitdead 20\n\
             bcast eth1\nauto_failback {auto_failback}\nnode b1 b2\nping {}\n\
             respawn hacluster {PROGRAM}\n",
            PINGS.join(" ")
        );
        let haresources = format!("b1 {}/24/eth0\nb2 {}/24/eth0\n", VIPS[0], VIPS[1]);
        for (node, whose) in lab.nodes().iter().zip(whose) {
            node.copy(whose.ipfail(), PROGRAM).unwrap();
            node.configure(&ha_cf, "auth 1\n1 sha1 x\n", &haresources).unwrap();
            node.start().unwrap();
        }
        let calm = KEEPALIVE
            * match times {
                PATIENT => 24,
                SLOW => 12,
                _ => 6,
            };
        let pair = Self { lab, whose, calm };
        pair.until("each holds its own", |h| *h == own());
        // the last join, and the round of standby that may follow it
        pair.until_logged([0, 0], "remote resource transition completed.");
        for node in pair.lab.nodes() {
            lab::wait_until("ipfail is signed on", SOON, || {
                let status = node.must(&["cl_status", "clientstatus", &node.name(), "ipfail"]);
                if status.unwrap_or_default().trim() == "online" { Ok(()) } else { Err("offline".into()) }
            })
            .unwrap();
        }
        pair.rest();
        pair
    }

    fn holding(&self) -> Holding {
        let holding = self.lab.holdings();
        let [first, second] = &holding;
        let both: Vec<_> = first.intersection(second).collect();
        assert!(both.is_empty(), "{:?}: both hold {both:?}\n{}", self.whose, self.logs());
        holding
    }

    fn until(&self, what: &str, condition: impl Fn(&Holding) -> bool) {
        let met = || {
            let holding = self.holding();
            if condition(&holding) { Ok(()) } else { Err(format!("{holding:?}")) }
        };
        let told = |failure| format!("{:?}: {failure}\n{}", self.whose, self.logs());
        lab::wait_until(what, SOON, met).map_err(told).unwrap();
    }

    /// Both logs say so, after their marks.
    fn until_logged(&self, marks: [usize; 2], text: &str) {
        self.until(text, |_| {
            self.lab
                .nodes()
                .iter()
                .zip(marks)
                .all(|(n, mark)| lab::logfile::after(&n.log(), mark).contains(text))
        });
    }

    /// One log says so, after its mark.
    fn until_logged_by(&self, node: usize, [first, second]: [usize; 2], text: &str) {
        let mark = if node == 1 { first } else { second };
        self.lab.node(node).wait_for_log(text, mark, SOON).unwrap();
    }

    /// Nothing moves for longer than any timer of ipfail.
    fn rest(&self) {
        self.lab.at_rest(self.calm, SOON, &["ipfail"], || drop(self.holding())).unwrap();
    }

    fn marks(&self) -> [usize; 2] {
        [1, 2].map(|n| self.lab.node(n).log().len())
    }

    fn logs(&self) -> String {
        let lines = |n: &lab::Node| {
            let wanted = |l: &&str| ["ipfail", "standby", "dead", "ERROR"].iter().any(|w| l.contains(w));
            n.log().lines().filter(wanted).collect::<Vec<_>>().join("\n")
        };
        self.lab.nodes().iter().map(lines).collect::<Vec<_>>().join("\n--\n")
    }

    /// One node does not reach a ping node any more: its packets go to nobody.
    fn lose(&self, node: usize, ping: &str) {
        let nobody = [
            "ip",
            "neigh",
            "replace",
            ping,
            "lladdr",
            "02:00:00:00:00:99",
            "dev",
            "eth0",
            "nud",
            "permanent",
        ];
        self.lab.node(node).must(&nobody).unwrap();
    }

    fn regain(&self, node: usize, ping: &str) {
        self.lab.node(node).must(&["ip", "neigh", "del", ping, "dev", "eth0"]).unwrap();
    }

    /// A ping node fails, for both, or comes back.
    fn ping_node(&self, what: &str) {
        self.lab.client().script(&[], &format!("ip addr {what} {}/24 dev eth0", PINGS[1])).unwrap();
    }

    fn moved_all(&self, marks: [usize; 2]) -> bool {
        let told = |(n, mark): (&lab::Node, usize)| {
            lab::logfile::after(&n.log(), mark).contains("wants to go standby [all]")
        };
        self.lab.nodes().iter().zip(marks).any(told)
    }
}

fn own() -> Holding {
    VIPS.map(|vip| BTreeSet::from([vip.to_owned()]))
}

fn all_on(node: usize) -> Holding {
    let all = VIPS.map(str::to_owned).into();
    if node == 1 { [all, BTreeSet::new()] } else { [BTreeSet::new(), all] }
}

/// The story as these pairs tell it, side by side in time: it has the same end for all.
fn each_pair<T: PartialEq + std::fmt::Debug + Send>(
    pairs: &[[Node; 2]],
    auto_failback: &str,
    times: &str,
    story: impl Fn(&Pair) -> T + Sync,
) {
    let tell = |whose| repeated(|| story(&Pair::start(whose, auto_failback, times)));
    let told = at_once(pairs.iter().map(|whose| (format!("{whose:?}"), move || tell(*whose))));
    for (whose, end) in pairs.iter().zip(&told) {
        assert_eq!(Some(end), told.first(), "{whose:?} beside {:?}", pairs.first());
    }
}

thread_local! {
    /// A real daemon lost a message in the run that fails now.
    static LOST: Cell<bool> = const { Cell::new(false) };
}

impl Drop for Pair {
    fn drop(&mut self) {
        let lost = || self.lab.nodes().iter().any(|node| logfile::fifo_fault(&node.log()));
        LOST.set(std::thread::panicking() && lost());
    }
}

/// Once more where a real daemon lost a message.
fn repeated<T>(run: impl Fn() -> T) -> T {
    for _ in 1..TRIES {
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(&run)) {
            Ok(end) => return end,
            Err(failure) if !LOST.take() => std::panic::resume_unwind(failure),
            Err(_) => println!("a fault of the real daemon came between; once more"),
        }
    }
    run()
}

/// Each in a thread of its own; fails, when all have ended, with the names of those that failed.
fn at_once<T: Send>(all: impl Iterator<Item = (String, impl FnOnce() -> T + Send)>) -> Vec<T> {
    std::thread::scope(|scope| {
        let began: Vec<_> = all
            .map(|(name, act)| {
                let thread = std::thread::Builder::new().name(name.clone());
                (name, thread.spawn_scoped(scope, act).unwrap())
            })
            .collect();
        let ended: Vec<_> = began.into_iter().map(|(name, thread)| (name, thread.join())).collect();
        let failed: Vec<_> = ended.iter().filter(|(_, end)| end.is_err()).map(|(name, _)| name).collect();
        assert!(failed.is_empty(), "failed: {failed:?}");
        ended.into_iter().map(|(_, end)| end.unwrap()).collect()
    })
}

/// All at once: they sleep most of the time.
#[test]
fn every_story_ends_as_it_does_for_two_real_ones() {
    if missing(&[Flavour::Reference]) {
        return;
    }
    let stories: [(&str, fn()); 5] = [
        (
            "who loses a ping node gives up, and gets its own back with auto_failback",
            gives_up_and_gets_its_own_back,
        ),
        ("without auto_failback everything stays where it went", stays_where_it_went),
        ("what both lose moves nothing", what_both_lose_moves_nothing),
        ("ours wait for the other to notice the same", ours_wait_for_the_other),
        ("fifty flaps never bring two owners", fifty_flaps_never_bring_two_owners),
    ];
    at_once(stories.into_iter().map(|(name, story)| (name.to_owned(), story)));
}

/// One node loses a ping node, the story's next line is the other's; how long each move took is told.
fn there_and_back(pair: &Pair) -> Vec<Holding> {
    let mut seen = Vec::new();
    for node in [1, 2] {
        let marks = pair.marks();
        let began = Instant::now();
        pair.lose(node, PINGS[0]);
        pair.until("everything moves", |h| *h == all_on(3 - node));
        println!("{:?}: b{node} moved after {:.1} s", pair.whose, began.elapsed().as_secs_f64());
        assert!(pair.moved_all(marks), "by standby");
        if pair.whose.iter().all(|node| node.ipfail_is_ours()) {
            let other = 3 - node;
            let why = format!(
                "Moving all resources to b{other}: 1 ping node seen here, 2 by b{other} (only by b{other}: {}).",
                PINGS[0]
            );
            assert!(pair.lab.node(node).log().contains(&why), "{}", pair.logs());
        }
        pair.rest();
        seen.push(pair.holding());
        let marks = pair.marks();
        pair.regain(node, PINGS[0]);
        pair.until_logged_by(node, marks, "now has status ping");
        pair.rest();
        seen.push(pair.holding());
    }
    seen
}

fn gives_up_and_gets_its_own_back() {
    each_pair(&PAIRS, "on", TIMES, |pair| {
        let seen = there_and_back(pair);
        assert_eq!(seen, [all_on(2), own(), all_on(1), own()], "{:?}\n{}", pair.whose, pair.logs());
        seen
    });
}

fn stays_where_it_went() {
    each_pair(&PAIRS, "off", TIMES, |pair| {
        let seen = there_and_back(pair);
        assert_eq!(seen, [all_on(2), all_on(2), all_on(1), all_on(1)], "{:?}\n{}", pair.whose, pair.logs());
        seen
    });
}

fn what_both_lose_moves_nothing() {
    each_pair(&PAIRS, "on", SLOW, |pair| {
        let marks = pair.marks();
        for (what, status) in [("del", "now has status dead"), ("add", "now has status ping")] {
            let marks = pair.marks();
            pair.ping_node(what);
            pair.until_logged(marks, status);
            pair.rest();
            assert_eq!(pair.holding(), own(), "{:?}\n{}", pair.whose, pair.logs());
        }
        assert!(!pair.moved_all(marks), "{:?}\n{}", pair.whose, pair.logs());
    });
}

/// Two real ones move here, and back.
fn ours_wait_for_the_other() {
    each_pair(&[[OurIpfail; 2], [Ours; 2]], "on", PATIENT, |pair| {
        let marks = pair.marks();
        pair.lose(1, PINGS[0]);
        pair.until_logged_by(1, marks, "now has status dead");
        pair.lose(2, PINGS[0]);
        pair.until_logged(marks, "now has status dead");
        pair.rest();
        assert_eq!(pair.holding(), own(), "{}", pair.logs());
        assert!(!pair.moved_all(marks), "{}", pair.logs());
        let why = "Keeping our resources: 1 ping node seen here, 1 by b2.";
        assert!(pair.lab.node(1).log().contains(why), "{}", pair.logs());
    });
}

fn fifty_flaps_never_bring_two_owners() {
    each_pair(&PAIRS[1..], "on", FAST, |pair| {
        let mut rng = fastrand::Rng::with_seed(50);
        for _ in 0..50 {
            // some too short to be noticed, some long enough for a move
            let (node, ping) = (rng.usize(1..3), PINGS[rng.usize(0..2)]);
            pair.lose(node, ping);
            watch(pair, Duration::from_millis(rng.u64(200..2_400)));
            pair.regain(node, ping);
            watch(pair, Duration::from_millis(rng.u64(100..800)));
        }
        pair.rest();
        let holding = pair.holding();
        let held: usize = holding.iter().map(BTreeSet::len).sum();
        assert_eq!(held, VIPS.len(), "{:?}: {holding:?}\n{}", pair.whose, pair.logs());
        if pair.whose.iter().all(|node| node.ipfail_is_ours()) {
            assert_eq!(holding, own(), "{}", pair.logs());
        }
    });
}

/// Looks at the holders for a while.
fn watch(pair: &Pair, long: Duration) {
    let end = Instant::now() + long;
    while Instant::now() < end {
        pair.holding();
        std::thread::sleep(Duration::from_millis(50));
    }
}
