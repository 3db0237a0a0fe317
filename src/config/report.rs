//! Collects what there is to say about one file, in two voices: our diagnostics, and the log lines
//! heartbeat 3.0.6 would print.

use super::diagnostic::Diagnostic;
use super::text::At;
use super::value::Refusal;
use crate::level::Level;

/// The findings about one file.
#[derive(Clone, Debug)]
pub(super) struct Report {
    /// Its path, as diagnostics show it.
    file: String,
    /// Ours, in the order of discovery.
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Those of 3.0.6, in its order.
    pub(super) reference: Vec<(Level, String)>,
}

impl Report {
    /// Nothing said yet about the file at this path.
    pub(super) fn new(file: &str) -> Report {
        Report {
            file: file.to_owned(),
            diagnostics: Vec::new(),
            reference: Vec::new(),
        }
    }

    /// Whether anything refuses the configuration.
    pub(super) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// An error at a place.
    pub(super) fn refuse(&mut self, at: &At<'_>, refusal: Refusal) {
        self.add(at.problem(&self.file, Level::Error, String::new()), refusal);
    }

    /// A warning at a place.
    pub(super) fn warn(&mut self, at: &At<'_>, refusal: Refusal) {
        self.add(at.problem(&self.file, Level::Warn, String::new()), refusal);
    }

    /// An error at a place if one is known, else about the file as a whole.
    pub(super) fn refuse_near(&mut self, at: Option<&At<'_>>, refusal: Refusal) {
        match at {
            Some(at) => self.refuse(at, refusal),
            None => self.add(self.about_file(Level::Error), refusal),
        }
    }

    /// A warning at a place if one is known, else about the file as a whole.
    pub(super) fn warn_near(&mut self, at: Option<&At<'_>>, refusal: Refusal) {
        match at {
            Some(at) => self.warn(at, refusal),
            None => self.add(self.about_file(Level::Warn), refusal),
        }
    }

    /// A line only 3.0.6 prints.
    pub(super) fn say(&mut self, level: Level, text: impl Into<String>) {
        self.reference.push((level, text.into()));
    }

    /// A diagnostic that is complete but for what the refusal says.
    pub(super) fn add(&mut self, mut diagnostic: Diagnostic, refusal: Refusal) {
        diagnostic.message = refusal.message;
        diagnostic.allowed = refusal.allowed;
        diagnostic.reference = refusal.reference;
        self.reference.extend(diagnostic.reference.iter().cloned());
        self.diagnostics.push(diagnostic);
    }

    /// A diagnostic whose citation the caller has masked.
    pub(super) fn add_masked(&mut self, mut diagnostic: Diagnostic, refusal: Refusal) {
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
