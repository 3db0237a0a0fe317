//! What a heartbeat costs: signing, writing, checking, reading, and the engine on both sides.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    missing_docs,
    reason = "no daemon"
)]

mod pair;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use heartbeat::wire::{self, Format};
use pair::{Pair, heartbeat, keys};
use std::hint::black_box;

fn on_the_wire(c: &mut Criterion) {
    let keys = keys();
    let mut sealed = heartbeat();
    wire::seal(&mut sealed, Format::Classic, &keys);
    let local = wire::encode_local_netstring(&sealed).unwrap();
    let signed = wire::encode(&sealed, &keys).unwrap();
    let mut forged = signed.clone();
    let last = forged.len() - 3;
    forged[last] ^= 1;
    c.bench_function("wire: parse", |b| b.iter(|| wire::parse(black_box(&local)).unwrap()));
    c.bench_function("wire: verify and parse", |b| {
        b.iter(|| wire::decode(black_box(&signed), &keys).unwrap());
    });
    c.bench_function("wire: refuse a forgery", |b| {
        b.iter(|| wire::decode(black_box(&forged), &keys).unwrap_err());
    });
    c.bench_function("wire: sign inside (seal)", |b| {
        b.iter_batched(heartbeat, |mut m| wire::seal(&mut m, Format::Classic, &keys), BatchSize::SmallInput);
    });
    c.bench_function("wire: emit and sign", |b| b.iter(|| wire::encode(black_box(&sealed), &keys).unwrap()));
}

fn in_the_engine(c: &mut Criterion) {
    let mut pair = Pair::settled();
    c.bench_function("engine: a beat, from the timer to the bytes", |b| b.iter(|| pair.beat()));
    let mut pair = Pair::settled();
    c.bench_function("engine: a beat and its hearing", |b| {
        b.iter(|| {
            let bytes = pair.beat();
            pair.hear(&bytes)
        });
    });
}

criterion_group!(benches, on_the_wire, in_the_engine);
criterion_main!(benches);
