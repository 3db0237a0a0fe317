//! Addresses, hosts and ports as `ldirectord.cf` writes them (ldirectord.md section 5).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::machine::Machine;
use super::value::part;
use crate::config::text::At;
use crate::director::table::{Family, Protocol};

/// The host part of an address, and how it was written.
#[derive(Clone, Debug)]
pub(super) struct Host<'a> {
    /// Where it stands, brackets included.
    pub(super) at: At<'a>,
    /// Whether it stands in brackets.
    pub(super) bracketed: bool,
}

fn is_host_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'-')
}

fn is_port_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')
}

/// The host at the beginning of a place: a name, a dotted quad, or anything in brackets. `->` ends a name.
pub(super) fn host<'a>(at: &At<'a>) -> Option<Host<'a>> {
    let bytes = at.bytes();
    if bytes.first() == Some(&b'[') {
        let end = bytes.iter().position(|b| *b == b']')?;
        return Some(Host { at: part(at, 0..end + 1), bracketed: true });
    }
    let ends = |i: &usize| {
        let arrow = bytes.get(*i) == Some(&b'-') && bytes.get(i + 1) == Some(&b'>');
        arrow || !bytes.get(*i).is_some_and(|b| is_host_byte(*b))
    };
    let end = (0..=bytes.len()).find(ends)?;
    (end > 0).then(|| Host { at: part(at, 0..end), bracketed: false })
}

/// The port at the beginning of a place: a number or a name.
pub(super) fn port<'a>(at: &At<'a>) -> Option<At<'a>> {
    let end = at.bytes().iter().take_while(|b| is_port_byte(**b)).count();
    (end > 0).then(|| part(at, 0..end))
}

/// The port that is meant.
pub(super) fn port_number(machine: &dyn Machine, text: &str, protocol: Option<Protocol>) -> Option<u16> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok();
    }
    machine.service(text, protocol)
}

impl Host<'_> {
    /// The address that is meant.
    pub(super) fn resolve(&self, machine: &dyn Machine, family: Family) -> Option<IpAddr> {
        let text = self.at.text();
        match family {
            _ if self.bracketed => {
                let inside = text.trim_matches(['[', ']']);
                let v6 = inside.parse::<Ipv6Addr>().ok()?;
                (family == Family::V6).then_some(IpAddr::V6(v6))
            }
            Family::V4 if looks_dotted(&text) => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            Family::V6 if looks_dotted(&text) => None,
            _ => machine.resolve(&text, family),
        }
    }
}

/// Whether a text can only have been meant as a dotted quad, right or wrong.
fn looks_dotted(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

/// In words, for who wrote it wrong.
pub(super) fn family_word(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}
