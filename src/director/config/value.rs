//! Single values: numbers, yes and no, texts in quotes (ldirectord.md 4.1, 4.3).
//!
//! The reference takes the first digits, or the first word, that it finds and forgets the rest. Files that live from
//! this are not refused, but told.

use std::ops::Range;
use std::time::Duration;

use super::lines::{Statement, is_space};
use crate::config::report::Report;
use crate::config::text::At;
use crate::config::value::Refusal;

/// Longest time accepted, in seconds: about 30 years.
const LONGEST: u32 = 1_000_000_000;

/// A part of a place.
pub(super) fn part<'a>(at: &At<'a>, range: Range<usize>) -> At<'a> {
    let start = at.range.start;
    at.line.at(start + range.start..(start + range.end).min(at.range.end))
}

/// The text of a value. In a virtual service a tab is four blanks.
pub(super) fn text(at: &At<'_>, inside: bool) -> String {
    let text = at.text();
    if inside { text.replace('\t', "    ") } else { text }
}

/// `yes` or `no`, and nothing else on the line.
pub(super) fn yes_no(report: &mut Report, statement: &Statement<'_>, name: &str) -> Option<bool> {
    let value = statement.value();
    match value.bytes() {
        b"yes" => Some(true),
        b"no" => Some(false),
        _ => {
            let allowed = "yes or no, in small letters, with nothing behind: no blank, no comment";
            let message = format!("{name}: {:?} is neither yes nor no", value.text());
            let said = format!("{name} must be 'yes' or 'no'");
            report.refuse(&value, Refusal::new(message, allowed).says(said));
            None
        }
    }
}

/// The first number in the value, from `least` on. `said` is the reference's complaint.
pub(super) fn number(
    report: &mut Report,
    statement: &Statement<'_>,
    name: &str,
    least: u32,
    said: &str,
) -> Option<u32> {
    let value = statement.value();
    let allowed = format!("a whole number, at least {least}");
    let start = value.bytes().iter().position(u8::is_ascii_digit);
    let Some(start) = start else {
        let message = format!("{name}: {:?} is no number", value.text());
        report.refuse(&value, Refusal::new(message, allowed).says(said));
        return None;
    };
    let rest = value.bytes().get(start..).unwrap_or_default();
    let length = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let digits = part(&value, start..start + length);
    match digits.text().parse::<u32>() {
        Ok(number) if (least..=LONGEST).contains(&number) => {
            let tail = rest.get(length..).unwrap_or_default();
            if start > 0 || !tail.iter().all(|b| is_space(*b)) {
                let message = format!("{name}: of {:?} only the number {number} is used", value.text());
                report.warn(&value, Refusal::new(message, allowed));
            }
            Some(number)
        }
        _ => {
            let message = format!("{name}: {} is out of range", digits.text());
            let allowed = format!("a whole number from {least} to {LONGEST}");
            report.refuse(&digits, Refusal::new(message, allowed).says(said));
            None
        }
    }
}

/// [`number`] of seconds.
pub(super) fn seconds(
    report: &mut Report,
    statement: &Statement<'_>,
    name: &str,
    least: u32,
    said: &str,
) -> Option<Duration> {
    number(report, statement, name, least, said).map(|n| Duration::from_secs(u64::from(n)))
}

/// What stands between the first quote and the last. `None` when there are not two.
pub(super) fn between_quotes<'a>(report: &mut Report, value: &At<'a>) -> Option<At<'a>> {
    let bytes = value.bytes();
    let last = bytes.iter().rposition(|b| *b == b'"')?;
    if bytes.first() != Some(&b'"') || last == 0 {
        return None;
    }
    ignored(report, value, last + 1);
    Some(part(value, 1..last))
}

/// Tells that what stands from this byte of the value on has no effect.
pub(super) fn ignored(report: &mut Report, value: &At<'_>, from: usize) {
    let rest = part(value, from..value.bytes().len());
    if !rest.bytes().iter().all(|b| is_space(*b)) {
        let rest = rest.trimmed(is_space);
        report.warn(&rest, Refusal::new("this has no effect", "nothing behind the value"));
    }
}

/// The value without quotes around it, and without blanks at its end.
pub(super) fn maybe_quoted<'a>(report: &mut Report, statement: &Statement<'a>) -> At<'a> {
    let value = statement.value();
    match between_quotes(report, &value) {
        Some(inside) => inside,
        None => value.trimmed(is_space),
    }
}

/// The first run of such bytes in the value, wherever it stands; what stands around it is told to have no effect.
/// Empty when there is none.
pub(super) fn run<'a>(report: &mut Report, statement: &Statement<'a>, is: fn(u8) -> bool) -> At<'a> {
    let value = statement.value();
    let before = value.bytes().iter().take_while(|b| !is(**b)).count();
    let rest = value.bytes().get(before..).unwrap_or_default();
    let length = rest.iter().take_while(|b| is(**b)).count();
    let found = part(&value, before..before + length);
    if length > 0 && before > 0 {
        let name = statement.name.text();
        let message = format!("{name}: of {:?} only {:?} is used", value.text(), found.text());
        report.warn(&value, Refusal::new(message, "nothing around the word"));
    } else {
        ignored(report, &value, before + length);
    }
    found
}

/// [`run`] of letters, digits and underscores.
pub(super) fn word<'a>(report: &mut Report, statement: &Statement<'a>) -> At<'a> {
    run(report, statement, |b| b.is_ascii_alphanumeric() || b == b'_')
}
