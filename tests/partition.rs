//! All paths between the nodes are cut, and heal: for a moment and for long, in one direction only, and over
//! and over again.
//!
//! Two 3.0.6 daemons give everything up, restart, and each ends with its own
//! (`tests/interop/expected/partition-*.txt`): the same end is wanted of every pair. The client is on the
//! side of b2 all the while; in the end it must have been told by ARP where each address is.

#![allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]

mod lab;
mod storm;

use std::time::{Duration, Instant};

use lab::{Failure, bail};
use storm::{Field, LIMIT, ms, weather};

const KEEPALIVE: Duration = ms(200);
const DEADTIME: Duration = ms(1000);
/// A C daemon restarts and starts from cold.
const SOON: Duration = Duration::from_secs(60);
/// The dead time, and the takeover of both: then each holds everything.
const JUST_ABOVE: Duration = ms(1200);
/// The same with slow scripts.
const ABOVE: Duration = ms(1800);
const FLAP: Duration = ms(300);
/// So often they are tried.
const TRIES: usize = 5;

#[test]
fn after_healing_each_has_its_own() {
    let setups = weather::setups(KEEPALIVE, DEADTIME, 2);
    weather::all("partition", &setups, |setup| (setup.title(), *setup), |field, _| all_cuts(field));
}

fn all_cuts(field: &Field) -> Result<String, Failure> {
    flapping(field).map_err(|f| f.of("cables that flap"))?;
    for length in [JUST_ABOVE, DEADTIME * 6] {
        cut(field, length).map_err(|f| f.of(format!("a cut of {length:?}")))?;
    }
    for node in [1, 2] {
        one_way(field, node).map_err(|f| f.of(format!("nobody hears b{node}")))?;
    }
    again_and_again(field).map_err(|f| f.of("cut again and again"))?;
    Ok(field.judge(LIMIT)?.text())
}

/// Shorter than the dead time: nothing moves. On a busy machine a cut may become a longer one, and says nothing; then
/// once more.
fn flapping(field: &Field) -> Result<(), Failure> {
    for _ in 0..TRIES {
        let from = Instant::now();
        let mut longest = Duration::ZERO;
        while from.elapsed() < Duration::from_secs(flap_seconds()) {
            longest = longest.max(field.blink(FLAP)?);
            std::thread::sleep(FLAP);
        }
        std::thread::sleep(DEADTIME * 2);
        let silence = [1, 2].map(|node| field.longest_silence(node, from)).into_iter().max();
        if longest.max(silence.unwrap_or_default()) + KEEPALIVE > DEADTIME {
            println!("{}: cut for {longest:?}, silence {silence:?}: once more", field.lab.name());
            field.settles(SOON)?;
        } else if field.changes(from) == [0, 0] {
            return Ok(());
        } else {
            bail!("moved: {:?}", field.owners());
        }
    }
    println!("{}: too busy for short cuts: not judged", field.lab.name());
    Ok(())
}

/// `PARTITION_FLAP=20` is the full time.
fn flap_seconds() -> u64 {
    std::env::var("PARTITION_FLAP").ok().map_or(6, |text| text.parse().unwrap())
}

fn cut(field: &Field, length: Duration) -> Result<(), Failure> {
    field.cut()?;
    std::thread::sleep(length);
    field.lab.wait_until("both hold everything", SOON, || match field.owners() {
        owners if owners == [vec![1, 2], vec![1, 2]] => Ok(()),
        owners => Err(format!("{owners:?}")),
    })?;
    field.heal()?;
    each_has_its_own(field)
}

fn each_has_its_own(field: &Field) -> Result<(), Failure> {
    field.settles_as("each its own", SOON, |owners| *owners == [vec![1], vec![2]])?;
    field.client_follows()?;
    field.judge(LIMIT).map(drop)
}

/// The peer of `node` takes over, and `node` hears it claim everything but cannot answer.
fn one_way(field: &Field, node: usize) -> Result<(), Failure> {
    field.loss(&[node], 100)?;
    std::thread::sleep(DEADTIME * 4);
    field.loss(&[node], 0)?;
    field.settles(SOON)?;
    field.client_follows()?;
    field.judge(LIMIT).map(drop)
}

/// Just long enough for a takeover, and whole for a moment in between.
fn again_and_again(field: &Field) -> Result<(), Failure> {
    for round in 1..=6 {
        field.cut()?;
        std::thread::sleep(ABOVE);
        field.heal()?;
        std::thread::sleep(FLAP * round);
    }
    field.settles(SOON)?;
    field.client_follows()?;
    field.judge(LIMIT).map(drop)
}
