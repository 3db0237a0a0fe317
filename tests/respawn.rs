//! `respawn` and `failfast`: our daemon and the reference beside each other, each alone in its network
//! (commands.md section 7). What the reference does in the same run is what is expected.

#![allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]

mod lab;
mod respawn_cases;
