//! The only `unsafe` of the package, in small documented pieces: calls for which no safe wrapper is at
//! hand. No decision is made here.

pub mod process;
pub mod realtime;
