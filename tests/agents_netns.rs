//! The address agents against a real kernel, each test in namespaces of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "agents_netns/guard.rs"]
mod guard;
#[path = "agents_netns/lab.rs"]
mod lab;
#[path = "agents_netns/many.rs"]
mod many;
#[path = "agents_netns/ours.rs"]
mod ours;
#[path = "agents_netns/side_by_side.rs"]
mod side_by_side;
#[path = "lab/skip.rs"]
mod skip;
