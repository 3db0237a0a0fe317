//! The director as a program, in a real kernel with IPVS, beside the Perl reference: a guest, made by `run-in-vm`.
//!
//! | part | what |
//! |---|---|
//! | `recordings` | the runs recorded from the reference, played to ours and to the reference: the same tables |
//! | `load` | reload and restart while two hundred requests a second come through: none fails |
//! | `random` | random configurations and events for both at once: the same tables |
//!
//! `DIRECTOR_SEEDS=1..100` plays other seeds than CI does, `DIRECTOR_ONLY=05,07` only these recordings,
//! `DIRECTOR_PROGRAMS=reference` (or `ours`) only that program.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod director;
mod guest;
mod lab;

#[path = "director_vm/load.rs"]
mod load;
#[path = "director_vm/play.rs"]
mod play;
#[path = "director_vm/random/mod.rs"]
mod random;
#[path = "director_vm/recordings.rs"]
mod recordings;

use lab::skip;

const PROGRAMS: &[&str] = &[guest::REFERENCE, "/usr/sbin/ipvsadm"];

#[test]
fn recordings_are_played_with_the_same_tables() {
    let wants = guest::Wants {
        test: "recordings_are_played_with_the_same_tables",
        memory: 2048,
        limit: 900,
        programs: PROGRAMS,
    };
    guest::run(&wants, recordings::all);
}

#[test]
fn random_events_give_both_directors_the_same_tables() {
    let wants = guest::Wants {
        test: "random_events_give_both_directors_the_same_tables",
        memory: 2048,
        limit: 3600,
        programs: PROGRAMS,
    };
    guest::run(&wants, random::all);
}

#[test]
fn no_request_fails_while_the_director_is_reloaded_and_restarted() {
    let wants = guest::Wants {
        test: "no_request_fails_while_the_director_is_reloaded_and_restarted",
        memory: 1024,
        limit: 300,
        programs: &PROGRAMS[1..],
    };
    guest::run(&wants, load::all);
}
