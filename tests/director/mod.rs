//! A director under test in a guest: a room for it, servers that do as they are told, and what its kernel holds.
//!
//! ```text
//!   Room ── a director (ours, or the Perl reference), alone in its namespaces
//!     ├─ Farm    the real servers: sockets on the room's loopback, played by a thread of this program
//!     └─ Kernel  the room's own table, read by netlink while we wait, by the real ipvsadm when it counts
//! ```
//!
//! Waiting is always for a condition: the table is the wanted one, and stays so while the servers are checked on.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod farm;
pub(crate) mod kernel;
pub(crate) mod room;
pub(crate) mod settle;

use std::fmt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;

use crate::lab::flavour::programs;
use crate::lab::{Failure, bail};

/// Whose director.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// The Perl program, as Debian installed it on this machine.
    Reference,
    /// The one that cargo built beside this test.
    Ours,
}

impl Program {
    /// Where it lies outside of a room; in a room it is /usr/sbin/ldirectord always.
    pub(crate) fn file(self) -> Result<PathBuf, Failure> {
        let file = match self {
            Self::Reference => PathBuf::from(crate::guest::REFERENCE),
            Self::Ours => programs()?.join("ldirectord"),
        };
        if !file.is_file() {
            bail!("no program {}", file.display());
        }
        Ok(file)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "reference",
            Self::Ours => "ours",
        })
    }
}

/// Does the same with each of these, so many beside each other; what went wrong.
pub(crate) fn beside_each_other<T: Sync>(
    all: &[T],
    beside: usize,
    act: impl Fn(&T) -> Result<(), Failure> + Sync,
) -> Vec<Failure> {
    let (left, failures) = (Mutex::new(all.iter()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..beside {
            scope.spawn(|| {
                // the lock must not be held while it is done
                let next = || left.lock().unwrap().next();
                while let Some(one) = next() {
                    if let Err(failure) = act(one) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    failures.into_inner().unwrap()
}
