//! Which e-mails are due, and what stands in them (ldirectord.md section 13.2). Pure.
//!
//! | file | question it answers |
//! |---|---|
//! | [`mail`] | what does an e-mail say, and to whom? |
//! | [`remind`] | of which servers is somebody to be reminded now? |

pub mod mail;
pub mod remind;

pub use mail::{Identity, Mail};
pub use remind::Reminders;

use crate::director::config::{AlertStates, Global, Virtual};
use crate::director::plan::{Event, Subject};

/// What the daemon is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It starts: until the first round of checks is over.
    Starting,
    /// It runs.
    Running,
    /// It stops.
    Stopping,
    /// It takes a new configuration, until the first round of checks after that is over.
    Reloading,
}

impl Status {
    /// As e-mails tell it.
    pub fn word(self) -> &'static str {
        match self {
            Status::Starting => "starting",
            Status::Running => "running",
            Status::Stopping => "stopping",
            Status::Reloading => "reloading",
        }
    }

    /// Whether e-mails are wanted now.
    fn is_among(self, states: AlertStates) -> bool {
        match self {
            Status::Starting => states.starting,
            Status::Running => states.running,
            Status::Stopping => states.stopping,
            Status::Reloading => states.reloading,
        }
    }
}

/// The e-mail that an event of this virtual service makes, if it makes one. Of the service itself nobody is told.
pub fn of_event(global: &Global, virt: &Virtual, event: &Event, status: Status) -> Option<Mail> {
    let (subject, _) = event.server.as_ref()?;
    // who is not ours any more is told of once: when he is gone
    let wanted = *subject != Subject::Stranger || event.weight.is_none();
    let line = event.log_line();
    // Put back with weight 0: that is told like being set to it.
    let told = line.strip_prefix("Readd ").unwrap_or(&line);
    wanted.then(|| about(global, virt, told, status))?
}

/// An e-mail about something, if anybody wants one now.
fn about(global: &Global, virt: &Virtual, line: &str, status: Status) -> Option<Mail> {
    let alert = &virt.alert;
    let wanted = !alert.to.is_empty() && status.is_among(alert.states);
    wanted.then(|| Mail::new(global, virt, line, status))
}

#[cfg(test)]
mod tests;
