//! `dopd` and `drbd-peer-outdater` beside the reference's, on real daemons: every pair of them gives the same codes.

#![allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]

mod lab;

#[path = "dopd_cases/world.rs"]
mod world;

#[path = "dopd_cases/guests.rs"]
mod guests;

#[path = "dopd_cases/codes.rs"]
mod codes;
