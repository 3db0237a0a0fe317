//! `fallback` and `fallback6`: `ADDRESS[:PORT] [METHOD]` (ldirectord.md 5.3).

use std::net::SocketAddr;

use super::address::{self, Host, family_word};
use super::lines::{Statement, is_space};
use super::machine::Machine;
use super::model::Fallback;
use super::real::method;
use super::value::part;
use crate::config::report::Report;
use crate::config::text::At;
use crate::config::value::Refusal;
use crate::director::table::{Family, Forward};

/// What a line asks for, before names are looked up.
#[derive(Clone, Debug)]
pub(super) struct Draft<'a> {
    host: Host<'a>,
    port: Option<At<'a>>,
    forward: Forward,
    family: Family,
}

const SHAPE: &str = "ADDRESS[:PORT] [gate|masq|ipip], such as 127.0.0.1:80 or [::1]:80 gate";

/// Reads a line. An empty one means none, as it does to the reference.
pub(super) fn read<'a>(report: &mut Report, statement: &Statement<'a>, family: Family) -> Option<Draft<'a>> {
    let value = statement.value();
    if value.trimmed(is_space).bytes().is_empty() {
        report.warn(&statement.whole(), Refusal::new("no fallback server is named: there is none", SHAPE));
        return None;
    }
    let split = address::host(&value).and_then(|host| {
        let after = part(&value, host.at.bytes().len()..value.bytes().len());
        let (port, after) = split_port(&after)?;
        Some((host, port, after))
    });
    let Some((host, port, after)) = split else {
        let word = family_word(family);
        let server = value.words(is_space).first().map(At::text).unwrap_or_default();
        let said = format!("invalid {word} address or could not resolve for fallback server: {server}");
        let message = format!("{server:?} is no fallback server");
        report.refuse(&value, Refusal::new(message, SHAPE).says(said));
        return None;
    };
    let way = after.trimmed(is_space);
    let forward = if way.bytes().is_empty() { Some(Forward::Route) } else { method(way.bytes()) };
    if forward.is_none() {
        let message = format!("{:?} is no way to forward", way.text());
        let refusal = Refusal::new(message, "gate, masq or ipip, and nothing behind");
        report.refuse(&way, refusal.says("forward method must be gate, masq or ipip"));
    }
    // The names are looked up all the same: their mistakes are told as well.
    Some(Draft { host, port, forward: forward.unwrap_or(Forward::Route), family })
}

/// `:PORT`, if that is what comes next, and the rest. `None` for a colon without a port.
fn split_port<'a>(at: &At<'a>) -> Option<(Option<At<'a>>, At<'a>)> {
    let whole = at.bytes().len();
    if at.bytes().first() != Some(&b':') {
        return Some((None, at.clone()));
    }
    let port = address::port(&part(at, 1..whole))?;
    let used = 1 + port.bytes().len();
    Some((Some(port), part(at, used..whole)))
}

/// The server that is meant, at this port if the line names none.
pub(super) fn finish(
    report: &mut Report,
    machine: &dyn Machine,
    draft: &Draft<'_>,
    port: u16,
) -> Option<Fallback> {
    let Draft { host, forward, family, .. } = draft;
    let text = host.at.text();
    let ip = host.resolve(machine, *family);
    if ip.is_none() {
        let word = family_word(*family);
        let said = format!("invalid {word} address or could not resolve for fallback server: {text}");
        let message = format!("{text:?} is no {word} address, and no host of this name is known");
        report.refuse(&host.at, Refusal::new(message, SHAPE).says(said));
    }
    let port = match &draft.port {
        None => Some(port),
        Some(at) => {
            let number = address::port_number(machine, &at.text(), None);
            if number.is_none() {
                let message = format!("{:?} is no port, and no service of this name is known", at.text());
                let refusal = Refusal::new(message, "a number from 0 to 65535, or a name of /etc/services");
                report.refuse(at, refusal.says("invalid port for fallback server"));
            }
            number
        }
    };
    Some(Fallback { at: SocketAddr::new(ip?, port?), forward: *forward })
}
