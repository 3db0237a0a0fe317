//! The third law on real daemons: whatever stands still around the pulse, heartbeats go on. And what a live run
//! wrote down of itself, played back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in a test program a panic is a failure that points at its line"
)]

mod lab;
mod pulse_cases;
