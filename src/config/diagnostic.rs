//! What an administrator is told about a configuration file: where, what was read, what is allowed.
//!
//! Diagnostics are plain values. Who prints or logs them, and whether the program then stops, is
//! not decided here. Nothing secret may reach this file: `authkeys` lines arrive masked.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Level as Grade, Renderer, Snippet};

use crate::level::Level;

/// Longest piece of a line that is cited on either side of the caret, in characters.
const CONTEXT: usize = 100;

/// Longest piece of a line that is kept before, at and after the place meant, in bytes.
const KEPT: usize = 1000;

/// A line of a file, made fit to be shown: text only, and the place to point at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cited {
    /// The line without its end, or what surrounds the mark if it is very long. Bytes that are no
    /// UTF-8 are replaced.
    pub text: String,
    /// The byte range of [`Cited::text`] the caret points at.
    pub mark: Range<usize>,
}

/// One problem of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// [`Level::Error`] refuses the configuration; [`Level::Warn`] does not.
    pub level: Level,
    /// The file's path.
    pub file: String,
    /// The line, counted from 1. 1 also when the file as a whole is meant.
    pub line: usize,
    /// The column in bytes, counted from 1.
    pub column: usize,
    /// The line itself; `None` when the file as a whole is meant.
    pub cited: Option<Cited>,
    /// What was read and why it is wrong.
    pub message: String,
    /// What would be right. May be empty.
    pub allowed: String,
    /// What heartbeat 3.0.6 logs in this case, in its order. Empty where it notices nothing.
    pub reference: Vec<(Level, String)>,
}

impl Diagnostic {
    /// Whether the configuration must be refused because of this.
    pub fn is_error(&self) -> bool {
        self.level <= Level::Error
    }

    /// The greppable first line: `file:line:column: error: message`.
    pub fn headline(&self) -> String {
        let Diagnostic { file, line, column, message, .. } = self;
        let grade = if self.is_error() { "error" } else { "warning" };
        format!("{file}:{line}:{column}: {grade}: {message}")
    }

    /// Headline and what is allowed, without the cited line: for who has been told in other words.
    pub fn in_one_line(&self) -> String {
        match self.allowed.as_str() {
            "" => self.headline(),
            allowed => format!("{}; allowed: {allowed}", self.headline()),
        }
    }

    /// The whole message, several lines: headline, cited line with a caret, what is allowed.
    /// No colours, no trailing newline.
    pub fn render(&self) -> String {
        let mut out = self.headline();
        if let Some(cited) = &self.cited {
            out.push('\n');
            out.push_str(&self.excerpt(cited));
        }
        if !self.allowed.is_empty() {
            out.push_str("\n  = allowed: ");
            out.push_str(&self.allowed);
        }
        out
    }

    /// The cited line as the `annotate-snippets` renderer draws it, without its title.
    fn excerpt(&self, cited: &Cited) -> String {
        let cited = cited.narrowed();
        let mark = AnnotationKind::Primary.span(cited.mark.clone());
        let snippet = Snippet::source(cited.text.as_str()).line_start(self.line).annotation(mark);
        let report = [Grade::ERROR.primary_title("").element(snippet)];
        let drawn = Renderer::plain().render(&report);
        let body: Vec<&str> = drawn.lines().skip(1).map(str::trim_end).collect();
        body.join("\n")
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render())
    }
}

impl Cited {
    /// Makes a citation of `line`, pointing at the bytes `range` of it. Of a very long line only the
    /// surroundings are kept, so that many problems on one line stay affordable.
    pub(crate) fn of(line: &[u8], range: Range<usize>) -> Cited {
        let end = range.end.min(line.len());
        let start = range.start.min(end);
        let piece = |range: Range<usize>| printable(line.get(range).unwrap_or_default());
        let mut text = piece(start.saturating_sub(KEPT)..start);
        let from = text.len();
        text.push_str(&piece(start..end.min(start + KEPT)));
        let to = text.len();
        text.push_str(&piece(end..line.len().min(end + KEPT)));
        Cited { text, mark: from..to }
    }

    /// The same citation cut to what fits a terminal.
    fn narrowed(&self) -> Cited {
        let before = self.text.get(..self.mark.start).unwrap_or_default();
        let marked = self.text.get(self.mark.clone()).unwrap_or_default();
        let after = self.text.get(self.mark.end..).unwrap_or_default();
        let mut text = last(before, CONTEXT);
        let from = text.len();
        text.push_str(&first(marked, CONTEXT));
        let to = text.len();
        text.push_str(&first(after, CONTEXT));
        Cited { text, mark: from..to }
    }
}

pub(crate) fn first(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn last(text: &str, limit: usize) -> String {
    let skip = text.chars().count().saturating_sub(limit);
    if skip == 0 {
        return text.to_owned();
    }
    format!("...{}", text.chars().skip(skip).collect::<String>())
}

/// Text for a log line or terminal: invalid UTF-8 replaced, control characters shown as `?`.
pub(crate) fn printable(bytes: &[u8]) -> String {
    let shown = |c: char| match c {
        '\t' => ' ',
        c if c.is_control() => '?',
        c => c,
    };
    String::from_utf8_lossy(bytes).chars().map(shown).collect()
}
