//! Every kind of check against a real server of its kind, from Debian's packages: as it should be, wrong, frozen,
//! stopped, breaking off or dripping in the middle of what it says; and whether thousands of checks leave anything
//! behind.
//!
//! Each test is one server in a place of its own ([`place`]). Outside, the only thing done is to start this same
//! program in that place. What is asked of every server alike is in [`battery`].
//!
//! `SERVERS_CHECKS=5000` makes the search for leaks long; `SERVERS_REFERENCE=1` has the Perl program judge the same
//! servers too, and prints where it differs ([`reference`]).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod lab;

#[path = "servers/battery.rs"]
mod battery;
#[path = "servers/check.rs"]
mod check;
#[path = "servers/databases.rs"]
mod databases;
#[path = "servers/directory.rs"]
mod directory;
#[path = "servers/faults.rs"]
mod faults;
#[path = "servers/files.rs"]
mod files;
#[path = "servers/leaks.rs"]
mod leaks;
#[path = "servers/mail.rs"]
mod mail;
#[path = "servers/names.rs"]
mod names;
#[path = "servers/news.rs"]
mod news;
#[path = "servers/others.rs"]
mod others;
#[path = "servers/phones.rs"]
mod phones;
#[path = "servers/place.rs"]
mod place;
#[path = "servers/reference.rs"]
mod reference;
#[path = "servers/strangers.rs"]
mod strangers;
#[path = "servers/users.rs"]
mod users;
#[path = "servers/web.rs"]
mod web;
