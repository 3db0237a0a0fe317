//! What a change of one server costs where a virtual service has a thousand.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "no daemon")]

use criterion::{Criterion, criterion_group, criterion_main};
use heartbeat::config::Source;
use heartbeat::director::config::{self, Config, FakeMachine};
use heartbeat::director::ipvs::{Fake, Ipvs};
use heartbeat::director::plan::{self, State, Verdict};
use std::fmt::Write as _;
use std::hint::black_box;

/// Reals behind the one virtual service.
const REALS: usize = 1000;

fn text() -> String {
    let mut text = "virtual=10.1.0.1:80\n\tservice=http\n\tprotocol=tcp\n\tscheduler=wlc\n".to_owned();
    for i in 0..REALS {
        writeln!(text, "\treal=10.2.{}.{}:80 gate 10", i / 250, i % 250 + 1).unwrap();
    }
    text
}

fn read(text: &str) -> Config {
    let source = Source::new("ldirectord.cf", text.as_bytes(), 0o600);
    config::read(&source, &FakeMachine::with_hosts(&[])).config.expect("a good configuration")
}

fn judge_all(config: &Config, state: &mut State, verdict: impl Fn() -> Verdict) {
    (0..REALS).for_each(|real| drop(state.judge(config, 0, real, verdict())));
}

fn director(c: &mut Criterion) {
    let text = text();
    let config = read(&text);
    let (mut kernel, mut state) = (Fake::default(), State::new(&config));
    for step in plan::begin(&config, &state, &kernel.table, None) {
        kernel.apply(&step.op).unwrap();
    }
    judge_all(&config, &mut state, || Verdict::Up);
    let filling = plan::change(&config, &state, 0, &kernel.table);
    assert!(filling.len() >= REALS, "{} steps for {REALS} servers", filling.len());
    c.bench_function("director: read a configuration of 1000 servers", |b| b.iter(|| read(black_box(&text))));
    c.bench_function("director: reconcile 1000 servers into an empty service", |b| {
        b.iter(|| plan::change(&config, &state, 0, &kernel.table));
    });
    let empty = kernel.table.clone();
    for step in &filling {
        kernel.apply(&step.op).unwrap();
    }
    assert!(plan::change(&config, &state, 0, &kernel.table).is_empty());
    c.bench_function("director: reconcile 1000 servers that are in place", |b| {
        b.iter(|| plan::change(&config, &state, 0, &kernel.table));
    });
    let one_is_missing = {
        let mut table = kernel.table.clone();
        let first = empty.entries.keys().next().copied().unwrap();
        table.entries.get_mut(&first).unwrap().dests.pop_first();
        table
    };
    assert_eq!(plan::change(&config, &state, 0, &one_is_missing).len(), 1);
    c.bench_function("director: reconcile 1000 servers, one is missing", |b| {
        b.iter(|| plan::change(&config, &state, 0, &one_is_missing));
    });
}

criterion_group!(benches, director);
criterion_main!(benches);
