//! What an agent's run amounts to: the exit code and the words of the resource script.

use crate::level::Level;

/// The result of one operation, with the OCF exit code it maps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, or running.
    Success,
    /// It failed.
    Generic,
    /// An argument makes no sense.
    Arguments,
    /// The operation does not exist.
    Unimplemented,
    /// Not allowed.
    Permission,
    /// A needed program is missing.
    Installed,
    /// The configuration makes no sense.
    Configured,
    /// Not running.
    Stopped,
}

impl Outcome {
    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Outcome::Success => 0,
            Outcome::Generic => 1,
            Outcome::Arguments => 2,
            Outcome::Unimplemented => 3,
            Outcome::Permission => 4,
            Outcome::Installed => 5,
            Outcome::Configured => 6,
            Outcome::Stopped => 7,
        }
    }

    /// Level and text of the final line. The text starts with a blank: the reference prints the
    /// value of an unset variable between the level and the words, and people match two blanks.
    pub fn words(self, asked_status: bool) -> (Level, &'static str) {
        match self {
            Outcome::Success if asked_status => (Level::Info, " Running OK"),
            Outcome::Success => (Level::Info, " Success"),
            Outcome::Generic => (Level::Error, " Generic error"),
            Outcome::Arguments => (Level::Error, " Illegal argument"),
            Outcome::Unimplemented => (Level::Error, " Function unimplemented"),
            Outcome::Permission => (Level::Error, " User had insufficient privilege"),
            Outcome::Installed => (Level::Error, " Program is not installed"),
            Outcome::Configured => (Level::Error, " Program is not configured"),
            Outcome::Stopped => (Level::Info, " Resource is stopped"),
        }
    }
}
