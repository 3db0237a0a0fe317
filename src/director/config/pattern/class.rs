//! What a bracket begins.

use super::escape::Escape;
use super::translate::{Done, Translator};

impl Translator {
    /// `[...]`. What is special to our engine only (`[ & ~ -` and blanks under `(?x)`) loses its meaning.
    pub(super) fn class(&mut self) -> Done {
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
    pub(super) fn is_range(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.chars.get(at));
        self.peek(1).is_some_and(|c| c != ']') && before.is_some_and(|c| *c != '[' && *c != '^')
    }

    pub(super) fn class_escape(&mut self) -> Done {
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

    pub(super) fn posix(&mut self) -> Done {
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
