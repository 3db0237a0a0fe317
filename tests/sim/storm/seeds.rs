//! Seeds by the thousand, on every core.

use super::cases::read_script;
use super::play::{play, story};
use super::random;
use super::script::Script;
use super::shrink::shrink;
use super::watch::Failure;
use super::world::{BEGIN, World};
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How many seeds; `SIM_SEEDS=100000` for more, `SIM_SEED=4711` for one and its story, `SIM_SCRIPT=FILE` for the
/// story of a script, `SIM_FAILURES=9` to see more failures than one.
const SEEDS: u64 = 10_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// What all the storms together were like: how far the limits are.
#[derive(Default)]
struct Told {
    seeds: u64,
    time: Duration,
    longest: Duration,
    sent: usize,
    said: usize,
}

impl Told {
    fn add(&mut self, world: &World) {
        self.seeds += 1;
        self.time += world.now - BEGIN;
        self.longest = self.longest.max(world.watch.longest);
        self.sent = self.sent.max(world.watch.most_sent);
        self.said = self.said.max(world.watch.most_said);
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = self.time / self.seeds.max(1) as u32;
        let Self { seeds, longest, sent, said, .. } = self;
        write!(
            f,
            "{seeds} seeds of {each:?} each, two owners for {longest:?} at most while both could settle it, "
        )?;
        write!(f, "{sent} packets and {said} log lines in a second at most, in")
    }
}

/// The seeds that fail, lowest first; stops looking soon after a few.
fn failing(seeds: u64, make: impl Fn(u64) -> Script + Sync) -> Vec<(u64, Failure)> {
    let (next, failures) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let (begin, told) = (Instant::now(), Mutex::new(Told::default()));
    let enough = number("SIM_FAILURES").unwrap_or(1) as usize;
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds || failures.lock().unwrap().len() >= enough {
                return;
            }
            match play(&make(seed)) {
                Ok(world) => told.lock().unwrap().add(&world),
                Err(failure) => failures.lock().unwrap().push((seed, failure)),
            }
        }
    };
    let cores = thread::available_parallelism().map_or(1, |n| n.get());
    thread::scope(|scope| (0..cores).for_each(|_| drop(scope.spawn(work))));
    println!("{} {:?}", told.into_inner().unwrap(), begin.elapsed());
    let mut failures = failures.into_inner().unwrap();
    failures.sort_by_key(|(seed, _)| *seed);
    failures
}

/// A failing seed, made short, with its story.
fn tell(seed: u64, script: &Script, failure: &Failure) -> String {
    let short = shrink(script, failure);
    let Failure { property, text } = play(&short).err().unwrap_or_else(|| failure.clone());
    let story = story(&short);
    format!("---- seed {seed}: ({property}) {text}\n{short}---- its story:\n{story}\n")
}

#[test]
fn every_property_holds_in_every_storm() {
    if let Some(seed) = number("SIM_SEED") {
        let script = random::script(seed);
        let told =
            play(&script).err().map_or_else(|| story(&script), |failure| tell(seed, &script, &failure));
        panic!("{told}");
    }
    if let Ok(file) = std::env::var("SIM_SCRIPT") {
        panic!("{}", story(&read_script(&std::fs::read_to_string(file).unwrap()).unwrap()));
    }
    let failures = failing(number("SIM_SEEDS").unwrap_or(SEEDS), random::script);
    let told = |(seed, failure): &(u64, Failure)| tell(*seed, &random::script(*seed), failure);
    assert!(failures.is_empty(), "{}", failures.iter().map(told).collect::<String>());
}
