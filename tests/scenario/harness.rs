//! Runs the list for a pair of flavours, several laboratories at a time: they mostly wait.
//!
//! Environment: `LAB_PAIR=ref/ref` (or `ours/ref`, …) another pair than the test's own;
//! `LAB_RECORD=1` with ref/ref: write the transcripts instead of comparing; `LAB_JOBS=N` laboratories
//! at a time; `LAB_KEEP=1`: keep the logs of what went well, too; `CI=true`: a missing reference is a failure. Arguments: parts of scenario names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::{Act, Scenario, list, run, transcript};
use crate::lab::{Failure, Flavour, Lab, bail, logfile, node::LOG};

/// Laboratories at a time.
const JOBS: usize = 10;

type Pair = [Flavour; 2];

/// The whole test program, for these pairs unless the environment names another.
pub(crate) fn main(pairs: &[Pair]) -> ExitCode {
    let verdict = match wanted_pairs(pairs) {
        // every pair is run, whatever came of the one before
        Ok(pairs) => pairs.into_iter().filter(|pair| !run_pair(*pair)).count() == 0,
        Err(failure) => {
            eprintln!("{failure}");
            false
        }
    };
    if verdict { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn wanted_pairs(default: &[Pair]) -> Result<Vec<Pair>, Failure> {
    match std::env::var("LAB_PAIR") {
        Err(_) => Ok(default.to_vec()),
        Ok(text) => match text.split_once('/') {
            Some((first, second)) => Ok(vec![[flavour_named(first)?, flavour_named(second)?]]),
            None => bail!("LAB_PAIR={text}: two of ours and ref with a / between them are wanted"),
        },
    }
}

fn flavour_named(name: &str) -> Result<Flavour, Failure> {
    match name {
        "ours" => Ok(Flavour::Ours),
        "ref" => Ok(Flavour::Reference),
        _ => bail!("LAB_PAIR: '{name}' is neither ours nor ref"),
    }
}

fn run_pair(pair: Pair) -> bool {
    let title = format!("{}/{}", pair[0], pair[1]);
    if let Some(reason) = pair.iter().find_map(|f| f.unavailable()) {
        let must = crate::lab::skip::in_ci();
        println!("{title}: {}: {reason}", if must { "FAILED" } else { "skipped" });
        return !must;
    }
    let scenarios = selected();
    if std::env::args().any(|a| a == "--list") {
        scenarios.iter().for_each(|s| println!("{title} {}: test", s.name));
        return true;
    }
    let started = Instant::now();
    let failed = run_all(&title, pair, &scenarios);
    println!(
        "{title}: {} of {} scenarios passed in {:.0} s",
        scenarios.len() - failed.len(),
        scenarios.len(),
        started.elapsed().as_secs_f64()
    );
    failed.iter().for_each(|name| println!("{title}: FAILED: {name}"));
    failed.is_empty()
}

fn selected() -> Vec<Scenario> {
    let filters: Vec<_> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let mut all = list::all();
    all.retain(|s| filters.is_empty() || filters.iter().any(|f| s.name.contains(f.as_str())));
    all
}

fn run_all(title: &str, pair: Pair, scenarios: &[Scenario]) -> BTreeSet<String> {
    let jobs = std::env::var("LAB_JOBS").ok().and_then(|v| v.parse().ok()).unwrap_or(JOBS);
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let started = Instant::now();
                    let result = with_patience(title, pair, scenario);
                    let took = started.elapsed().as_secs_f64();
                    match result {
                        Ok(()) => println!("{title} {}: ok ({took:.1} s)", scenario.name),
                        Err(failure) => {
                            println!("{title} {}: FAILED ({took:.1} s)\n{failure}", scenario.name);
                            if let Ok(mut failed) = failed.lock() {
                                failed.insert(scenario.name.clone());
                            }
                        }
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap_or_default()
}

/// Where packets get lost, it believes the one that comes last, also when that is an old one sent again, takes
/// the other side for unsettled ever after, and refuses requests.
const BELIEVES_OLD_NEWS: &str = "ignored.  Other side is in flux.";
const TRIES: usize = 3;

fn with_patience(title: &str, pair: Pair, scenario: &Scenario) -> Result<(), Failure> {
    let mut tried = 1;
    loop {
        let (result, lost) = run_one(title, pair, scenario)?;
        let good = result.is_ok() && !(lost && recording());
        if good || !lost || tried == TRIES {
            return result;
        }
        println!("{title} {}: a fault of the real daemon came between; once more", scenario.name);
        tried += 1;
    }
}

/// The verdict, and whether a known fault of a real daemon came between.
fn run_one(title: &str, pair: Pair, scenario: &Scenario) -> Result<(Result<(), Failure>, bool), Failure> {
    let lab = run::prepare(scenario, pair)?;
    let result = run::run(&lab, scenario).and_then(|got| judge(pair, scenario, &got.text()));
    let lossy = scenario.steps.iter().any(|step| matches!(step.act, Act::Loss(_)));
    let lost =
        lab.real_logs().any(|log| logfile::fifo_fault(&log) || lossy && log.contains(BELIEVES_OLD_NEWS));
    if std::env::var_os("LAB_KEEP").is_some() {
        keep_logs(title, &lab)?;
    }
    let told = result.map_err(|failure| match keep_logs(title, &lab) {
        Ok(kept) => Failure::new(format!("{failure}\nlogs: {}", kept.display())),
        Err(error) => Failure::new(format!("{failure}\nlogs lost: {error}")),
    });
    Ok((told, lost))
}

fn recording() -> bool {
    std::env::var_os("LAB_RECORD").is_some()
}

fn judge(pair: Pair, scenario: &Scenario, got: &str) -> Result<(), Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(format!("tests/interop/expected/{}.txt", scenario.expected));
    if recording() {
        if pair != [Flavour::Reference; 2] {
            bail!("only LAB_PAIR=ref/ref can be recorded: the reference is right");
        }
        let head = "# What two heartbeat 3.0.6 did; recorded by LAB_PAIR=ref/ref LAB_RECORD=1 cargo test --test interop\n";
        return Ok(std::fs::write(path, format!("{head}{got}"))?);
    }
    let expected = std::fs::read_to_string(&path).map_err(|e| Failure::from(e).of(path.display()))?;
    let differences = transcript::differences(&expected, got);
    if differences.is_empty() {
        return Ok(());
    }
    bail!("not what two 3.0.6 did ({}):\n{differences}", path.display());
}

/// Logs and notes of both nodes, for a post-mortem.
fn keep_logs(title: &str, lab: &Lab) -> Result<PathBuf, Failure> {
    let dir =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("lab").join(title.replace('/', "-")).join(lab.name());
    std::fs::create_dir_all(&dir)?;
    for node in lab.nodes() {
        std::fs::write(dir.join(format!("{}.log", node.name())), node.read(LOG))?;
        std::fs::write(dir.join(format!("{}.calls", node.name())), node.read(crate::lab::calls::FILE))?;
    }
    Ok(dir)
}
