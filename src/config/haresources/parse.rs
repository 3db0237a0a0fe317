//! From bytes to groups: comments, continuation lines, words (configuration.md 3.1).

use std::collections::HashMap;

use super::{Group, Word};
use crate::config::diagnostic::{Diagnostic, printable};
use crate::config::text::{At, Line, decode, is_blank, is_junk, lines};
use crate::level::Level;

/// Where the file lies unless the caller says otherwise.
const FILE: &str = "/etc/ha.d/haresources";

/// Reads `haresources`. Groups come in file order; diagnostics carry the usual path of the file.
/// Lines that cannot be used are left out and reported; nothing stops the rest from being read.
pub fn parse(bytes: &[u8]) -> (Vec<Group>, Vec<Diagnostic>) {
    let parsed = parse_as(FILE, bytes);
    (parsed.groups, parsed.found)
}

/// [`parse`] for a file of another name.
pub(in crate::config) fn parse_as<'a>(file: &'a str, bytes: &'a [u8]) -> Parser<'a> {
    let mut parser = Parser {
        bare: Vec::new(),
        file,
        groups: Vec::new(),
        found: Vec::new(),
        seen: HashMap::new(),
    };
    let mut logical: Vec<Raw<'_>> = Vec::new();
    let mut glue = false;
    for line in lines(bytes) {
        if parser.is_binary(line) {
            continue;
        }
        let (words, continued) = parser.words_of(line);
        extend(&mut logical, words, glue);
        glue = continued && !ends_in_blank(line);
        if !continued {
            parser.finish(std::mem::take(&mut logical));
        }
    }
    parser.finish(logical);
    parser
}

/// Whether a blank stands before the backslash that ends this line.
fn ends_in_blank(line: Line<'_>) -> bool {
    let text = line.bytes.strip_suffix(b"\r").unwrap_or(line.bytes);
    text.iter().rev().nth(1).is_none_or(|&b| is_blank(b))
}

/// The file so far, and in the end all of it.
pub(in crate::config) struct Parser<'a> {
    file: &'a str,
    /// The groups in file order.
    pub(in crate::config) groups: Vec<Group>,
    /// Node names that stand alone on their line.
    pub(in crate::config) bare: Vec<At<'a>>,
    seen: HashMap<String, usize>,
    /// What there is to say.
    pub(in crate::config) found: Vec<Diagnostic>,
}

/// A word before it is understood: where it begins, and its bytes, which a continuation may extend.
struct Raw<'a> {
    at: At<'a>,
    bytes: Vec<u8>,
}

/// Adds the words of a continuation line. Nothing separates `a\` from a `b` that begins the next
/// line, so with `glue` they become the one word `ab`.
fn extend<'a>(logical: &mut Vec<Raw<'a>>, words: Vec<At<'a>>, glue: bool) {
    for at in words {
        let bytes = at.bytes().to_vec();
        match logical.last_mut() {
            Some(last) if glue && at.range.start == 0 => last.bytes.extend(bytes),
            _ => logical.push(Raw { at, bytes }),
        }
    }
}

impl<'a> Parser<'a> {
    fn report(&mut self, at: &At<'_>, level: Level, message: String, allowed: &str) {
        let mut found = at.problem(self.file, level, message);
        found.allowed = allowed.to_owned();
        self.found.push(found);
    }

    /// Refuses a line with bytes that no text contains.
    fn is_binary(&mut self, line: Line<'_>) -> bool {
        let Some(at) = line.bytes.iter().position(|&b| is_junk(b)) else {
            return false;
        };
        let byte = line.bytes.get(at).copied().unwrap_or_default();
        let message = format!("binary data: byte {byte:#04x} in a text file");
        self.report(
            &line.at(at..at + 1),
            Level::Error,
            message,
            "printable text",
        );
        true
    }

    /// The words of one physical line without its comment, and whether the next line continues it.
    fn words_of(&mut self, line: Line<'a>) -> (Vec<At<'a>>, bool) {
        let text = line.bytes.strip_suffix(b"\r").unwrap_or(line.bytes);
        let end = text.iter().position(|&b| b == b'#').unwrap_or(text.len());
        let commented = end < text.len();
        let body = text.get(..end).unwrap_or_default();
        let continued = !commented && body.ends_with(b"\\");
        let mut words = line.at(0..end - usize::from(continued)).words(is_blank);
        if words.last().is_some_and(|w| w.bytes() == b"\\") {
            self.drop_backslash(words.pop());
        }
        (words, continued)
    }

    /// A lone backslash with blanks or a comment behind it: 3.0.6 would run a resource named `\`.
    fn drop_backslash(&mut self, word: Option<At<'_>>) {
        if let Some(at) = word {
            let message = "this backslash does not continue the line and is ignored".to_owned();
            let allowed = "a backslash as the very last character, nothing behind it";
            self.report(&at, Level::Warn, message, allowed);
        }
    }

    /// Makes a group of a complete logical line.
    fn finish(&mut self, words: Vec<Raw<'a>>) {
        let Some((node, rest)) = words.split_first() else {
            return;
        };
        if rest.is_empty() {
            let message = format!(
                "node {} has no resources here; line ignored",
                quoted(&node.bytes)
            );
            self.report(
                &node.at,
                Level::Warn,
                message,
                "NODE RESOURCE [RESOURCE ...]",
            );
            self.bare.push(node.at.clone());
            return;
        }
        let words = rest.iter().map(|raw| self.word(raw)).collect();
        let name = decode(&node.bytes).to_lowercase();
        let (line, column) = (node.at.line.number, node.at.range.start + 1);
        self.groups.push(Group {
            node: name,
            words,
            line,
            column,
        });
    }

    fn word(&mut self, raw: &Raw<'_>) -> Word {
        let Raw { at, bytes } = raw;
        if std::str::from_utf8(bytes).is_err() {
            let message = format!("resource {} is not UTF-8; read as Latin-1", quoted(bytes));
            self.report(at, Level::Warn, message, "UTF-8 text");
        }
        let word = Word::new(decode(bytes), at.line.number, at.range.start + 1);
        if word.args().iter().any(|arg| arg.contains(['*', '?', '['])) {
            let message = format!(
                "the pattern in {} is not expanded but passed on as it is",
                quoted(bytes)
            );
            self.report(at, Level::Warn, message, "arguments without * ? [");
        }
        self.warn_if_repeated(&word, at);
        word
    }

    /// A word that occurs twice cannot name one group for sure.
    fn warn_if_repeated(&mut self, word: &Word, at: &At<'_>) {
        let Some(&first) = self.seen.get(word.as_str()) else {
            self.seen.insert(word.as_str().to_owned(), word.line());
            return;
        };
        let message = format!(
            "resource {} already stands on line {first}",
            quoted(at.bytes())
        );
        let allowed = "each resource once; its name means the group it is the key of, else the \
                       first group that contains it";
        self.report(at, Level::Warn, message, allowed);
    }
}

fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", printable(bytes))
}
