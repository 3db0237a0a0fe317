//! What an answer must contain: a Perl expression, made fit for the engine we have.
//!
//! Perl matches bytes, as the configuration holds bytes and servers answer bytes. Our engine matches text. So
//! both, expression and answer, are read as Latin-1: one character a byte. The classes `\w \d \s \b` mean
//! ASCII, as they do for Perl's bytes, and `$` also matches before a newline at the end.
//!
//! [`translate`](self) goes through the expression once, writes down what our engine calls the same, and
//! refuses what it does not have, with its place.

use std::fmt;
use std::ops::Range;

use fancy_regex::{Regex, RegexBuilder};

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

const WORD: &str = "0-9A-Za-z_";
const HORIZONTAL: &str = r"\t \x{A0}";
const VERTICAL: &str = r"\n\x{0B}\x{0C}\r\x{85}";
const SPACE: &str = r"\t\n\x{0B}\x{0C}\r ";

struct Translator {
    chars: Vec<char>,
    at: usize,
    out: String,
    /// Whether `$` matches at each line, for each group that is open.
    multi: Vec<bool>,
    groups: usize,
}

type Done = Result<(), BadPattern>;

impl Translator {
    fn run(&mut self) -> Done {
        while let Some(c) = self.peek(0) {
            match c {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => self.open()?,
                ')' => self.close()?,
                '{' => self.brace(),
                '$' => self.end_of_line(),
                '.' | '^' | '|' | '*' | '+' | '?' => self.keep(1),
                _ => self.literal(c, 1),
            }
        }
        if self.multi.len() > 1 {
            return Err(self.bad(self.chars.len().saturating_sub(1)..self.chars.len(), "a ( is not closed"));
        }
        Ok(())
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn bad(&self, place: Range<usize>, why: impl Into<String>) -> BadPattern {
        BadPattern { place, why: why.into() }
    }

    /// Takes so many characters as they are.
    fn keep(&mut self, count: usize) {
        let kept = self.chars.get(self.at..self.at + count).unwrap_or_default();
        self.out.extend(kept);
        self.at += count;
    }

    /// Writes something in place of so many characters.
    fn put(&mut self, text: &str, count: usize) {
        self.out.push_str(text);
        self.at += count;
    }

    /// Writes a character that means itself.
    fn literal(&mut self, c: char, count: usize) {
        // White space keeps its meaning under (?x): it is not escaped here.
        if !c.is_alphanumeric() && !c.is_whitespace() && c.is_ascii() && c != '#' || c == '\0' {
            self.out.push_str(&format!("\\x{{{:X}}}", u32::from(c)));
        } else {
            self.out.push(c);
        }
        self.at += count;
    }

    /// A character by its number, which means itself everywhere.
    fn code(&mut self, code: u32, count: usize) {
        self.put(&format!("\\x{{{code:X}}}"), count);
    }

    fn end_of_line(&mut self) {
        let each = self.multi.last().copied().unwrap_or(false);
        self.put(if each { "$" } else { r"(?=\n?\z)" }, 1);
    }

    /// `{2,3}` counts; any other brace is one. `{,3}` counts from 0.
    fn brace(&mut self) {
        let rest: String = self.chars.get(self.at + 1..).unwrap_or_default().iter().collect();
        let Some((inside, _)) = rest.split_once('}') else { return self.literal('{', 1) };
        let number = |text: &str| text.len() < 6 && text.chars().all(|c| c.is_ascii_digit());
        let (low, high) = inside.split_once(',').unwrap_or((inside, inside));
        if inside.len() > 12 || !number(low) || !number(high) || low.is_empty() && high.is_empty() {
            return self.literal('{', 1);
        }
        if low.is_empty() {
            self.put(&format!("{{0,{high}}}"), inside.len() + 2);
        } else {
            self.keep(inside.len() + 2);
        }
    }

    fn escape(&mut self) -> Done {
        let Some(c) = self.peek(1) else {
            return Err(self.bad(self.at..self.at + 1, "a backslash at the end escapes nothing"));
        };
        match c {
            'b' => self.put(&boundary(true), 2),
            'B' => self.put(&boundary(false), 2),
            'A' | 'z' | 'K' | 'G' => self.keep(2),
            'Z' => self.put(r"(?=\n?\z)", 2),
            'N' if self.peek(2) != Some('{') => self.put(r"[^\n]", 2),
            'R' => self.put(r"(?>\r\n|[\n\x{0B}\x{0C}\r\x{85}])", 2),
            '1'..='9' => self.number_or_octal()?,
            'g' | 'k' => self.reference(c)?,
            _ => match self.shared_escape()? {
                Escape::Set(set, negated) => {
                    let negation = if negated { "^" } else { "" };
                    self.put(&format!("[{negation}{set}]"), 2);
                }
                Escape::Code(code, count) => self.code(code, count),
                Escape::Property(count) => self.keep(count),
            },
        }
        Ok(())
    }

    /// Escapes that mean the same inside a class and outside.
    fn shared_escape(&self) -> Result<Escape, BadPattern> {
        let c = self.peek(1).unwrap_or('\0');
        let set = |set, negated| Ok(Escape::Set(set, negated));
        let code = |code: u8| Ok(Escape::Code(u32::from(code), 2));
        match c {
            'w' | 'W' => set(WORD, c == 'W'),
            'd' | 'D' => set("0-9", c == 'D'),
            's' | 'S' => set(SPACE, c == 'S'),
            'h' | 'H' => set(HORIZONTAL, c == 'H'),
            'v' | 'V' => set(VERTICAL, c == 'V'),
            't' => code(9),
            'n' => code(10),
            'f' => code(12),
            'r' => code(13),
            'a' => code(7),
            'e' => code(27),
            'x' => self.hexadecimal(),
            'c' => self.control(),
            '0'..='7' => Ok(self.octal()),
            'p' | 'P' => self.property(),
            c if c.is_ascii_alphanumeric() => {
                let end = self.at + 2;
                Err(self.bad(self.at..end, format!("\\{c} of Perl's expressions is not known here")))
            }
            c => Ok(Escape::Code(u32::from(c), 2)),
        }
    }

    fn braced(&self, from: usize) -> Option<String> {
        let rest = self.chars.get(self.at + from..)?;
        let inside = rest.strip_prefix(&['{'])?;
        let end = inside.iter().position(|c| *c == '}')?;
        Some(inside.get(..end)?.iter().collect())
    }

    fn hexadecimal(&self) -> Result<Escape, BadPattern> {
        let braced = self.braced(2);
        let plain = || (2..4).map_while(|i| self.peek(i).filter(char::is_ascii_hexdigit)).collect();
        let length = braced.as_ref().map(|text| text.chars().count() + 4);
        let digits: String = braced.unwrap_or_else(plain);
        let length = length.unwrap_or(2 + digits.len());
        let code = if digits.is_empty() { Some(0) } else { u32::from_str_radix(digits.trim(), 16).ok() };
        let place = self.at..(self.at + length).min(self.chars.len());
        match code {
            Some(code) if code < 256 => Ok(Escape::Code(code, length)),
            _ => Err(self.bad(place, "no byte has this number: an answer is matched byte by byte")),
        }
    }

    fn control(&self) -> Result<Escape, BadPattern> {
        let refused = || self.bad(self.at..(self.at + 2).min(self.chars.len()), "\\c wants a letter behind");
        let c = self.peek(2).filter(char::is_ascii).ok_or_else(refused)?;
        Ok(Escape::Code(u32::from(c.to_ascii_uppercase()) ^ 64, 3))
    }

    fn octal(&self) -> Escape {
        let digits: String = (1..4).map_while(|i| self.peek(i).filter(|c| c.is_digit(8))).collect();
        let code = u32::from_str_radix(&digits, 8).unwrap_or(0) & 0xFF;
        Escape::Code(code, 1 + digits.len())
    }

    fn property(&self) -> Result<Escape, BadPattern> {
        match self.braced(2) {
            Some(name) => Ok(Escape::Property(name.chars().count() + 4)),
            None if self.peek(2).is_some_and(|c| c.is_ascii_alphabetic()) => Ok(Escape::Property(3)),
            None => Err(self.bad(self.at..self.at + 2, "\\p wants the name of a property: \\p{L}")),
        }
    }

    /// `\1` is what the first group matched, `\12` too where there are so many groups; else a character.
    fn number_or_octal(&mut self) -> Done {
        let digits: String = (1..4).map_while(|i| self.peek(i).filter(char::is_ascii_digit)).collect();
        let number: usize = digits.parse().unwrap_or(0);
        if number > 9 && number > self.groups && digits.starts_with(|c: char| c.is_digit(8)) {
            if let Escape::Code(code, count) = self.octal() {
                self.code(code, count);
            }
            return Ok(());
        }
        self.refer(number, 1 + digits.len())
    }

    fn refer(&mut self, number: usize, count: usize) -> Done {
        if number == 0 || number > self.chars.iter().filter(|c| **c == '(').count() {
            return Err(self.bad(self.at..self.at + count, format!("there is no group {number}")));
        }
        // The digits that may follow are no part of the number.
        self.put(&format!("(?:\\{number})"), count);
        Ok(())
    }

    /// `\g1 \g{1} \g{-1} \g{name} \k<name> \k{name} \k'name'`.
    fn reference(&mut self, letter: char) -> Done {
        let pairs = [('{', '}'), ('<', '>'), ('\'', '\'')];
        let close = pairs.iter().find(|(open, _)| Some(*open) == self.peek(2)).map(|(_, close)| *close);
        let digits = || (2..5).map_while(|i| self.peek(i).filter(char::is_ascii_digit)).collect::<String>();
        let inside = close.and_then(|close| {
            let rest = self.chars.get(self.at + 3..)?;
            let end = rest.iter().position(|c| *c == close)?;
            Some(rest.get(..end)?.iter().collect::<String>())
        });
        let (name, count) = match inside {
            Some(name) => (name.clone(), name.chars().count() + 4),
            None => (digits(), 2 + digits().len()),
        };
        match name.parse::<i64>() {
            Ok(back) if back < 0 => {
                let number = i64::try_from(self.groups).unwrap_or(0) + 1 + back;
                self.refer(usize::try_from(number).unwrap_or(0), count)
            }
            Ok(number) => self.refer(usize::try_from(number).unwrap_or(0), count),
            Err(_) if is_name(&name) => {
                self.put(&format!("\\k<{name}>"), count);
                Ok(())
            }
            Err(_) => {
                let end = (self.at + count).min(self.chars.len());
                Err(self.bad(self.at..end, format!("\\{letter} wants the number or the name of a group")))
            }
        }
    }

    /// `(`, and what kind of group it opens.
    fn open(&mut self) -> Done {
        let multi = self.multi.last().copied().unwrap_or(false);
        let ahead = |text: &str| text.chars().enumerate().all(|(i, c)| self.peek(i) == Some(c));
        if ahead("(*") {
            return Err(self.refused("verbs such as (*FAIL) are not known here"));
        }
        if !ahead("(?") {
            self.groups += 1;
            self.multi.push(multi);
            self.keep(1);
            return Ok(());
        }
        if ahead("(?#") {
            return self.comment();
        }
        let plain = ["(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!"];
        if let Some(kind) = plain.into_iter().find(|kind| ahead(kind)) {
            self.multi.push(multi);
            self.keep(kind.len());
            return Ok(());
        }
        if ahead("(?P=") {
            return self.named_again();
        }
        let named = ["(?<", "(?P<", "(?'"].into_iter().find(|kind| ahead(kind));
        match named {
            Some(kind) => self.named(kind, multi),
            None => self.flags(multi),
        }
    }

    fn refused(&self, why: &str) -> BadPattern {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|c| *c == ')').map_or(rest.len(), |end| end + 1);
        self.bad(self.at..self.at + length, why)
    }

    fn comment(&mut self) -> Done {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        match rest.iter().position(|c| *c == ')') {
            Some(end) => {
                self.at += end + 1;
                Ok(())
            }
            None => Err(self.bad(self.at..self.chars.len(), "the comment is not closed")),
        }
    }

    fn named(&mut self, kind: &str, multi: bool) -> Done {
        let close = if kind.ends_with('\'') { '\'' } else { '>' };
        let rest = self.chars.get(self.at + kind.len()..).unwrap_or_default();
        let name: String = rest.iter().take_while(|c| **c != close).collect();
        if !is_name(&name) {
            return Err(self.refused("the group wants a name: (?<name>...)"));
        }
        self.groups += 1;
        self.multi.push(multi);
        self.put(&format!("(?<{name}>"), kind.len() + name.len() + 1);
        Ok(())
    }

    /// `(?P=name)`.
    fn named_again(&mut self) -> Done {
        let rest = self.chars.get(self.at + 4..).unwrap_or_default();
        let name: String = rest.iter().take_while(|c| **c != ')').collect();
        if !is_name(&name) {
            return Err(self.refused("(?P=...) wants the name of a group"));
        }
        self.put(&format!("\\k<{name}>"), name.len() + 5);
        Ok(())
    }

    /// `(?i)`, `(?m-s:...)`: what our engine has, and `a d l n p` where they change nothing.
    fn flags(&mut self, multi: bool) -> Done {
        let rest = self.chars.get(self.at + 2..).unwrap_or_default();
        let said: String =
            rest.iter().take_while(|c| c.is_ascii_alphabetic() || "-^".contains(**c)).collect();
        let end = rest.get(said.len()).copied();
        // (?^i: forgets what held before.
        let flags = match said.strip_prefix('^') {
            Some(on) => format!("{on}-{}", "imsx".replace(|c| on.contains(c), "")),
            None => said.clone(),
        };
        let known = |c: char| matches!(c, 'i' | 'm' | 's' | 'x' | 'a' | 'd' | 'l' | 'p' | '-');
        if !flags.chars().all(known) || !matches!(end, Some(')' | ':')) || flags.matches('-').count() > 1 {
            return Err(self.refused("this kind of group is not known here"));
        }
        let (on, off) = flags.split_once('-').unwrap_or((&flags, ""));
        let multi = (multi || on.contains('m')) && !off.contains('m');
        let ours = |text: &str| text.chars().filter(|c| "imsx".contains(*c)).collect::<String>();
        let (on, off) = (ours(on), ours(off));
        let minus = if off.is_empty() { "" } else { "-" };
        let flags_only = end == Some(')');
        if flags_only {
            if let Some(level) = self.multi.last_mut() {
                *level = multi;
            }
        } else {
            self.multi.push(multi);
        }
        let nothing = on.is_empty() && off.is_empty();
        let text = match (nothing, flags_only) {
            (true, true) => String::new(),
            (true, false) => "(?:".to_owned(),
            (false, true) => format!("(?{on}{minus}{off})"),
            (false, false) => format!("(?{on}{minus}{off}:"),
        };
        self.put(&text, 2 + said.len() + 1);
        Ok(())
    }

    fn close(&mut self) -> Done {
        if self.multi.len() < 2 {
            return Err(self.bad(self.at..self.at + 1, "this ) closes nothing"));
        }
        self.multi.pop();
        self.keep(1);
        Ok(())
    }

    /// `[...]`. What is special to our engine only (`[ & ~ -` and blanks under `(?x)`) loses its meaning.
    fn class(&mut self) -> Done {
        let begin = self.at;
        self.keep(1);
        if self.peek(0) == Some('^') {
            self.keep(1);
        }
        let mut first = true;
        loop {
            let Some(c) = self.peek(0) else {
                return Err(self.bad(begin..begin + 1, "this [ is not closed"));
            };
            match c {
                ']' if !first => {
                    self.keep(1);
                    return Ok(());
                }
                '\\' => self.class_escape()?,
                '[' if matches!(self.peek(1), Some(':')) => self.posix()?,
                '[' if matches!(self.peek(1), Some('=' | '.')) => {
                    let place = self.at..self.at + 2;
                    return Err(self.bad(place, "[= and [. in a class are not known here"));
                }
                '-' if !first && self.is_range() => self.keep(1),
                c => self.code(u32::from(c), 1),
            }
            first = false;
        }
    }

    /// Whether this `-` stands between two characters.
    fn is_range(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.chars.get(at));
        self.peek(1).is_some_and(|c| c != ']') && before.is_some_and(|c| *c != '[' && *c != '^')
    }

    fn class_escape(&mut self) -> Done {
        match self.peek(1) {
            Some('b') => self.code(8, 2),
            Some('N' | 'R' | 'B' | 'A' | 'z' | 'Z' | 'G' | 'K') | None => {
                return Err(self.bad(self.at..self.at + 1, "this escape means nothing in a class"));
            }
            Some(_) => match self.shared_escape()? {
                Escape::Set(set, false) => self.put(set, 2),
                Escape::Set(set, true) => self.put(&format!("[^{set}]"), 2),
                Escape::Code(code, count) => self.code(code, count),
                Escape::Property(count) => self.keep(count),
            },
        }
        Ok(())
    }

    fn posix(&mut self) -> Done {
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
            "space", "upper", "word", "xdigit",
        ];
        let rest: String = self.chars.get(self.at + 2..).unwrap_or_default().iter().collect();
        let name = rest.split_once(":]").map_or("", |(name, _)| name);
        if NAMES.contains(&name.trim_start_matches('^')) {
            self.keep(name.len() + 4);
            return Ok(());
        }
        Err(self.bad(self.at..self.at + 2, format!("[: in a class wants one of: {}", NAMES.join(" "))))
    }
}

/// What an escape stands for.
enum Escape {
    /// A set of characters, without brackets; whether its opposite is meant. Two characters long.
    Set(&'static str, bool),
    /// One character; how long the escape is.
    Code(u32, usize),
    /// A property of Unicode, which our engine has too; how long the escape is.
    Property(usize),
}

/// `\b` and `\B` of ASCII: our engine's own know more letters.
fn boundary(is: bool) -> String {
    let (word, other) = (format!("(?<=[{WORD}])"), format!("(?<![{WORD}])"));
    let (next, none) = (format!("(?=[{WORD}])"), format!("(?![{WORD}])"));
    if is { format!("(?:{word}{none}|{other}{next})") } else { format!("(?:{word}{next}|{other}{none})") }
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
