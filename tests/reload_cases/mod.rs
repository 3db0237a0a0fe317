//! Pairs that are watched while they reload.

mod changes;
mod files;
mod moments;
mod watch;

use crate::lab::node::LOG;
use crate::lab::{Flavour, Lab, Node, cannot, logfile, wait_until};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use watch::Watch;

/// Nothing in here takes longer, whatever else this machine does.
const SOON: Duration = Duration::from_secs(60);
/// A pair is at rest when nothing of it has changed for so long.
const CALM: Duration = Duration::from_millis(1000);
const HEARTBEAT: &str = "/usr/libexec/heartbeat/heartbeat";
const SHA1: &str = "auth 1\n1 sha1 TopSecret\n";

/// What is written into ha.cf; each node may have its own.
#[derive(Clone)]
struct Conf {
    failback: &'static str,
    timing: &'static str,
    media: &'static str,
    logfile: &'static str,
    more: &'static str,
}

const USUAL: &str = "keepalive 200ms\nwarntime 1000ms\ndeadtime 2000ms\ninitdead 4000ms\n";

impl Conf {
    fn of(failback: &'static str) -> Self {
        Self { failback, timing: USUAL, media: "bcast eth0\n", logfile: LOG, more: "" }
    }

    fn text(&self) -> String {
        let Self { failback, timing, media, logfile, more } = self;
        format!(
            "logfile {logfile}\nlogfacility none\n{timing}{media}auto_failback {failback}\n{more}node b1 b2\n"
        )
    }
}

/// A pair that serves, b1 and b2 a group each, and what was seen of it.
struct Pair {
    lab: Lab,
    flavours: [Flavour; 2],
    failback: &'static str,
    watch: Watch,
}

/// What a pair goes through.
struct Story {
    name: &'static str,
    failback: &'static str,
    /// Run for mixed pairs too: it costs time, and the modes have much in common.
    mixed: bool,
    run: fn(&Pair),
}

const fn story(name: &'static str, failback: &'static str, mixed: bool, run: fn(&Pair)) -> Story {
    Story { name, failback, mixed, run }
}

const STORIES: [Story; 10] = [
    story("moments", "on", true, moments::all),
    story("moments", "legacy", false, moments::of_the_old_protocol),
    story("moments", "off", false, moments::all),
    story("modes", "on", false, changes::another_failback_mode),
    story("files", "on", true, files::keys_and_files),
    story("changes", "legacy", true, changes::course),
    story("changes", "on", false, changes::course),
    story("changes", "off", false, changes::course),
    story("takeover", "legacy", true, moments::during_takeover),
    story("takeover", "on", false, moments::during_takeover),
];

/// How often a story is told, where a fault of the real daemon came between.
const TRIES: usize = 3;
/// Laboratories at a time: they mostly wait.
const JOBS: usize = 8;

/// `RELOAD_PAIR` names other pairs, for all stories; `RELOAD_ONLY` a part of their names.
#[test]
fn nothing_moves() {
    let only = std::env::var("RELOAD_ONLY").unwrap_or_default();
    let mut jobs = Vec::new();
    for story in STORIES.iter().filter(|story| format!("{} {}", story.name, story.failback).contains(&only)) {
        let pairs = if story.mixed { "ours/ours ours/ref ref/ours" } else { "ours/ours" };
        let pairs = std::env::var("RELOAD_PAIR").unwrap_or(pairs.to_owned());
        jobs.extend(pairs.split(' ').map(|pair| (story, pair.to_owned())));
    }
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..JOBS {
            scope.spawn(|| {
                while let Some((story, pair)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let title = format!("{} {} {pair}", story.name, story.failback);
                    let started = Instant::now();
                    if catch_unwind(AssertUnwindSafe(|| tell(&title, story, pair))).is_err() {
                        failed.lock().unwrap().push(title.clone());
                    }
                    println!("{title}: {:.0} s", started.elapsed().as_secs_f64());
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{failed:#?}");
}

fn tell(title: &str, story: &Story, pair: &str) {
    let flavour = |word| if word == "ref" { Flavour::Reference } else { Flavour::Ours };
    let (first, second) = pair.split_once('/').unwrap();
    let flavours = [flavour(first), flavour(second)];
    if let Some(reason) = flavours.iter().find_map(|flavour| flavour.unavailable()) {
        return cannot(format_args!("{title}: {reason}"));
    }
    let mut tried = 1;
    loop {
        let pair = Pair::new(title, flavours, story.failback);
        let told = catch_unwind(AssertUnwindSafe(|| {
            pair.start();
            (story.run)(&pair);
        }));
        let Err(failure) = told else { return };
        if tried == TRIES || !pair.real_fault() {
            resume_unwind(failure);
        }
        println!("{title}: a fault of the real daemon came between; once more");
        tried += 1;
    }
}

impl Pair {
    fn new(name: &str, flavours: [Flavour; 2], failback: &'static str) -> Self {
        let lab = Lab::new(name, flavours).unwrap();
        let watch = Watch::of(&lab);
        let pair = Self { lab, flavours, failback, watch };
        for node in pair.lab.nodes() {
            node.record_calls().unwrap();
            node.configure(&Conf::of(failback).text(), SHA1, HARESOURCES).unwrap();
        }
        pair
    }

    /// Both live, each with its own.
    fn start(&self) {
        self.node(1).start().unwrap();
        if self.failback == "legacy" {
            // two that start at once may both take a group
            self.wait("b1 serves all", || self.node(1).vips().len() == 2);
        }
        self.node(2).start().unwrap();
        self.wait("each serves its own", || self.owners() == ["b1", "b2"]);
        if self.failback != "legacy" {
            for node in self.lab.nodes() {
                node.wait_for_log("remote resource transition completed.", 0, SOON).unwrap();
            }
        }
        self.be_calm();
    }

    /// Whether what a real daemon was told got lost in it.
    fn real_fault(&self) -> bool {
        self.lab.real_logs().any(|log| logfile::fifo_fault(&log))
    }

    fn node(&self, index: usize) -> &Node {
        self.lab.node(index)
    }

    fn is_ours(&self, index: usize) -> bool {
        self.flavours[index - 1] == Flavour::Ours
    }

    fn name(&self) -> &str {
        self.lab.name()
    }

    fn wait(&self, what: &str, mut happened: impl FnMut() -> bool) {
        let so = || if happened() { Ok(()) } else { Err(format!("owners {:?}", self.owners())) };
        if let Err(failure) = wait_until(&format!("{}: {what}", self.name()), SOON, so) {
            panic!("{failure}\n{}", self.ends_of_logs());
        }
    }

    fn ends_of_logs(&self) -> String {
        let end = |node: &Node| {
            let log = node.log();
            let from = log.len().saturating_sub(6000);
            format!("== {}\n{}\n", node.name(), log.get(from..).unwrap_or_default())
        };
        self.lab.nodes().iter().map(end).collect()
    }

    /// Who holds the address of b1's group, and who that of b2's.
    fn owners(&self) -> [&'static str; 2] {
        self.lab.owners(["10.80.0.101", "10.80.0.102"])
    }

    fn be_calm(&self) {
        if let Err(failure) = self.lab.at_rest(CALM, SOON, &[], || ()) {
            panic!("{}: {failure}\n{}", self.name(), self.ends_of_logs());
        }
    }

    fn marks(&self) -> Marks {
        Marks {
            watched: self.watch.seen(),
            calls: [1, 2].map(|node| self.node(node).calls().len()),
            log: [1, 2].map(|node| self.node(node).log().len()),
            generation: [1, 2].map(|node| self.generation(node)),
        }
    }

    fn generation(&self, node: usize) -> u64 {
        self.node(node).read("/var/lib/heartbeat/hb_generation").trim().parse().unwrap_or(0)
    }

    fn write_ha_cf(&self, node: usize, text: &str) {
        self.node(node).write("/etc/ha.d/ha.cf", text, 0o644).unwrap();
        self.age("/etc/ha.d/ha.cf", node);
    }

    /// Times of files have a coarse grain: each change gets a time of its own.
    fn age(&self, file: &str, node: usize) {
        static CHANGES: AtomicUsize = AtomicUsize::new(0);
        let change = CHANGES.fetch_add(1, Ordering::Relaxed);
        let when = format!("2030-01-01 00:00:00 UTC +{change} seconds");
        self.node(node).must(&["touch", "-d", &when, file]).unwrap();
    }

    fn write_keys(&self, node: usize, text: &str) {
        self.node(node).write("/etc/ha.d/authkeys", text, 0o600).unwrap();
        self.age("/etc/ha.d/authkeys", node);
    }

    fn ask_to_reload(&self, node: usize) {
        self.node(node).must(&[HEARTBEAT, "-r"]).unwrap();
    }

    fn hangup(&self, node: usize) {
        self.node(node).must(&["sh", "-c", "kill -HUP $(cat /run/heartbeat.pid)"]).unwrap();
    }

    /// The node has begun anew, and the other knows it.
    fn reloaded(&self, node: usize, marks: &Marks) {
        let (other, name) = (3 - node, self.node(node).name());
        let restarted = format!("Heartbeat restart on node {name}");
        let active = format!("Status update for node {name}: status active");
        self.wait(&format!("{name} reloaded"), || {
            let seen = self.node(other).log();
            let seen = logfile::after(&seen, marks.log[other - 1]);
            seen.contains(&restarted) && seen.contains(&active)
        });
    }

    /// Writes ha.cf, reloads, and holds what came of it against the rules.
    fn reload(&self, what: &str, node: usize, conf: &Conf) {
        let marks = self.marks();
        self.write_ha_cf(node, &conf.text());
        self.ask_to_reload(node);
        self.reloaded(node, &marks);
        self.be_calm();
        self.nothing_moved(&format!("{what} on b{node}"), &marks);
        assert!(self.generation(node) > marks.generation[node - 1], "{what}: {}", self.name());
    }

    /// No address moved or blinked, no script was called, nobody died.
    fn nothing_moved(&self, what: &str, marks: &Marks) {
        let title = format!("{}: {what}", self.name());
        let moved = self.watch.since(marks.watched);
        assert!(moved.is_empty(), "{title}: moved {moved:?}\n{}", self.ends_of_logs());
        for node in self.lab.nodes() {
            let at = node.index() - 1;
            let mut calls: Vec<_> = node.calls().split_off(marks.calls[at]);
            // one that changes over to the old protocol looks whether its groups run
            calls.retain(|call| self.is_ours(node.index()) || !call.arguments.ends_with(" status"));
            assert!(calls.is_empty(), "{title}: {} ran {calls:?}", node.name());
            let log = node.log();
            let log = logfile::after(&log, marks.log[at]);
            for word in ["is dead", "Both machines own", "No one owns", "returning after partition"] {
                assert!(!log.contains(word), "{title}: {}: {word}\n{}", node.name(), self.ends_of_logs());
            }
            assert!(node.daemon_runs(), "{title}: {}", node.name());
            assert_eq!(node.reboots_asked(), "", "{title}");
        }
    }
}

const HARESOURCES: &str =
    "b1 IPaddr2::10.80.0.101/24/eth0 probe::one\nb2 IPaddr2::10.80.0.102/24/eth0 probe::two\n";

/// How far things had come.
struct Marks {
    watched: usize,
    calls: [usize; 2],
    log: [usize; 2],
    generation: [u64; 2],
}
