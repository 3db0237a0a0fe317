//! `real` and `real6`: `ADDR[->ADDR][:PORT] METHOD [WEIGHT] ["REQUEST", "RECEIVE"] [l:LOWER] [u:UPPER]`
//! (ldirectord.md 5.2).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::address::{self, Host};
use super::lines::{Statement, is_space};
use super::machine::Machine;
use super::model::Real;
use super::pattern::Pattern;
use super::value::{part, text};
use crate::config::report::Report;
use crate::config::text::At;
use crate::config::value::Refusal;
use crate::director::table::{Family, Forward};

const SHAPE: &str =
    "ADDRESS[->ADDRESS][:PORT] gate|masq|ipip [WEIGHT] [\"REQUEST\", \"RECEIVE\"] [l:LOWER] [u:UPPER]";
/// The heaviest server the kernel takes, and its tool.
const HEAVIEST: u32 = i32::MAX as u32;
/// The longest range of addresses: one line is not to fill the memory.
const LONGEST: u32 = 65_536;

/// What a line asks for, before names are looked up.
#[derive(Clone, Debug)]
pub(super) struct Draft<'a> {
    host: Host<'a>,
    end: Option<Host<'a>>,
    port: Option<At<'a>>,
    like: Real,
}

impl<'a> Draft<'a> {
    /// Where its address stands.
    pub(super) fn place(&self) -> &At<'a> {
        &self.host.at
    }
}

/// The way to forward of this word.
pub(super) fn method(word: &[u8]) -> Option<Forward> {
    match word {
        b"gate" => Some(Forward::Route),
        b"masq" => Some(Forward::Masq),
        b"ipip" => Some(Forward::Tunnel),
        _ => None,
    }
}

/// Reads a line.
pub(super) fn read<'a>(report: &mut Report, statement: &Statement<'a>) -> Option<Draft<'a>> {
    let value = statement.value();
    let Some(mut draft) = server(&value) else {
        let message = format!("{:?} is no real server", value.text());
        let refusal = Refusal::new(message, SHAPE);
        report.refuse(&value, refusal.says("invalid address for real server (wrong format)"));
        return None;
    };
    let mut rest = Rest { value: &value, at: draft.at };
    let way = rest.word();
    if let Some(forward) = method(way.bytes()) {
        draft.draft.like.forward = forward;
        options(report, &mut rest, &mut draft.draft);
    } else {
        let message = format!("{:?} is no way to forward", way.text());
        let refusal = Refusal::new(message, "gate, masq or ipip");
        report.refuse(&way, refusal.says("forward method must be gate, masq or ipip"));
    }
    // The names are looked up all the same: their mistakes are told as well.
    Some(draft.draft)
}

/// The server part of a line, and where the rest begins.
struct Begun<'a> {
    draft: Draft<'a>,
    at: usize,
}

fn server<'a>(value: &At<'a>) -> Option<Begun<'a>> {
    let whole = value.bytes().len();
    let mut at = 0;
    let host = address::host(value)?;
    at += host.at.bytes().len();
    let mut end = None;
    if value.bytes().get(at..)?.starts_with(b"->") {
        let last = address::host(&part(value, at + 2..whole))?;
        at += 2 + last.at.bytes().len();
        end = Some(last);
    }
    let mut port = None;
    if value.bytes().get(at) == Some(&b':') {
        let named = address::port(&part(value, at + 1..whole))?;
        at += 1 + named.bytes().len();
        port = Some(named);
    }
    let blank = value.bytes().get(at).is_some_and(|b| is_space(*b));
    let more = value.bytes().get(at..)?.iter().any(|b| !is_space(*b));
    let like = Real {
        line: value.line.number,
        at: SocketAddr::from(([0, 0, 0, 0], 0)),
        forward: Forward::Route,
        weight: 1,
        upper: 0,
        lower: 0,
        request: None,
        receive: None,
    };
    (blank && more).then_some(Begun { draft: Draft { host, end, port, like }, at })
}

/// What has not been read yet.
struct Rest<'v, 'a> {
    value: &'v At<'a>,
    at: usize,
}

impl<'a> Rest<'_, 'a> {
    fn bytes(&self) -> &'a [u8] {
        self.value.bytes().get(self.at..).unwrap_or_default()
    }

    /// Blanks at the beginning of the rest.
    fn gap(&self) -> usize {
        self.bytes().iter().take_while(|b| is_space(**b)).count()
    }

    fn take(&mut self, count: usize) -> At<'a> {
        let taken = part(self.value, self.at..self.at + count);
        self.at += count;
        taken
    }

    fn word(&mut self) -> At<'a> {
        self.at += self.gap();
        let length = self.bytes().iter().take_while(|b| !is_space(**b)).count();
        self.take(length)
    }

    /// A word that `is` one, if it is the next.
    fn word_if(&mut self, is: impl Fn(&[u8]) -> bool) -> Option<At<'a>> {
        let before = self.at;
        let word = self.word();
        if self.at > before && is(word.bytes()) {
            return Some(word);
        }
        self.at = before;
        None
    }

    /// `"REQUEST", "RECEIVE"`; the comma may be missing. Both may contain quotes: RECEIVE goes to the last one of the
    /// line, REQUEST as far as it can.
    fn quotes(&mut self) -> Option<(At<'a>, At<'a>)> {
        let (bytes, open) = (self.value.bytes(), self.at + self.gap());
        let last = bytes.iter().rposition(|b| *b == b'"')?;
        bytes.get(open..last)?.strip_prefix(b"\"")?;
        let receive_behind = |end: usize| {
            let rest = bytes.get(end..last)?.strip_prefix(b"\"")?;
            let comma = usize::from(rest.first() == Some(&b','));
            let gap = comma + rest.iter().skip(comma).take_while(|b| is_space(**b)).count();
            (gap > 0 && rest.get(gap) == Some(&b'"')).then_some(end + 1 + gap + 1)
        };
        let (end, receive) = (open + 1..last).rev().find_map(|end| Some((end, receive_behind(end)?)))?;
        self.at = last + 1;
        Some((part(self.value, open + 1..end), part(self.value, receive..last)))
    }
}

fn is_number(word: &[u8]) -> bool {
    !word.is_empty() && word.iter().all(u8::is_ascii_digit)
}

/// What may stand behind the way to forward. No mistake hides another.
fn options(report: &mut Report, rest: &mut Rest<'_, '_>, draft: &mut Draft<'_>) {
    if let Some(weight) = rest.word_if(is_number) {
        draft.like.weight = limited(report, &weight, HEAVIEST).unwrap_or_default();
    }
    if let Some((request, receive)) = rest.quotes() {
        draft.like.request = Some(slashed(&text(&request, true)));
        draft.like.receive = pattern(report, &receive).flatten();
    }
    thresholds(report, rest, draft);
    let left = rest.take(rest.bytes().len());
    if !left.bytes().iter().all(|b| is_space(*b)) {
        let said = format!("Invalid real server line, around \"{}\"", left.text());
        let left = left.trimmed(is_space);
        let message = format!("{:?} does not belong here", left.text());
        report.refuse(&left, Refusal::new(message, SHAPE).says(said));
    }
}

fn thresholds(report: &mut Report, rest: &mut Rest<'_, '_>, draft: &mut Draft<'_>) {
    let is = |word: &[u8]| {
        let number = word.strip_prefix(b"l:").or_else(|| word.strip_prefix(b"u:"));
        number.is_some_and(is_number)
    };
    let mut lower = None;
    while let Some(word) = rest.word_if(is) {
        let number = part(&word, 2..word.bytes().len());
        let limit = limited(report, &number, i32::MAX as u32);
        if word.bytes().starts_with(b"l") {
            lower = Some(word);
            draft.like.lower = limit.unwrap_or_default();
        } else {
            draft.like.upper = limit.unwrap_or(u32::MAX);
        }
    }
    if let Some(word) = lower.filter(|_| draft.like.lower > draft.like.upper) {
        let message = "the kernel takes no lower threshold above the upper one: it has no effect";
        report.warn(&word, Refusal::new(message, "l:LOWER with u:UPPER, LOWER not above UPPER"));
        draft.like.lower = 0;
    }
}

fn limited(report: &mut Report, at: &At<'_>, most: u32) -> Option<u32> {
    let number = at.text().parse::<u32>().ok().filter(|n| *n <= most);
    if number.is_none() {
        let message = format!("{} is too much", at.text());
        report.refuse(at, Refusal::new(message, format!("a number from 0 to {most}")));
    }
    number
}

/// A request, which begins with a slash.
pub(super) fn slashed(request: &str) -> String {
    if request.starts_with('/') { request.to_owned() } else { format!("/{request}") }
}

/// Compiles an expression; an empty one takes any answer. `None` when it is refused.
pub(super) fn pattern(report: &mut Report, at: &At<'_>) -> Option<Option<Pattern>> {
    if at.bytes().is_empty() {
        return Some(None);
    }
    match Pattern::compile(at.bytes()) {
        Ok(pattern) => Some(Some(pattern)),
        Err(bad) => {
            let allowed = "a Perl expression without code, recursion and verbs";
            report.refuse(&part(at, bad.place), Refusal::new(bad.why, allowed));
            None
        }
    }
}

/// The servers that are meant: one, or one for each address of a range.
pub(super) fn finish(
    report: &mut Report,
    machine: &dyn Machine,
    draft: &Draft<'_>,
    family: Family,
) -> Vec<Real> {
    let first = resolved(report, machine, &draft.host, family, "host");
    let last = match &draft.end {
        None => Some(None),
        Some(host) if family == Family::V6 => {
            let refusal = Refusal::new("a range of IPv6 addresses is not possible", "one address a line");
            report.refuse(&host.at, refusal.says("Address range for IPv6 is not supported yet"));
            None
        }
        Some(host) => resolved(report, machine, host, family, "end host").map(Some),
    };
    let (Some(port), Some(first), Some(last)) = (port(report, machine, draft), first, last) else {
        return Vec::new();
    };
    let addresses = range(report, draft, first, last).unwrap_or_default();
    addresses.into_iter().map(|ip| Real { at: SocketAddr::new(ip, port), ..draft.like.clone() }).collect()
}

fn resolved(
    report: &mut Report,
    machine: &dyn Machine,
    host: &Host<'_>,
    family: Family,
    what: &str,
) -> Option<IpAddr> {
    let ip = host.resolve(machine, family);
    if ip.is_none() {
        let text = host.at.text();
        let word = address::family_word(family);
        let message = format!("{text:?} is no {word} address, and no host of this name is known");
        let said = format!("invalid address ({text}) for real server (could not resolve {what})");
        report.refuse(&host.at, Refusal::new(message, SHAPE).says(said));
    }
    ip
}

fn port(report: &mut Report, machine: &dyn Machine, draft: &Draft<'_>) -> Option<u16> {
    let Some(at) = &draft.port else { return Some(0) };
    let text = at.text();
    let port = address::port_number(machine, &text, None);
    if port.is_none() {
        let message = format!("{text:?} is no port, and no service of this name is known");
        let said = format!("invalid port ({text}) for real server (could not resolve port)");
        let allowed = "a number from 0 to 65535, or a name of /etc/services";
        report.refuse(at, Refusal::new(message, allowed).says(said));
    }
    port
}

fn range(report: &mut Report, draft: &Draft<'_>, first: IpAddr, last: Option<IpAddr>) -> Option<Vec<IpAddr>> {
    let (Some(end), Some(IpAddr::V4(last)), IpAddr::V4(from)) = (&draft.end, last, first) else {
        return Some(vec![first]);
    };
    let (low, high) = (u32::from(from), u32::from(last));
    let count = high.checked_sub(low);
    if count.is_none() {
        let message = format!("the range ends before it begins: {last} is below {from}");
        let said = format!(
            "Invalid Range: {from}-{last}: First value must be greater than or equal to the second value"
        );
        report.refuse(&end.at, Refusal::new(message, "the lower address first").says(said));
    } else if count >= Some(LONGEST) {
        let message = format!("the range {from}->{last} is too long");
        report.refuse(&end.at, Refusal::new(message, format!("at most {LONGEST} addresses")));
        return None;
    }
    count.map(|_| (low..=high).map(|ip| IpAddr::V4(Ipv4Addr::from(ip))).collect())
}
