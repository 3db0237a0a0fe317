//! Packets get lost, of either node on the one path there is, so that nodes take each other for dead that live.
//!
//! Two 3.0.6 daemons log "Both machines own our resources!" then and hold everything twice to the end of their
//! days. Ours settle it: [`storm::judge`] says how soon, and how that is measured.
//!
//! At 20 and 30 percent it takes minutes until five heartbeats in a row get lost. So every few seconds all
//! of either node or of both is lost for a moment longer than the dead time: that is the false death, with
//! the same loss before it and after it. `LOSS_SECONDS=120` is the full time for each share; `LOSS_BURSTS=0`
//! leaves it to chance alone.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test program a panic is a failure that points at its line"
)]

mod lab;
mod storm;

use std::time::{Duration, Instant};

use lab::{Failure, Flavour, bail};
use storm::{Field, LIMIT, VIPS, ms, weather};

const KEEPALIVE: Duration = ms(100);
const DEADTIME: Duration = ms(500);
/// Longer than the dead time and two looks at it.
const BURST: Duration = ms(1100);
/// Between bursts.
const BETWEEN: Duration = ms(5500);
/// How a line begins that says why something is given up.
const REASON: &str = "Both nodes hold the";
/// After the storm a C daemon may have to restart and start from cold.
const AFTER: Duration = Duration::from_secs(60);

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}

#[test]
fn doubles_end_soon_and_one_owner_remains() {
    let setups = weather::setups(KEEPALIVE, DEADTIME, 1);
    weather::all("loss", &setups, |setup| (setup.title(), *setup), |field, _| storm_and_calm(field));
}

fn storm_and_calm(field: &Field) -> Result<String, Failure> {
    let length = Duration::from_secs(number("LOSS_SECONDS", 20));
    for share in [20, 30] {
        storm(field, share, length)?;
    }
    field.loss(&[1, 2], 0)?;
    field.settles(AFTER)?;
    let tally = field.judge(LIMIT)?;
    if tally.doubles == 0 && bursts() {
        bail!("nobody was taken for dead: nothing was shown");
    }
    says_why(field)?;
    Ok(tally.text())
}

fn bursts() -> bool {
    number("LOSS_BURSTS", 1) > 0
}

/// Whichever of ours gave something up that both had says why.
fn says_why(field: &Field) -> Result<(), Failure> {
    for vip in VIPS {
        let spans = field.watch.spans(vip, Instant::now());
        let losers = spans.windows(2).filter(|pair| pair[0].owners.len() == 2 && pair[1].owners.len() == 1);
        for loser in losers.map(|pair| 3 - pair[1].owners[0]) {
            let node = field.lab.node(loser);
            if node.flavour() == Flavour::Ours && !node.log().contains(REASON) {
                bail!("{} let go of {vip} and does not say why", node.name());
            }
        }
    }
    Ok(())
}

fn storm(field: &Field, share: u8, length: Duration) -> Result<(), Failure> {
    let over = field.loss(&[1, 2], share)? + length;
    for silent in [&[1, 2][..], &[1], &[2]].into_iter().cycle() {
        std::thread::sleep(BETWEEN.min(over.saturating_duration_since(Instant::now())));
        if Instant::now() >= over {
            return Ok(());
        }
        if bursts() {
            field.loss(silent, 100)?;
            std::thread::sleep(BURST);
            field.loss(silent, share)?;
        }
    }
    Ok(())
}
