//! How often a heartbeat asks for memory, sent and heard: an idle pair is to leave the allocator alone. What
//! is counted does not depend on the machine; the limits are what was counted, and a little.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, reason = "a test")]

#[path = "../benches/pair/mod.rs"]
mod pair;

use heartbeat::sys::counting::{Counting, asked};
use pair::Pair;

#[global_allocator]
static COUNTING: Counting = Counting;

fn counted<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = asked();
    let out = work();
    (out, asked() - before)
}

/// The median of many: each tenth heartbeat is acknowledged, some make room.
fn median(mut counts: Vec<u64>) -> u64 {
    counts.sort_unstable();
    counts[counts.len() / 2]
}

#[test]
fn a_heartbeat_asks_for_little_memory() {
    let mut pair = Pair::settled();
    let (mut sent, mut heard) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let (bytes, count) = counted(|| pair.beat());
        sent.push(count);
        heard.push(counted(|| pair.hear(&bytes)).1);
    }
    let (sent, heard) = (median(sent), median(heard));
    println!("asked for memory: {sent} times for a heartbeat sent, {heard} times for one heard");
    assert!(sent <= 36 && heard <= 24, "{sent} times for a heartbeat sent, {heard} for one heard");
}
