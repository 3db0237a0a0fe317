//! The one seam between the agents and the log: a sink of level and text.

use crate::level::Level;
use crate::logging::{Logger, Settings};

/// Whoever takes log lines. The text comes without its level word.
pub type Sink<'a> = &'a dyn Fn(Level, &str);

/// The level as the reference's agents spell it (theirs differ from the daemon's).
pub fn word(level: Level) -> &'static str {
    match level {
        Level::Emerg | Level::Alert | Level::Crit => "CRIT",
        Level::Error => "ERROR",
        Level::Warn => "WARNING",
        Level::Notice => "NOTICE",
        Level::Info => "INFO",
        Level::Debug => "DEBUG",
    }
}

/// Where the agents' programs log: as the environment of heartbeat says, in the form of its scripts.
///
/// The only place where the agents' binaries decide where log lines go.
pub fn of_this_process(name: &str, instance: &str) -> impl Fn(Level, &str) {
    let log = Logger::direct(name, Settings::from_environment(|name| std::env::var(name).ok()));
    let log = log.script(name, instance);
    move |level, text| log.bare(level, &format!("{}: {text}", word(level)))
}
