//! The one seam between the agents and the log: a sink of level and text.

use std::io::Write as _;

use crate::level::Level;

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

/// A sink for command lines: standard error, `TAG[pid]:<TAB>DATE LEVEL: text`.
///
/// The only place where the agents' binaries decide where log lines go.
pub fn stderr(tag: String) -> impl Fn(Level, &str) {
    move |level, text| {
        if level == Level::Debug {
            return;
        }
        let pid = std::process::id();
        // A closed standard error is no reason to fail.
        let _ = writeln!(std::io::stderr(), "{tag}[{pid}]:\t{} {}: {text}", date(), word(level));
    }
}

/// `YYYY/MM/DD_HH:MM:SS` in local time, heartbeat's default date format.
fn date() -> String {
    let seconds =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    crate::sys::clock::local_date(seconds)
}
