//! Programs to keep running (commands.md section 7): what to do when one ends, and how they are stopped. Pure.
//!
//! [`Minder`] takes what happened and says what to do; it knows no process, only the numbers it is told.
//! Starting, signalling and waiting is the daemon's.

mod end;
mod minder;
mod program;
#[cfg(test)]
mod tests;

pub use end::End;
pub use minder::{Act, Event, Minder};
pub use program::Program;
