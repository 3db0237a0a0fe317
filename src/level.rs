//! The severities of heartbeat's log (commands.md section 9). Only names live here.

use serde::{Deserialize, Serialize};

/// How grave a log line is, gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// The system is unusable.
    Emerg,
    /// Somebody must act at once.
    Alert,
    /// A service is lost or in danger.
    Crit,
    /// Something failed.
    Error,
    /// Something is wrong, nothing has failed.
    Warn,
    /// Normal, worth a look.
    Notice,
    /// What happens.
    Info,
    /// For the developer.
    Debug,
}

impl Level {
    /// The word in a log line, in the reference's own spelling.
    pub fn word(self) -> &'static str {
        match self {
            Level::Emerg => "EMERG",
            Level::Alert => "ALERT",
            Level::Crit => "CRIT",
            Level::Error => "ERROR",
            Level::Warn => "WARN",
            Level::Notice => "notice",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }
}
