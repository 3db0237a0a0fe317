//! Heartbeat's log formats, files and syslog (commands.md section 9, resources.md section 7).
//!
//! [`Logger`] is a cheap handle. In the daemon it hands each line to one log thread and never waits
//! ([`Logger::background`]); short-lived tools write in place ([`Logger::direct`]). [`mod@format`] is
//! pure. What is worth logging, and in which words, is decided elsewhere.

mod facility;
mod file;
pub mod format;
mod logd;
mod logger;
mod pen;
mod settings;
mod syslog;
mod targets;

pub use facility::Facility;
pub use format::{Form, Voice};
pub use logger::Logger;
pub use pen::Pen;
pub use settings::{Settings, host};
pub use syslog::Syslog;
