//! What a parenthesis begins.

use super::BadPattern;
use super::translate::{Done, Translator};

impl Translator {
    /// `(`, and what kind of group it opens.
    pub(super) fn open(&mut self) -> Done {
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

    pub(super) fn refused(&self, why: &str) -> BadPattern {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|c| *c == ')').map_or(rest.len(), |end| end + 1);
        self.bad(self.at..self.at + length, why)
    }

    pub(super) fn comment(&mut self) -> Done {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        match rest.iter().position(|c| *c == ')') {
            Some(end) => {
                self.at += end + 1;
                Ok(())
            }
            None => Err(self.bad(self.at..self.chars.len(), "the comment is not closed")),
        }
    }

    pub(super) fn named(&mut self, kind: &str, multi: bool) -> Done {
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
    pub(super) fn named_again(&mut self) -> Done {
        let rest = self.chars.get(self.at + 4..).unwrap_or_default();
        let name: String = rest.iter().take_while(|c| **c != ')').collect();
        if !is_name(&name) {
            return Err(self.refused("(?P=...) wants the name of a group"));
        }
        self.put(&format!("\\k<{name}>"), name.len() + 5);
        Ok(())
    }

    /// `(?i)`, `(?m-s:...)`: what our engine has, and `a d l n p` where they change nothing.
    pub(super) fn flags(&mut self, multi: bool) -> Done {
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

    pub(super) fn close(&mut self) -> Done {
        if self.multi.len() < 2 {
            return Err(self.bad(self.at..self.at + 1, "this ) closes nothing"));
        }
        self.multi.pop();
        self.keep(1);
        Ok(())
    }
}

/// A name of a group.
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
