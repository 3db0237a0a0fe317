//! The model, and ours, beside what two real 3.0.6 did: the stories of `tests/interop/expected`, told to the
//! virtual pair. After each step every group must be where it was in the laboratory.

use crate::storm::play::layout;
use crate::storm::script::{Config, Fault, Kind, ms};
use crate::storm::world::World;
use heartbeat::engine::{Failback, Hold};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// Long enough for everything that follows from one step, the ten-second timer and a restart included.
const STEP: Duration = Duration::from_secs(40);

/// One step of a recording: what was done, and what each node held then.
struct Part {
    heading: String,
    held: [String; 2],
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("== ") {
            parts.push(Part { heading: heading.to_owned(), held: [String::new(), String::new()] });
        }
        for (at, node) in ["b1 holds ", "b2 holds "].into_iter().enumerate() {
            if let (Some(held), Some(part)) = (line.strip_prefix(node), parts.last_mut()) {
                part.held[at] = held.replace("10.80.0.101", "one").replace("10.80.0.102", "two");
            }
        }
    }
    parts.retain(|p| !p.heading.starts_with("environment"));
    parts
}

fn node(word: &str) -> usize {
    usize::from(word.trim_end_matches(',') == "b2")
}

/// What a heading says was done.
fn deeds(heading: &str) -> Vec<Fault> {
    let words: Vec<&str> = heading.split(' ').collect();
    match words.as_slice() {
        ["both", "nodes", "start"] => vec![Fault::Start(0), Fault::Start(1)],
        [who, "starts" | "comes" | "joins" | "returns", ..] => vec![Fault::Start(node(who))],
        [who, "crashes", ..] => vec![Fault::Crash(node(who))],
        [who, "stops" | "stops,", ..] => vec![Fault::Stop(node(who))],
        [who, "reloads"] => vec![Fault::Reload(node(who))],
        ["hb_standby", set, "on", who] => vec![Fault::Standby(node(who), Hold::parse(set).unwrap())],
        ["hb_takeover", set, "on", who] => vec![Fault::Takeover(node(who), Hold::parse(set).unwrap())],
        ["the", "cable", "is", "cut"] => vec![Fault::Cut(None, None)],
        ["the", "cable", "of", link, "is", "cut"] => {
            vec![Fault::Cut(None, Some(usize::from(*link == "eth1")))]
        }
        ["the", "cable", .., "is", "whole", "again"] | ["the", "cables", "are", "whole", "again"] => {
            vec![Fault::Join]
        }
        ["25", "of", "100", "packets", "get", "lost"] => vec![Fault::Loss(25)],
        other => panic!("nobody knows what '{}' is", other.join(" ")),
    }
}

fn config(name: &str, seats: [Kind; 2]) -> Config {
    let failback = match name.rsplit('-').next() {
        Some("off") => Failback::Off,
        Some("legacy") => Failback::Legacy,
        _ => Failback::On,
    };
    let (keepalive, deadtime, initdead) = (ms(200), ms(2000), ms(4000));
    let links = if name.starts_with("networks") { 2 } else { 1 };
    Config { seats, failback, links, keepalive, deadtime, initdead, warntime: ms(1000), ..Config::default() }
}

fn retell(name: &str, text: &str, seats: [Kind; 2]) {
    let mut world = World::new(config(name, seats), true);
    let mut told = 0;
    for part in parts(text) {
        for deed in deeds(&part.heading) {
            world.apply(&deed);
        }
        if let Err(failure) = world.run_to(world.now + STEP) {
            panic!("{name} {seats:?}, {}: {}\n{}", part.heading, failure.text, world.story(&[]));
        }
        let wanted = part.held.join(" | ");
        assert_eq!(layout(&world), wanted, "{name} {seats:?}, {}\n{}", part.heading, world.story(&[]));
        told += 1;
    }
    assert!(told > 1, "{name} tells nothing");
}

fn retell_all(seats: [Kind; 2]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/expected");
    let mut told = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        // Ping nodes and ipfail, who is not here; more groups than the two; cables of another kind.
        if ["ping", "groups", "road"].iter().any(|kind| name.starts_with(kind)) {
            continue;
        }
        retell(&name, &fs::read_to_string(&path).unwrap(), seats);
        told += 1;
    }
    assert!(told >= 20, "only {told} recordings found");
}

#[test]
fn two_models_do_what_two_real_ones_did() {
    retell_all([Kind::Model; 2]);
}

#[test]
fn two_of_ours_do_what_two_real_ones_did() {
    retell_all([Kind::Ours; 2]);
}

#[test]
fn ours_and_the_model_do_what_two_real_ones_did() {
    retell_all([Kind::Ours, Kind::Model]);
    retell_all([Kind::Model, Kind::Ours]);
}
