//! The daemon: the loop that owns the engine, and the rooms around it.
//!
//! Threads: `pulse` (media, timers, signals, engine; real-time), `log`, `fifo`, eight that run jobs, `children`
//! for respawned programs, `clerk` for what the pulse wants done that can take long (on SIGHUP it checks the
//! configuration), `media` that keeps media open, `memory` that writes down how far peers had come, `announcer` and
//! `guardian` that keep addresses known and up, and `record` where a run is to be recorded. Job threads, `fifo` and
//! `children` talk to the pulse over one bounded channel of [`crate::engine::Input`]s; the pulse talks to all of
//! them without ever waiting. No cluster decision is made here.

mod children;
mod clerk;
mod cli;
mod clients;
mod clock;
mod control;
mod environment;
mod executor;
mod fifo;
mod guardian;
pub mod host;
mod keyring;
mod launch;
mod life;
mod load;
mod media;
mod memory;
mod pidfile;
mod pings;
mod pulse;
mod recorder;
mod replay;
mod settings;
mod signals;
mod sources;
mod state;
mod systemd;
mod watcher;

pub use launch::main;
