//! Side by side: the same random configuration and the same random events for two directors in one guest, each in a
//! room of its own; whenever things have settled, both tables must be the same.
//!
//! A seed that fails is told with everything that was done. `DIRECTOR_SEEDS=5` or `5..50` plays others,
//! `DIRECTOR_EVENTS` so many events each, `DIRECTOR_PAIR=reference` plays the reference against itself.

mod events;
mod make;
mod setup;

use std::env;
use std::ops::Range;

use fastrand::Rng;

use crate::director::room::{LOG, Room};
use crate::director::{Program, beside_each_other, settle};
use crate::lab::{Failure, bail};
use events::World;
use setup::{MACHINES, v4, v6};

/// What CI plays.
const SEEDS: Range<u64> = 1..4;
const EVENTS: usize = 6;
/// The guest has one processor, and the reference is slow there.
const BESIDE: usize = 3;

pub(crate) fn all() {
    let seeds: Vec<u64> = seeds().collect();
    let failures = beside_each_other(&seeds, BESIDE, |seed| play(*seed));
    failures.iter().for_each(|failure| eprintln!("FAILED: {failure}"));
    assert!(failures.is_empty(), "{} of {} seeds went wrong", failures.len(), seeds.len());
}

fn seeds() -> Range<u64> {
    let Ok(wanted) = env::var("DIRECTOR_SEEDS") else { return SEEDS };
    let number = |text: &str| text.parse().expect("DIRECTOR_SEEDS: a number, or two like 1..10");
    match wanted.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => number(&wanted)..number(&wanted) + 1,
    }
}

fn pair() -> [Program; 2] {
    match env::var("DIRECTOR_PAIR").as_deref() {
        Ok("reference") => [Program::Reference, Program::Reference],
        Ok("ours") => [Program::Ours, Program::Ours],
        _ => [Program::Ours, Program::Reference],
    }
}

fn play(seed: u64) -> Result<(), Failure> {
    let addresses: Vec<String> = (0..MACHINES).flat_map(|m| [v4(m), v6(m)]).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let [one, other] = pair();
    let rooms = [
        Room::new(&format!("seed {seed}, left"), one, &addresses)?,
        Room::new(&format!("seed {seed}, right"), other, &addresses)?,
    ];
    let mut world = World::new(&rooms, Rng::with_seed(seed))?;
    let events = env::var("DIRECTOR_EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(EVENTS);
    let ran = run(&mut world, events);
    if let Err(failure) = ran {
        let [left, right] =
            rooms.each_ref().map(|room| format!("=== log of {}\n{}", room.name, room.read(LOG)));
        bail!("seed {seed}:\n{}\n{left}{right}\n=== {failure}", world.history.join("\n"));
    }
    println!("seed {seed}: the same tables\n{}", world.history.join("\n"));
    Ok(())
}

fn run(world: &mut World<'_>, events: usize) -> Result<(), Failure> {
    world.start()?;
    settle::same(world.rooms(), "after the start")?;
    for number in 1..=events {
        let what = world.next_event()?;
        settle::same(world.rooms(), &format!("after event {number}, {what}"))?;
    }
    world.stop()?;
    settle::same(world.rooms(), "after the stop")
}
