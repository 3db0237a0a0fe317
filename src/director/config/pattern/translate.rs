//! The way through an expression: what each character begins.

use std::ops::Range;

use super::BadPattern;

/// An expression on its way to our engine.
pub(super) struct Translator {
    pub(super) chars: Vec<char>,
    pub(super) at: usize,
    pub(super) out: String,
    /// Whether `$` matches at each line, for each group that is open.
    pub(super) multi: Vec<bool>,
    pub(super) groups: usize,
}

/// Nothing, or why not.
pub(super) type Done = Result<(), BadPattern>;

impl Translator {
    pub(super) fn run(&mut self) -> Done {
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

    pub(super) fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    pub(super) fn bad(&self, place: Range<usize>, why: impl Into<String>) -> BadPattern {
        BadPattern { place, why: why.into() }
    }

    /// Takes so many characters as they are.
    pub(super) fn keep(&mut self, count: usize) {
        let kept = self.chars.get(self.at..self.at + count).unwrap_or_default();
        self.out.extend(kept);
        self.at += count;
    }

    /// Writes something in place of so many characters.
    pub(super) fn put(&mut self, text: &str, count: usize) {
        self.out.push_str(text);
        self.at += count;
    }

    /// Writes a character that means itself.
    pub(super) fn literal(&mut self, c: char, count: usize) {
        // White space keeps its meaning under (?x): it is not escaped here.
        if !c.is_alphanumeric() && !c.is_whitespace() && c.is_ascii() && c != '#' || c == '\0' {
            self.out.push_str(&format!("\\x{{{:X}}}", u32::from(c)));
        } else {
            self.out.push(c);
        }
        self.at += count;
    }

    /// A character by its number, which means itself everywhere.
    pub(super) fn code(&mut self, code: u32, count: usize) {
        self.put(&format!("\\x{{{code:X}}}"), count);
    }

    pub(super) fn end_of_line(&mut self) {
        let each = self.multi.last().copied().unwrap_or(false);
        self.put(if each { "$" } else { r"(?=\n?\z)" }, 1);
    }

    /// `{2,3}` counts; any other brace is one. `{,3}` counts from 0.
    pub(super) fn brace(&mut self) {
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
}
