//! What is asked of the check of every server alike.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use heartbeat::director::checks::Outcome;
use heartbeat::director::checks::probe::Probe;
use heartbeat::director::checks::run::run;
use tokio::task::JoinSet;

use crate::check::{
    checked, is_late, moved, must_be_down, must_be_late, must_be_up, probe, runtime, wait_until_up, within,
};
use crate::faults::{Between, Fault};
use crate::leaks;
use crate::place::Place;
use crate::reference;
use crate::strangers::{ALL, Manner, Stranger, datagrams, deserted};

/// Time for a check that is expected to run into it.
const SHORT: Duration = Duration::from_millis(700);
/// More than that is no limit that was kept, even on a busy machine.
const SLACK: Duration = Duration::from_secs(20);
/// What a server says can differ by so many bytes from time to time: ports, signatures.
const VARIES: usize = 16;
/// So many places of what a server says are looked at.
const PLACES: usize = 60;

/// A server and the check of it.
pub(crate) struct Battery<'a> {
    /// Where the server runs.
    pub(crate) place: &'a Place,
    /// The directives of a check that is good.
    pub(crate) right: &'a str,
    /// What is to be called down while the server runs: for what it shows, and its directives.
    pub(crate) wrong: &'a [(&'a str, &'a str)],
    /// Where the server listens.
    pub(crate) at: SocketAddr,
    /// Whether it is asked by datagrams.
    pub(crate) udp: bool,
    /// Starts the server, which does not run.
    pub(crate) start: &'a dyn Fn(&Place),
}

impl Battery<'_> {
    /// All of it. The server runs before and after.
    pub(crate) fn run(&self) {
        let begin = Instant::now();
        let step = |what: &str| println!("{:6.1} s: {what}", begin.elapsed().as_secs_f64());
        let good = probe(self.at, self.right);
        wait_until_up("at the beginning", &good);
        for (what, lines) in self.wrong {
            must_be_down(what, &probe(self.at, lines));
        }
        reference::compare(self.place, self.at, self.right, true);
        for (_, lines) in self.wrong {
            reference::compare(self.place, self.at, lines, false);
        }
        if self.udp {
            runtime().block_on(datagrams_of_strangers(&good));
        } else {
            runtime().block_on(async {
                strangers(&good).await;
                step("strangers");
                cuts(&good).await;
                step("cuts");
                drips(&good).await;
                step("drips");
                flips(&good).await;
                step("flips");
            });
        }
        self.leaks(&good);
        step("leaks");
        self.frozen(&good);
        step("frozen");
        self.stopped(&good);
        step("stopped");
    }

    /// The server's own machine takes the connection, the server does nothing.
    fn frozen(&self, good: &Probe) {
        must_be_up("before it is frozen", good);
        self.place.freeze();
        must_be_late("frozen", &within(SHORT, good));
        reference::compare(self.place, self.at, self.right, false);
        self.place.thaw();
        wait_until_up("thawed", good);
    }

    fn stopped(&self, good: &Probe) {
        self.place.stop();
        let outcome = checked(good);
        let refused =
            ["Connection refused", "Connection failed"].iter().any(|words| outcome.text.contains(words));
        assert!(!outcome.up && refused, "stopped: {outcome:?}");
        reference::compare(self.place, self.at, self.right, false);
        (self.start)(self.place);
        wait_until_up("started again", good);
    }

    fn leaks(&self, good: &Probe) {
        let bad = self.wrong.first().map(|(_, lines)| probe(self.at, lines));
        let udp = self.udp;
        runtime().block_on(async {
            let nobody = moved(deserted(good.at.ip()).await, good);
            let mut probes = vec![(good.clone(), true), (nobody, false)];
            probes.extend(bad.map(|bad| (bad, false)));
            let hang = if udp {
                Stranger::udp(good.at.ip(), None).await
            } else {
                Stranger::tcp(good.at.ip(), Manner::Hang).await
            };
            probes.push((within(Duration::from_millis(50), &moved(hang.at, good)), false));
            let close = Stranger::tcp(good.at.ip(), Manner::Close).await;
            let long = Stranger::tcp(good.at.ip(), Manner::LongLine(100_000)).await;
            if !udp {
                probes.push((moved(close.at, good), false));
                probes.push((within(Duration::from_millis(50), &moved(long.at, good)), false));
            }
            leaks::search(&probes).await;
        });
    }
}

/// Checks many at once; what came of each, and how long it took, in the same order.
async fn all(probes: Vec<Probe>) -> Vec<(Outcome, Duration)> {
    let mut running = JoinSet::new();
    for (number, probe) in probes.into_iter().enumerate() {
        running.spawn(async move {
            let begin = Instant::now();
            (number, run(&probe).await, begin.elapsed())
        });
    }
    let mut ended = running.join_all().await;
    ended.sort_by_key(|(number, _, _)| *number);
    ended.into_iter().map(|(_, outcome, took)| (outcome, took)).collect()
}

/// Nobody but the server is up, and nobody holds a check up.
async fn strangers(good: &Probe) {
    let ip = good.at.ip();
    let mut there = Vec::new();
    for (manner, _) in ALL {
        there.push(Stranger::tcp(ip, manner).await);
    }
    let judged = ALL.iter().zip(&there).map(|((_, waits), stranger)| {
        let probe = moved(stranger.at, good);
        if *waits { within(SHORT, &probe) } else { probe }
    });
    let probes: Vec<_> = judged.collect();
    let limits: Vec<_> = probes.iter().map(|probe| probe.negotiate_timeout).collect();
    for (((manner, waits), limit), (outcome, took)) in ALL.into_iter().zip(limits).zip(all(probes).await) {
        assert!(!outcome.up, "{manner:?}: {outcome:?}");
        // Some protocols see at once that this is none of theirs; who is not kept waiting must not wait.
        assert!(took < if waits { SLACK } else { limit }, "{manner:?}: {outcome:?} after {took:?}");
    }
}

async fn datagrams_of_strangers(good: &Probe) {
    let answers = datagrams();
    let mut there = Vec::new();
    for answer in &answers {
        there.push(Stranger::udp(good.at.ip(), answer.clone()).await);
    }
    let probes = there.iter().map(|stranger| within(SHORT, &moved(stranger.at, good))).collect();
    for (answer, (outcome, took)) in answers.iter().zip(all(probes).await) {
        assert!(!outcome.up && took < SLACK, "{answer:?}: {outcome:?} after {took:?}");
    }
}

/// How much the server says in a good check.
async fn length(good: &Probe) -> usize {
    let between = Between::new(good.at, Fault::None).await;
    let outcome = run(&moved(between.at, good)).await;
    assert!(outcome.up, "through a go-between: {outcome:?}");
    between.passed()
}

/// Places in what the server says, not too many.
fn places(length: usize, most: usize) -> impl Iterator<Item = usize> {
    (0..length).step_by(length.div_ceil(most).max(1))
}

/// A server that breaks off is down, until it has said what decides; from there on it is up.
async fn cuts(good: &Probe) {
    let length = length(good).await;
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for at in places(length, PLACES) {
        let begin = Instant::now();
        let outcome = once(good, Fault::Close(at)).await;
        assert!(begin.elapsed() < good.negotiate_timeout, "closed after {at} of {length} bytes, not noticed");
        if outcome.up { up.push(at) } else { down.push(at) }
    }
    let (first, last) = (up.first().copied().unwrap_or(length), down.last().copied().unwrap_or(0));
    assert!(
        !down.is_empty() && last <= first + VARIES,
        "closed, of {length} bytes: up after {up:?}, down after {down:?}"
    );
    assert!(once(good, Fault::Close(length + VARIES)).await.up, "all was said");
    let before = first.saturating_sub(VARIES).max(1);
    for at in places(before, PLACES / 2) {
        let outcome = once(good, Fault::Reset(at)).await;
        assert!(!outcome.up, "broken off after {at} of {length} bytes, {first} decide: {outcome:?}");
    }
    hangs(good, places(before, 12).collect()).await;
}

async fn once(good: &Probe, fault: Fault) -> Outcome {
    let between = Between::new(good.at, fault).await;
    run(&moved(between.at, good)).await
}

/// What is not decided when a server falls silent is decided by the clock.
async fn hangs(good: &Probe, some: Vec<usize>) {
    let mut there = Vec::new();
    for at in &some {
        there.push(Between::new(good.at, Fault::Hang(*at)).await);
    }
    let probes = there.iter().map(|between| within(SHORT, &moved(between.at, good))).collect();
    for (at, (outcome, took)) in some.iter().zip(all(probes).await) {
        assert!(!outcome.up, "silent after {at} bytes: {outcome:?}");
        assert!((SHORT..SLACK).contains(&took), "silent after {at} bytes: {took:?}");
    }
}

/// A slow server is up if it is done in time, and down if not, however steadily it speaks.
async fn drips(good: &Probe) {
    let slow = Between::new(good.at, Fault::Drip(Duration::ZERO)).await;
    let outcome = run(&moved(slow.at, good)).await;
    assert!(outcome.up, "byte by byte: {outcome:?}");
    let too_slow = Between::new(good.at, Fault::Drip(Duration::from_secs(1))).await;
    let limit = SHORT * 3;
    let begin = Instant::now();
    let outcome = run(&within(limit, &moved(too_slow.at, good))).await;
    assert!(is_late(&outcome), "a byte a second: {outcome:?}");
    assert!((limit..limit + SLACK).contains(&begin.elapsed()), "{:?}", begin.elapsed());
}

/// Whatever a server says, a check comes to its end.
async fn flips(good: &Probe) {
    let mut there = Vec::new();
    for at in places(length(good).await, PLACES / 3) {
        there.push(Between::new(good.at, Fault::Flip(at)).await);
    }
    let probes = there.iter().map(|between| within(SHORT * 2, &moved(between.at, good))).collect();
    for (_, took) in all(probes).await {
        assert!(took < SLACK, "{took:?}");
    }
}
