//! One resource word and what it stands for (configuration.md 3.2).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A resource as written: `name`, `name::arg::arg` or an IPv4 address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Word {
    text: String,
    line: usize,
    column: usize,
}

impl Word {
    /// A word as it stands in the file, with its physical line and byte column, both from 1.
    pub fn new(text: impl Into<String>, line: usize, column: usize) -> Word {
        Word { text: text.into(), line, column }
    }

    /// The literal word, which is also its key.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The physical line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The byte column, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The name of the script that handles this resource.
    pub fn script(&self) -> &str {
        if self.is_address() {
            return "IPaddr";
        }
        self.text.split("::").next().unwrap_or_default()
    }

    /// The arguments that stand before the operation. Empty ones vanish, as they do in 3.0.6.
    pub fn args(&self) -> Vec<&str> {
        if self.is_address() {
            return vec![&self.text];
        }
        self.text.split("::").skip(1).filter(|arg| !arg.is_empty()).collect()
    }

    /// Whether the word is the short form of an IPaddr resource: 3.0.6's glob
    /// `[0-9]*.[0-9]*.[0-9]*.[0-9]*`.
    pub fn is_address(&self) -> bool {
        let digit = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
        let after_dot = self.text.split('.').skip(1).filter(|rest| digit(rest)).count();
        digit(&self.text) && after_dot >= 3
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
