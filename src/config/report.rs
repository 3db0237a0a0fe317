//! Collects what there is to say about one file, in two voices: our diagnostics, and the log lines
//! heartbeat 3.0.6 would print.

use super::diagnostic::{Diagnostic, first};
use super::text::At;
use super::value::Refusal;
use crate::level::Level;

/// Longest message, in characters.
const LONGEST: usize = 400;

/// The findings about one file.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// Its path, as diagnostics show it.
    file: String,
    /// Ours, in the order of discovery.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Those of 3.0.6, in its order.
    pub(crate) reference: Vec<(Level, String)>,
}

impl Report {
    /// Nothing said yet about the file at this path.
    pub(crate) fn new(file: &str) -> Report {
        Report { file: file.to_owned(), diagnostics: Vec::new(), reference: Vec::new() }
    }

    /// The path of the file.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Whether anything refuses the configuration.
    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// An error at a place.
    pub(crate) fn refuse(&mut self, at: &At<'_>, refusal: Refusal) {
        self.add(at.problem(&self.file, Level::Error, String::new()), refusal);
    }

    /// A warning at a place.
    pub(crate) fn warn(&mut self, at: &At<'_>, refusal: Refusal) {
        self.add(at.problem(&self.file, Level::Warn, String::new()), refusal);
    }

    /// An error at a place if one is known, else about the file as a whole.
    pub(crate) fn refuse_near(&mut self, at: Option<&At<'_>>, refusal: Refusal) {
        match at {
            Some(at) => self.refuse(at, refusal),
            None => self.add(self.about_file(Level::Error), refusal),
        }
    }

    /// A warning at a place if one is known, else about the file as a whole.
    pub(crate) fn warn_near(&mut self, at: Option<&At<'_>>, refusal: Refusal) {
        match at {
            Some(at) => self.warn(at, refusal),
            None => self.add(self.about_file(Level::Warn), refusal),
        }
    }

    /// A line only 3.0.6 prints.
    pub(crate) fn say(&mut self, level: Level, text: impl Into<String>) {
        self.reference.push((level, text.into()));
    }

    /// A diagnostic that is complete but for what the refusal says.
    pub(crate) fn add(&mut self, mut diagnostic: Diagnostic, refusal: Refusal) {
        diagnostic.message = first(&refusal.message, LONGEST);
        diagnostic.allowed = refusal.allowed;
        diagnostic.reference = refusal.reference;
        self.reference.extend(diagnostic.reference.iter().cloned());
        self.diagnostics.push(diagnostic);
    }

    /// A diagnostic whose citation the caller has masked.
    pub(crate) fn add_masked(&mut self, mut diagnostic: Diagnostic, refusal: Refusal) {
        diagnostic.file.clone_from(&self.file);
        self.add(diagnostic, refusal);
    }

    fn about_file(&self, level: Level) -> Diagnostic {
        Diagnostic {
            level,
            file: self.file.clone(),
            line: 1,
            column: 1,
            cited: None,
            message: String::new(),
            allowed: String::new(),
            reference: Vec::new(),
        }
    }
}
