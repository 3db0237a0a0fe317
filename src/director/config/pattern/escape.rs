//! What a backslash begins.

use super::BadPattern;
use super::group::is_name;
use super::translate::{Done, Translator};

const WORD: &str = "0-9A-Za-z_";
const HORIZONTAL: &str = r"\t \x{A0}";
const VERTICAL: &str = r"\n\x{0B}\x{0C}\r\x{85}";
const SPACE: &str = r"\t\n\x{0B}\x{0C}\r ";

/// What an escape stands for.
pub(super) enum Escape {
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

impl Translator {
    pub(super) fn escape(&mut self) -> Done {
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
    pub(super) fn shared_escape(&self) -> Result<Escape, BadPattern> {
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

    pub(super) fn braced(&self, from: usize) -> Option<String> {
        let rest = self.chars.get(self.at + from..)?;
        let inside = rest.strip_prefix(&['{'])?;
        let end = inside.iter().position(|c| *c == '}')?;
        Some(inside.get(..end)?.iter().collect())
    }

    pub(super) fn hexadecimal(&self) -> Result<Escape, BadPattern> {
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

    pub(super) fn control(&self) -> Result<Escape, BadPattern> {
        let refused = || self.bad(self.at..(self.at + 2).min(self.chars.len()), "\\c wants a letter behind");
        let c = self.peek(2).filter(char::is_ascii).ok_or_else(refused)?;
        Ok(Escape::Code(u32::from(c.to_ascii_uppercase()) ^ 64, 3))
    }

    pub(super) fn octal(&self) -> Escape {
        let digits: String = (1..4).map_while(|i| self.peek(i).filter(|c| c.is_digit(8))).collect();
        let code = u32::from_str_radix(&digits, 8).unwrap_or(0) & 0xFF;
        Escape::Code(code, 1 + digits.len())
    }

    pub(super) fn property(&self) -> Result<Escape, BadPattern> {
        match self.braced(2) {
            Some(name) => Ok(Escape::Property(name.chars().count() + 4)),
            None if self.peek(2).is_some_and(|c| c.is_ascii_alphabetic()) => Ok(Escape::Property(3)),
            None => Err(self.bad(self.at..self.at + 2, "\\p wants the name of a property: \\p{L}")),
        }
    }

    /// `\1` is what the first group matched, `\12` too where there are so many groups; else a character.
    pub(super) fn number_or_octal(&mut self) -> Done {
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

    pub(super) fn refer(&mut self, number: usize, count: usize) -> Done {
        if number == 0 || number > self.chars.iter().filter(|c| **c == '(').count() {
            return Err(self.bad(self.at..self.at + count, format!("there is no group {number}")));
        }
        // The digits that may follow are no part of the number.
        self.put(&format!("(?:\\{number})"), count);
        Ok(())
    }

    /// `\g1 \g{1} \g{-1} \g{name} \k<name> \k{name} \k'name'`.
    pub(super) fn reference(&mut self, letter: char) -> Done {
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
}
