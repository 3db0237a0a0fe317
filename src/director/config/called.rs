//! `virtual` and `virtual6`: what a virtual service is known by (ldirectord.md 5.1).

use std::net::SocketAddr;

use super::address::{self, Host};
use super::lines::{Statement, is_space};
use super::machine::Machine;
use super::value::{ignored, part};
use crate::config::report::Report;
use crate::config::text::At;
use crate::config::value::Refusal;
use crate::director::table::{Family, Protocol, ServiceId};

/// What a line asks for, before names are looked up.
#[derive(Clone, Debug)]
pub(super) enum Called<'a> {
    /// A firewall mark.
    Mark(u32),
    /// An address and a port.
    Address {
        /// The address.
        host: Host<'a>,
        /// The port.
        port: At<'a>,
    },
}

/// What the reference says when names are not known.
const SAID: &str = "invalid address for virtual service";

/// What could stand there.
pub(super) fn shape(family: Family) -> &'static str {
    match family {
        Family::V4 => "ADDRESS:PORT, HOST:PORT or a firewall mark (a number from 1 on)",
        Family::V6 => "[ADDRESS]:PORT, HOST:PORT or a firewall mark (a number from 1 on)",
    }
}

/// Reads a line.
pub(super) fn read<'a>(report: &mut Report, s: &Statement<'a>, family: Family) -> Option<Called<'a>> {
    let value = s.value();
    let word = part(&value, 0..value.bytes().iter().take_while(|b| !is_space(**b)).count());
    if !word.bytes().is_empty() && word.bytes().iter().all(u8::is_ascii_digit) {
        ignored(report, &value, word.bytes().len());
        return mark(report, &word);
    }
    let address = address::host(&word).and_then(|host| {
        let after = part(&word, host.at.bytes().len()..word.bytes().len());
        after.bytes().strip_prefix(b":")?;
        let port = address::port(&part(&after, 1..after.bytes().len()))?;
        let used = host.at.bytes().len() + 1 + port.bytes().len();
        Some((Called::Address { host, port }, used))
    });
    let Some((address, used)) = address else {
        let message = format!("{:?} names no virtual service", value.text());
        report
            .refuse(&value, Refusal::new(message, shape(family)).says("invalid address for virtual server"));
        return None;
    };
    ignored(report, &value, used);
    Some(address)
}

fn mark(report: &mut Report, word: &At<'_>) -> Option<Called<'static>> {
    let mark = word.text().parse::<u32>().ok().filter(|mark| *mark > 0);
    if mark.is_none() {
        let message = format!("{} is no firewall mark", word.text());
        let refusal = Refusal::new(message, format!("a number from 1 to {}", u32::MAX));
        report.refuse(word, refusal.says(SAID));
    }
    mark.map(Called::Mark)
}

impl Called<'_> {
    /// The protocol when none is named. Marks have none.
    pub(super) fn usual_protocol(&self) -> Option<Protocol> {
        match self {
            Called::Mark(_) => None,
            Called::Address { port, .. } if matches!(port.bytes(), b"53" | b"domain") => Some(Protocol::Udp),
            Called::Address { .. } => Some(Protocol::Tcp),
        }
    }

    /// What is meant, once names are looked up.
    pub(super) fn finish(
        &self,
        report: &mut Report,
        machine: &dyn Machine,
        family: Family,
        protocol: Option<Protocol>,
    ) -> Option<ServiceId> {
        let (host, port) = match self {
            Called::Mark(mark) => return Some(ServiceId::Mark { mark: *mark, family }),
            Called::Address { host, port } => (host, port),
        };
        let (ip, number) =
            (host.resolve(machine, family), address::port_number(machine, &port.text(), protocol));
        let mut refuse = |at: &At<'_>, message: String, allowed: &str, said: &str| {
            report.refuse(at, Refusal::new(message, allowed).says(said));
        };
        if ip.is_none() && host.bracketed && family == Family::V4 {
            let said = "cannot specify an IPv6 address here. please use \"virtual6\" instead.";
            refuse(&host.at, format!("{} is an IPv6 address", host.at.text()), "virtual6", said);
        } else if ip.is_none() {
            let word = address::family_word(family);
            let message =
                format!("{:?} is no {word} address, and no host of this name is known", host.at.text());
            let said = if host.bracketed { "invalid address for virtual server" } else { SAID };
            refuse(&host.at, message, shape(family), said);
        }
        if number.is_none() {
            let message = format!("{:?} is no port, and no service of this name is known", port.text());
            let allowed = "a number from 0 to 65535, or a name of /etc/services";
            refuse(port, message, allowed, SAID);
        }
        Some(ServiceId::address(protocol?, SocketAddr::new(ip?, number?)))
    }
}
