//! What an answer must contain: a Perl expression, made fit for the engine we have.
//!
//! Perl matches bytes, as the configuration holds bytes and servers answer bytes. Our engine matches text. So
//! both, expression and answer, are read as Latin-1: one character a byte. The classes `\w \d \s \b` mean
//! ASCII, as they do for Perl's bytes, and `$` also matches before a newline at the end.
//!
//! `translate` goes through the expression once, writes down what our engine calls the same, and
//! refuses what it does not have, with its place.

mod class;
mod escape;
mod group;
mod translate;

use std::fmt;
use std::ops::Range;

use fancy_regex::{Regex, RegexBuilder};

use translate::Translator;

/// How often the engine may try again on one answer before it gives up: about a second.
const BACKTRACKS: usize = 1_000_000;

/// A compiled expression.
#[derive(Clone)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

/// Why an expression cannot be used, and the bytes of it that are to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPattern {
    /// Where.
    pub place: Range<usize>,
    /// Why.
    pub why: String,
}

impl Pattern {
    /// Compiles a Perl expression.
    pub fn compile(source: &[u8]) -> Result<Pattern, BadPattern> {
        let chars: Vec<char> = source.iter().map(|b| char::from(*b)).collect();
        let mut translator = Translator { chars, at: 0, out: String::new(), multi: vec![false], groups: 0 };
        translator.run()?;
        let built = RegexBuilder::new(&translator.out).backtrack_limit(BACKTRACKS).build();
        let whole = |why: String| BadPattern { place: 0..source.len(), why };
        let regex = built.map_err(|e| whole(plain(&e.to_string())))?;
        Ok(Pattern { source: source.iter().map(|b| char::from(*b)).collect(), regex })
    }

    /// The expression as it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether the answer contains it. An answer on which the engine gives up does not.
    pub fn is_in(&self, answer: &[u8]) -> bool {
        let text: String = answer.iter().map(|b| char::from(*b)).collect();
        self.regex.is_match(&text).unwrap_or(false)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.source == other.source
    }
}

impl Eq for Pattern {}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.source)
    }
}

/// The engine's reason on one line.
fn plain(reason: &str) -> String {
    let last = reason.lines().rfind(|line| !line.trim().is_empty()).unwrap_or(reason);
    format!("the expression engine says: {}", last.trim().trim_start_matches("error: "))
}
