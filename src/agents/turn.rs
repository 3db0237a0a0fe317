//! One at a time, where two agents at once would spoil each other's work.
//!
//! Two starts of `IPaddr` must not choose the same alias label; and a stop that puts back the
//! secondaries of its primary must not put back one that another stop is taking away.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg};

use super::announce::helper::RSCTMP;

/// Held until dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held for its drop")] Option<Flock<File>>);

/// How long to wait for the others. A turn takes milliseconds; whoever takes longer is stopped or
/// dying, and must not keep an address from moving.
const PATIENCE: Duration = Duration::from_secs(2);

/// Waits for our turn. Goes on without it when it can not be had.
pub fn take() -> Turn {
    Turn(lock())
}

fn lock() -> Option<Flock<File>> {
    fs::create_dir_all(RSCTMP).ok()?;
    let mut file = File::create(Path::new(RSCTMP).join("address.lock")).ok()?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Some(lock),
            Err((file, _)) => file,
        };
        if Instant::now() > deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
