//! Our daemon beside a heartbeat 2.1.3. No such program can be had any more, so a process of ours plays one:
//! the model of 3.0.6 (the machines that decide are the same) with the habits of 2.1.3 around it, as
//! wire-protocol.md section 16 tells them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    unreachable_pub,
    reason = "in a test program a panic is a failure that points at its line"
)]

mod lab;
mod peer213_cases;
#[path = "sim/reference/mod.rs"]
#[allow(dead_code, reason = "the simulation uses all of it")]
mod reference;

/// What the model expects of its world.
mod storm {
    pub mod seat {
        use heartbeat::engine::{Ending, Job, JobId};
        use heartbeat::level::Level;
        use heartbeat::wire::Message;

        #[allow(dead_code, reason = "the model does not use all of them")]
        pub enum Wish {
            Send(Message),
            Run { id: JobId, job: Job },
            Log(usize, Vec<(Level, String)>),
            StopClients,
            Accepted(Message),
            End(Ending),
        }
    }
}
