//! A node sleeps: `kill -STOP` of everything on it, as a hypervisor does that moves or forgets a machine.
//!
//! Its peer takes over after the dead time, and the sleeper still has the addresses. When it wakes up there
//! are two owners, for no longer than it takes to hear a heartbeat ([`storm::judge`]). A sleep shorter than
//! the dead time moves nothing. And when the peer that took over is gone meanwhile, the sleeper keeps serving.

#![allow(clippy::indexing_slicing, reason = "in a test program a panic is a failure that points at its line")]

mod lab;
mod storm;

use std::time::{Duration, Instant};

use lab::{Failure, Flavour, bail};
use storm::{Field, VIPS, ms, weather};

const KEEPALIVE: Duration = ms(200);
const DEADTIME: Duration = ms(1000);
/// A takeover, or a C daemon that restarts and starts from cold.
const SOON: Duration = Duration::from_secs(60);
/// So often a short time is tried.
const TRIES: usize = 5;

#[test]
fn a_sleeper_yields_and_never_is_there_none() {
    let setups = weather::setups(KEEPALIVE, DEADTIME, 2);
    weather::all("pause", &setups, |setup| (setup.title(), *setup), |field, _| all_pauses(field));
}

fn all_pauses(field: &Field) -> Result<String, Failure> {
    let mut told = String::new();
    for node in [1, 2] {
        short(field, node).map_err(|f| f.of(format!("b{node} sleeps shortly")))?;
    }
    // without automatic failback b2 holds everything after the first sleep: it sleeps with what is not its own
    for node in [1, 2] {
        told += &long(field, node).map_err(|f| f.of(format!("b{node} sleeps long")))?;
    }
    both(field).map_err(|f| f.of("both sleep"))?;
    alone(field).map_err(|f| f.of("the survivor crashes"))?;
    Ok(format!("{told}{}", field.judge(field.setup.limit())?.text()))
}

/// Half of the dead time: nothing moves. On a busy machine a sleep may become a longer one, and says nothing; then once
/// more.
fn short(field: &Field, node: usize) -> Result<(), Failure> {
    for _ in 0..TRIES {
        let (before, from) = (field.owners(), Instant::now());
        let slept = field.nap(node, DEADTIME / 2)?;
        // a takeover would come within the dead time, by either node
        std::thread::sleep(DEADTIME * 2);
        let silence = [1, 2].map(|node| field.longest_silence(node, from)).into_iter().max();
        if slept.max(silence.unwrap_or_default()) + KEEPALIVE > DEADTIME {
            println!("{}: slept {slept:?}, silence {silence:?}: once more", field.lab.name());
            field.settles(SOON)?;
            continue;
        }
        if field.owners() != before || field.changes(from) != [0, 0] {
            bail!("something moved: {before:?} became {:?}", field.owners());
        }
        return Ok(());
    }
    println!("{}: too busy for a short sleep of b{node}: not judged", field.lab.name());
    Ok(())
}

/// Five times the dead time: two owners, then one.
fn long(field: &Field, node: usize) -> Result<String, Failure> {
    field.pause(node, true)?;
    std::thread::sleep(DEADTIME * 5);
    takes_over(field, 3 - node)?;
    let woken = field.wake(node)?;
    field.settles(SOON)?;
    field.client_follows()?;
    let last = |vip| {
        let spans = field.watch.spans(vip, Instant::now());
        spans.iter().filter(|s| s.owners.len() == 2 && s.to > woken).map(|s| s.to - woken).max()
    };
    let longest = VIPS.into_iter().filter_map(last).max().unwrap_or_default();
    field.judge(field.setup.limit())?;
    Ok(format!("b{node} shared until {:.3} s after it woke; ", longest.as_secs_f64()))
}

fn takes_over(field: &Field, node: usize) -> Result<(), Failure> {
    let all = || match field.owners().iter().all(|owners| owners.contains(&node)) {
        true => Ok(()),
        false => Err(format!("{:?}", field.owners())),
    };
    field.lab.wait_until(&format!("b{node} takes over"), SOON, all)
}

/// Both at once, and one wakes a little earlier.
fn both(field: &Field) -> Result<(), Failure> {
    for (first, second) in [(1, 2), (2, 1)] {
        [first, second].into_iter().try_for_each(|node| field.pause(node, true).map(drop))?;
        std::thread::sleep(DEADTIME * 3);
        [first, second].into_iter().try_for_each(|node| field.wake(node).map(drop))?;
        // whoever believes the other dead acts within the dead time
        std::thread::sleep(DEADTIME * 2);
        field.settles(SOON)?;
        field.judge(field.setup.limit())?;
    }
    Ok(())
}

/// b1 sleeps, b2 takes over and crashes, b1 wakes up: it has to serve everything, its own all the time.
fn alone(field: &Field) -> Result<(), Failure> {
    let had = field.owners().map(|owners| owners.contains(&1));
    let from = field.pause(1, true)?;
    takes_over(field, 2)?;
    // so that it has said so, and the sleeper will find old words of a dead peer
    std::thread::sleep(DEADTIME);
    field.crash(2)?;
    field.wake(1)?;
    field.settles_as("b1 serves alone", SOON, |owners| *owners == [vec![1], vec![1]])?;
    for (vip, had) in VIPS.into_iter().zip(had) {
        let spans = field.watch.spans(vip, Instant::now());
        let lost = spans.iter().any(|s| s.to > from && !s.owners.contains(&1));
        if had && lost && field.setup.pair[0] == Flavour::Ours {
            bail!("b1 let go of {vip}, which nobody else served");
        }
    }
    field.boot(2)?;
    field.settles(SOON)?;
    field.judge(field.setup.limit()).map(drop)
}
