//! Resources: which script runs when, and running it (resources.md).
//!
//! [`plan`] is pure and decides; [`Manager`] is its hands, and what the reference calls
//! ResourceManager; [`hooks`] stands for the scripts around it. [`run_job`] does the work the engine
//! asks for in the calling thread, the [`tools`] do the same for scripts and administrators. Who
//! should hold what is the engine's decision and never made here.

mod apart;
pub mod context;
pub mod environment;
pub mod fifo;
pub mod hooks;
mod jobs;
mod leftovers;
mod manager;
mod native;
mod own_name;
pub mod plan;
mod prepare;
pub mod reboot;
pub mod script;
mod standby;
pub mod stonith;
pub mod tools;

pub use context::{Context, Options};
pub use jobs::{adopt, run_job};
pub use manager::Manager;
pub use own_name::own_name;
pub use prepare::is_ours;
