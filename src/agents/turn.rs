//! One at a time, where two agents at once would spoil each other's work.
//!
//! Two starts of `IPaddr` must not choose the same alias label; a stop that puts back the secondaries of its primary
//! must not put back one that another stop is taking away; and the list of what is up ([`ledger`]) must agree with
//! what is up whenever somebody compares them.
//!
//! [`ledger`]: super::ledger

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};

use crate::paths::RSCTMP;

/// Held until dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held for its drop")] Option<Flock<File>>);

/// How often to look whether the others are through, a millisecond apart. A turn takes milliseconds; whoever takes
/// longer is stopped or dying, and must not keep an address from moving. Not a time: of two that were stopped together
/// neither has waited for the other.
const PATIENCE: u32 = 2000;

/// Waits for our turn. Goes on without it when it can not be had.
pub fn take() -> Turn {
    Turn(lock())
}

/// Waits for our turn, however long that takes. An error where nobody can have one.
pub fn wait() -> io::Result<Turn> {
    let lock = Flock::lock(file()?, FlockArg::LockExclusive);
    lock.map(|lock| Turn(Some(lock))).map_err(|(_, errno)| errno.into())
}

fn file() -> io::Result<File> {
    fs::create_dir_all(RSCTMP)?;
    File::create(Path::new(RSCTMP).join("address.lock"))
}

fn lock() -> Option<Flock<File>> {
    let mut file = file().ok()?;
    for _ in 0..PATIENCE {
        file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Some(lock),
            Err((file, _)) => file,
        };
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}
