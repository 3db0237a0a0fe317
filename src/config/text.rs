//! A file as bytes: its lines, the words in them, and where each stands.
//!
//! Every rule about where a line or word ends lives here; what the words mean does not.

use std::ops::Range;

use super::diagnostic::{Cited, Diagnostic};
use crate::level::Level;

/// One physical line, without its newline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'a> {
    /// Counted from 1.
    pub(crate) number: usize,
    /// The bytes up to the newline.
    pub(crate) bytes: &'a [u8],
}

/// A piece of a line.
#[derive(Clone, Debug)]
pub(crate) struct At<'a> {
    pub(crate) line: Line<'a>,
    pub(crate) range: Range<usize>,
}

/// The lines of a file. A newline at the end of the file does not begin another line.
pub(crate) fn lines(bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let body = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let pieces = body.split(|&b| b == b'\n').enumerate();
    pieces.map(|(n, bytes)| Line { number: n + 1, bytes })
}

impl<'a> Line<'a> {
    /// The whole line as a place.
    pub(crate) fn whole(self) -> At<'a> {
        self.at(0..self.bytes.len())
    }

    /// A place in this line.
    pub(crate) fn at(self, range: Range<usize>) -> At<'a> {
        At { line: self, range }
    }
}

impl<'a> At<'a> {
    /// The bytes meant.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        self.line.bytes.get(self.range.clone()).unwrap_or_default()
    }

    /// The text meant: UTF-8, or else each byte read as a Latin-1 character.
    pub(crate) fn text(&self) -> String {
        decode(self.bytes())
    }

    /// The words of this piece, separated by the bytes `is_blank` names.
    pub(crate) fn words(&self, is_blank: fn(u8) -> bool) -> Vec<At<'a>> {
        let mut words = Vec::new();
        let mut start = None;
        let base = self.range.start;
        for (i, &b) in self.bytes().iter().enumerate() {
            match (start, is_blank(b)) {
                (None, false) => start = Some(i),
                (Some(from), true) => {
                    words.push(self.line.at(base + from..base + i));
                    start = None;
                }
                _ => {}
            }
        }
        if let Some(from) = start {
            words.push(self.line.at(base + from..self.range.end));
        }
        words
    }

    /// The piece without the blanks at either end.
    pub(crate) fn trimmed(&self, is_blank: fn(u8) -> bool) -> At<'a> {
        let words = self.words(is_blank);
        match (words.first(), words.last()) {
            (Some(a), Some(b)) => self.line.at(a.range.start..b.range.end),
            _ => self.line.at(self.range.end..self.range.end),
        }
    }

    /// A diagnostic about this piece.
    pub(crate) fn problem(&self, file: &str, level: Level, message: String) -> Diagnostic {
        Diagnostic {
            level,
            file: file.to_owned(),
            line: self.line.number,
            column: self.range.start + 1,
            cited: Some(Cited::of(self.line.bytes, self.range.clone())),
            message,
            allowed: String::new(),
            reference: Vec::new(),
        }
    }
}

/// Bytes as text: UTF-8, or else each byte read as a Latin-1 character. Nothing is lost.
pub(crate) fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&b| char::from(b)).collect(),
    }
}

/// White space between words: blank, tab, CR, form feed, vertical tab.
pub(crate) fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\x0b' | b'\x0c')
}

/// White space or comma: between the arguments of a list directive.
pub(crate) fn is_delimiter(b: u8) -> bool {
    b == b',' || is_blank(b)
}

/// A byte no configuration file has a use for.
pub(crate) fn is_junk(b: u8) -> bool {
    b.is_ascii_control() && !is_blank(b) && b != b'\n'
}
