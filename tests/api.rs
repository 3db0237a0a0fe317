//! The client API as programs meet it: scripted clients and Debian's own ones against our daemon, where sensible
//! beside the real 3.0.6; and clients that mean no good against ours.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in a test program a panic is a failure that points at its line"
)]

mod api_cases;
mod lab;
