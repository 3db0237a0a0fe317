//! The grammar of single values: times, booleans, numbers, words from a list (configuration.md 1.1).
//!
//! A validator knows only the text. Where it stood is added by whoever called.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::level::Level;

/// Why a value is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What was read and why it is wrong.
    pub(crate) message: String,
    /// What would be right.
    pub(crate) allowed: String,
    /// What 3.0.6 logs.
    pub(crate) reference: Vec<(Level, String)>,
}

impl Refusal {
    /// A refusal on which 3.0.6 says nothing of its own.
    pub(crate) fn new(message: impl Into<String>, allowed: impl Into<String>) -> Refusal {
        Refusal { message: message.into(), allowed: allowed.into(), reference: Vec::new() }
    }

    /// Adds an ERROR line of 3.0.6.
    pub(crate) fn says(self, text: impl Into<String>) -> Refusal {
        self.logs(Level::Error, text)
    }

    /// Adds a line of 3.0.6.
    pub(crate) fn logs(mut self, level: Level, text: impl Into<String>) -> Refusal {
        self.reference.push((level, text.into()));
        self
    }
}

/// Longest time accepted, in seconds: about 30 years.
const LONGEST: f64 = 1e9;

/// A time, rounded to the nearest millisecond: `2`, `1.5`, `500ms`, `1500000us`.
pub(super) fn time(text: &str) -> Result<Duration, Refusal> {
    let refused = || {
        Refusal::new(
            format!("{text:?} is not a time"),
            "seconds such as 2 or 1.5, or with a unit: 500ms, 500000us",
        )
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().map_err(|_| refused())?;
    let seconds = number * per_unit(unit).ok_or_else(refused)?;
    if seconds > LONGEST {
        return Err(Refusal::new(format!("{text:?} is too long a time"), "at most 1000000000 seconds"));
    }
    // In range: not negative, at most 10^12.
    Ok(Duration::from_millis((seconds * 1000.0 + 0.5) as u64))
}

/// How many seconds a unit has. 3.0.6 looks at the first letters only, so `msec` is a unit too.
fn per_unit(unit: &str) -> Option<f64> {
    let unit = unit.to_ascii_lowercase();
    match unit.get(..2) {
        None if unit.is_empty() => Some(1.0),
        _ if !unit.chars().all(|c| c.is_ascii_alphabetic()) => None,
        Some("ms") => Some(1e-3),
        Some("us") => Some(1e-6),
        _ => None,
    }
}

/// A time that is not zero.
pub(super) fn positive_time(text: &str) -> Result<Duration, Refusal> {
    let value = time(text)?;
    if value.is_zero() {
        return Err(Refusal::new(format!("{text:?} is no time at all"), "more than 0 ms"));
    }
    Ok(value)
}

/// A boolean, in any case.
pub(super) fn boolean(text: &str) -> Result<bool, Refusal> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "y" | "1" => Ok(true),
        "false" | "off" | "no" | "n" | "0" => Ok(false),
        _ => {
            Err(Refusal::new(format!("{text:?} is neither yes nor no"), "true on yes y 1, false off no n 0"))
        }
    }
}

/// A whole number in a range, optionally followed by one of `units`, which change nothing.
pub(super) fn number(text: &str, range: RangeInclusive<u32>, units: &[&str]) -> Result<u32, Refusal> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let known = unit.is_empty() || units.iter().any(|u| u.eq_ignore_ascii_case(unit));
    let allowed = format!("a whole number from {} to {}", range.start(), range.end());
    match digits.parse::<u32>() {
        Ok(value) if known && range.contains(&value) => Ok(value),
        Ok(_) if known => Err(Refusal::new(format!("{text} is out of range"), allowed)),
        Err(_) if known && !digits.is_empty() => {
            Err(Refusal::new(format!("{text} is out of range"), allowed))
        }
        _ => Err(Refusal::new(format!("{text:?} is not a number"), allowed)),
    }
}

/// A UDP port.
pub(super) fn port(text: &str) -> Result<u16, Refusal> {
    let refused = |r: Refusal| Refusal::new(r.message, "a port from 1 to 65535");
    let value = number(text, 1..=65535, &[]).map_err(refused)?;
    u16::try_from(value).map_err(|_| Refusal::new("port out of range", ""))
}

/// A word out of a list; exact, or with `any_case` without regard to case.
pub(super) fn one_of<T: Copy>(text: &str, any_case: bool, choices: &[(&str, T)]) -> Result<T, Refusal> {
    let same = |name: &str| name == text || any_case && name.eq_ignore_ascii_case(text);
    let found = choices.iter().find(|(name, _)| same(name));
    found.map(|&(_, value)| value).ok_or_else(|| {
        let names: Vec<&str> = choices.iter().map(|&(name, _)| name).collect();
        Refusal::new(format!("{text:?} is not known here"), names.join(" "))
    })
}

/// Whether a text can only have been meant as a dotted IPv4 address, right or wrong.
pub(super) fn looks_dotted(text: &str) -> bool {
    text.contains('.') && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// An IPv4 address in dotted form.
pub(super) fn ipv4(text: &str) -> Result<Ipv4Addr, Refusal> {
    let refused = || {
        Refusal::new(format!("{text:?} is not an IPv4 address"), "four numbers from 0 to 255: 192.168.1.1")
    };
    text.parse().map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_follow_1_1() {
        let ms = |text| time(text).ok().map(|t| t.as_millis());
        for (text, wanted) in [
            ("2", 2000),
            ("1.5", 1500),
            (".5", 500),
            ("500ms", 500),
            ("500MSEC", 500),
            ("1500000us", 1500),
            ("1499usec", 1),
            ("1500us", 2),
            ("0", 0),
        ] {
            assert_eq!(ms(text), Some(wanted), "{text}");
        }
        for text in ["", "2x", "abc", "-1", "2s", "2sec", "1m", "ms", ".", "1.2.3", "1e3", "99999999999"] {
            assert_eq!(ms(text), None, "{text}");
        }
    }

    #[test]
    fn booleans_follow_1_1() {
        for text in ["true", "ON", "Yes", "y", "1"] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["false", "OFF", "No", "n", "0"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        for text in ["", "enable", "2", "yess"] {
            assert!(boolean(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_whole_and_in_range() {
        assert_eq!(number("250ms", 1..=1000, &["ms"]), Ok(250));
        assert_eq!(port("65535"), Ok(65535));
        for text in ["", "0", "65536", "99999999999999", "694x", "-1", "6.9", "ms"] {
            assert!(port(text).is_err(), "{text}");
        }
    }
}
