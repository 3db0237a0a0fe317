//! The daemon: the loop that owns the engine, and the rooms around it.
//!
//! Threads: `pulse` (media, timers, signals, engine; real-time), `log`, `fifo`, four that run jobs,
//! `children` for respawned programs, and one on SIGHUP that checks the configuration. Job threads, `fifo`
//! and `children` talk to the pulse over one bounded channel of [`crate::engine::Input`]s; the pulse talks to
//! all of them without ever waiting. No cluster decision is made here.

mod background;
mod children;
mod cli;
mod clients;
mod control;
mod environment;
mod executor;
mod fifo;
pub mod host;
mod keyring;
mod launch;
mod media;
mod memory;
mod pidfile;
mod pings;
mod pulse;
mod settings;
mod signals;
mod sources;
mod state;
mod systemd;

pub use launch::main;
