//! Storms: random pairs in random trouble, in virtual time, with the properties that [`watch`] tells watched all
//! the time. A seed makes a [`script::Script`]; one that fails is made shorter and printed.

pub mod cables;
pub mod jobs;
pub mod known;
pub mod play;
pub mod random;
pub mod script;
pub mod seat;
pub mod shrink;
pub mod trouble;
pub mod watch;
pub mod world;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod seeds;
