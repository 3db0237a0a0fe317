//! Runs cases beside each other: they mostly wait.
//!
//! Environment: `LAB_PAIR=ref/ref` (or `ours/ref`, …) one pair instead of all; `LAB_JOBS=N` laboratories at a
//! time; `STORM_CASE=text` only cases with this in their title; `STORM_LEGACY=1` legacy mode instead; `STORM_KEEP=1`
//! logs are kept of good ones too; `CI=true`: a missing reference is a failure.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{Field, Setup, held};
use crate::lab::Flavour::{Ours, Reference};
use crate::lab::node::LOG;
use crate::lab::watch::Watch;
use crate::lab::{Failure, Flavour, cannot, logfile};

/// Laboratories at a time, unless the environment says otherwise.
const JOBS: usize = 6;

/// Ours with ours and beside the real one, with automatic failback and without.
pub(crate) fn setups(keepalive: Duration, deadtime: Duration, networks: usize) -> Vec<Setup> {
    let mut setups = Vec::new();
    let modes: &[_] = if std::env::var_os("STORM_LEGACY").is_some() { &["legacy"] } else { &["on", "off"] };
    for pair in pairs() {
        for &auto_failback in modes {
            setups.push(Setup { pair, auto_failback, keepalive, deadtime, networks });
        }
    }
    setups
}

/// The pairs wanted that can be had here.
fn pairs() -> Vec<[Flavour; 2]> {
    let wanted = match std::env::var("LAB_PAIR") {
        Err(_) => vec![[Ours, Ours], [Ours, Reference], [Reference, Ours]],
        Ok(text) => {
            let mut both = text.split('/').map(|name| if name == "ref" { Reference } else { Ours });
            vec![[both.next().unwrap_or(Ours), both.next().unwrap_or(Ours)]]
        }
    };
    let possible = |pair: &[Flavour; 2]| match pair.iter().find_map(|f| f.unavailable()) {
        Some(reason) => {
            cannot(format_args!("{}/{}: {reason}", pair[0], pair[1]));
            false
        }
        None => true,
    };
    wanted.into_iter().filter(possible).collect()
}

/// Each case of a test in a field of its own. What it says is printed; logs of failed ones are kept.
pub(crate) fn all<C: Sync>(
    test: &str,
    cases: &[C],
    setup: impl Fn(&C) -> (String, Setup) + Sync,
    story: impl Fn(&Field, &C) -> Result<String, Failure> + Sync,
) {
    if let Some(reason) = Watch::unavailable() {
        return cannot(reason);
    }
    let only = std::env::var("STORM_CASE").unwrap_or_default();
    let cases: Vec<_> = cases.iter().filter(|case| setup(case).0.contains(&only)).collect();
    let jobs = std::env::var("LAB_JOBS").ok().and_then(|v| v.parse().ok()).unwrap_or(JOBS);
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.min(cases.len()) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (title, setup) = setup(case);
                    if let Err(failure) = one(test, &title, setup, |field| story(field, case)) {
                        println!("{test} {title}: FAILED: {failure}");
                        held(&failed).push(title);
                    }
                }
            });
        }
    });
    let failed = held(&failed);
    assert!(failed.is_empty(), "{test}: failed: {}", failed.join(", "));
}

/// A run in which a real daemon lost a message is repeated.
const TRIES: usize = 3;

fn one(
    test: &str,
    title: &str,
    setup: Setup,
    story: impl Fn(&Field) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let mut tried = 1;
    loop {
        let started = Instant::now();
        let field = Field::new(test, setup)?;
        let result = field.begin().and_then(|()| story(&field));
        if result.is_err() || std::env::var_os("STORM_KEEP").is_some() {
            match keep(test, title, &field) {
                Ok(kept) => println!("{test} {title}: logs: {}", kept.display()),
                Err(error) => println!("{test} {title}: logs lost: {error}"),
            }
        }
        if result.is_err() && tried < TRIES && real_fault(&field) {
            println!("{test} {title}: a fault of the real daemon came between; once more");
            tried += 1;
            continue;
        }
        let said = result.map_err(|failure| Failure::new(format!("{failure}\n{}", field.story())))?;
        println!("{test} {title}: ok ({:.1} s): {said}", started.elapsed().as_secs_f64());
        return Ok(());
    }
}

fn real_fault(field: &Field) -> bool {
    field.lab.real_logs().any(|log| logfile::fifo_fault(&log) || logfile::restart_hangs(&log))
}

/// The story and the logs of both nodes, for a post-mortem.
fn keep(test: &str, title: &str, field: &Field) -> Result<PathBuf, Failure> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("storm").join(test).join(title);
    std::fs::create_dir_all(&dir)?;
    std::fs::write(dir.join("story"), field.story())?;
    for node in field.lab.nodes() {
        std::fs::write(dir.join(format!("{}.log", node.name())), node.read(LOG))?;
    }
    Ok(dir)
}
