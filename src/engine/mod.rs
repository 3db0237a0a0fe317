//! The cluster: `handle(now, Input) -> Vec<Action>` and `next_deadline()`. Pure.

mod hold;
mod job;

pub use hold::Hold;
pub use job::{Job, Verb};
