//! `heartbeat -r` and SIGHUP on pairs of real daemons: no address moves, no script is called, the peer sees a
//! restart and no death; whatever was changed, and whenever it comes.
//!
//! `RELOAD_PAIR=ref/ref cargo test --test reload` shows what two 3.0.6 do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in a test program a panic is a failure that points at its line"
)]

mod lab;
mod reload_cases;
