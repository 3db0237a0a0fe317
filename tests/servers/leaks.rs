//! Whether many checks leave something behind: descriptors, memory, processes.

use std::fs;
use std::time::{Duration, Instant};

use heartbeat::director::checks::probe::Probe;
use heartbeat::director::checks::run::run;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::place::{SOON, processes};

/// So many checks of each sort, unless `SERVERS_CHECKS` says otherwise.
const CHECKS: usize = 80;
/// So many run beside each other.
const BESIDE: usize = 20;
/// How much the memory may differ after the same work: pages that the allocator keeps.
const MEMORY_KIB: i64 = 768;

/// What this process holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    descriptors: usize,
    memory_kib: i64,
    children: usize,
}

fn held() -> Held {
    let own = i32::try_from(std::process::id()).unwrap();
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let rss = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    Held {
        descriptors: fs::read_dir("/proc/self/fd").unwrap().count(),
        memory_kib: rss.split_whitespace().next().unwrap().parse().unwrap(),
        children: processes().iter().filter(|(_, _, parent)| *parent == own).count(),
    }
}

/// Runs each of these many times, each with what it must come to: first to warm up, then to compare. What the first half
/// left is no leak, what the second adds is.
pub(crate) async fn search(probes: &[(Probe, bool)]) {
    let checks = std::env::var("SERVERS_CHECKS").ok().and_then(|n| n.parse().ok()).unwrap_or(CHECKS);
    let empty = held();
    many(probes, checks).await;
    let before = settled(empty).await;
    let begin = Instant::now();
    many(probes, checks).await;
    let took = begin.elapsed();
    let after = settled(empty).await;
    println!(
        "leaks: {} checks in {:.1} s: {before:?} before, {after:?} after",
        checks * probes.len(),
        took.as_secs_f64()
    );
    let grown = after.memory_kib - before.memory_kib;
    assert!(grown <= MEMORY_KIB, "{grown} KiB more after {} checks", checks * probes.len());
}

/// Waits until what was opened is closed and who was started is waited for.
async fn settled(empty: Held) -> Held {
    let deadline = Instant::now() + SOON;
    loop {
        let now = held();
        if now.descriptors <= empty.descriptors && now.children <= empty.children {
            return now;
        }
        assert!(Instant::now() < deadline, "left behind: {now:?}, {empty:?} before");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn many(probes: &[(Probe, bool)], checks: usize) {
    let mut running = JoinSet::new();
    for number in 0..checks {
        for (probe, up) in probes.iter().cloned() {
            while running.len() >= BESIDE {
                running.join_next().await.unwrap().unwrap();
            }
            running.spawn(async move {
                let outcome = run(&probe).await;
                assert_eq!(outcome.up, up, "check {number} of {probe:?}: {outcome:?}");
            });
        }
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}
