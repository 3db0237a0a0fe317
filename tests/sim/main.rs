//! The cluster in virtual time: scripted scenarios and random faults on the pure engine.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "a test that meets the unexpected must fail at once"
)]

mod beat;
mod chaos;
mod clients;
mod double;
mod fencing;
mod nodes;
mod pair;
mod ready;
#[path = "reference/recorded.rs"]
mod recorded;
mod reference;
mod replays;
mod review;
mod scenarios;
mod storm;
mod world;
