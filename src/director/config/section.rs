//! A virtual service: from `virtual=` to the line that ends it.

use std::net::Ipv4Addr;

use super::called::{self, Called};
use super::checks;
use super::common::{Common, set};
use super::lines::{Statement, is_space};
use super::machine::Machine;
use super::real;
use super::value::{maybe_quoted, number, run, word, yes_no};
use crate::config::report::Report;
use crate::config::text::At;
use crate::config::value::Refusal;
use crate::director::table::{Family, Netmask, Protocol};

/// What was said so far.
#[derive(Clone, Debug)]
pub(super) struct Draft<'a> {
    /// The line that opened it.
    pub(super) opened: Statement<'a>,
    pub(super) family: Family,
    pub(super) called: Option<Called<'a>>,
    pub(super) common: Common<'a>,
    pub(super) check: checks::Draft<'a>,
    pub(super) reals: Vec<real::Draft<'a>>,
    /// Whether a server is named at all, be it wrongly.
    pub(super) names_servers: bool,
    pub(super) protocol: Option<Protocol>,
    pub(super) scheduler: Option<String>,
    pub(super) sched_flags: Option<At<'a>>,
    pub(super) persistent: Option<(u32, At<'a>)>,
    pub(super) netmask: Option<(Netmask, At<'a>)>,
    pub(super) one_packet: Option<(bool, At<'a>)>,
    pub(super) monitor_file: Option<String>,
    pub(super) service_name: Option<String>,
    pub(super) comment: Option<String>,
}

/// Whether a directive opens a virtual service.
pub(super) fn opens(name: &[u8]) -> bool {
    matches!(name, b"virtual" | b"virtual6")
}

impl<'a> Draft<'a> {
    /// Opens one.
    pub(super) fn open(report: &mut Report, opened: Statement<'a>) -> Draft<'a> {
        let family = if opened.name.bytes() == b"virtual" { Family::V4 } else { Family::V6 };
        let called = called::read(report, &opened, family);
        Draft {
            opened,
            family,
            called,
            common: Common::default(),
            check: checks::Draft::default(),
            reals: Vec::new(),
            names_servers: false,
            protocol: None,
            scheduler: None,
            sched_flags: None,
            persistent: None,
            netmask: None,
            one_packet: None,
            monitor_file: None,
            service_name: None,
            comment: None,
        }
    }

    /// Reads a directive if it is one that may stand here.
    pub(super) fn read(&mut self, report: &mut Report, machine: &dyn Machine, s: &Statement<'a>) -> bool {
        if s.value.is_none() {
            return false;
        }
        match s.name.bytes() {
            b"real" | b"real6" => self.real(report, s),
            b"protocol" => self.protocol(report, s),
            b"scheduler" => set(&mut self.scheduler, scheduler(report, s)),
            b"schedflags" => set(&mut self.sched_flags, sched_flags(report, s)),
            b"persistent" => {
                let timeout = number(report, s, "persistent", 0, "invalid persistent timeout");
                set(&mut self.persistent, timeout.map(|timeout| (timeout, s.whole())));
            }
            b"netmask" => set(&mut self.netmask, netmask(report, s, self.family).map(|m| (m, s.whole()))),
            b"ops" => set(&mut self.one_packet, yes_no(report, s, "ops").map(|ops| (ops, s.whole()))),
            b"monitorfile" => set(&mut self.monitor_file, monitor_file(report, machine, s)),
            b"servicename" => self.service_name = plain(s),
            b"comment" => self.comment = plain(s),
            _ => {
                let family = Some(self.family);
                return self.check.read(report, s) || self.common.read(report, s, family);
            }
        }
        true
    }

    fn real(&mut self, report: &mut Report, s: &Statement<'a>) {
        self.names_servers = true;
        let wanted = if self.family == Family::V4 { "real" } else { "real6" };
        if s.name.bytes() == wanted.as_bytes() {
            self.reals.extend(real::read(report, s));
            return;
        }
        let name = s.name.text();
        let said = format!("cannot specify \"{name}\" here.  please use \"{wanted}\" instead");
        let message = format!("{name} is of another family than the virtual service");
        report.refuse(&s.name, Refusal::new(message, wanted).says(said));
    }

    fn protocol(&mut self, report: &mut Report, s: &Statement<'a>) {
        let word = word(report, s);
        let mark = matches!(self.called, Some(Called::Mark(_)));
        match word.bytes() {
            b"fwm" if mark => {}
            b"tcp" if !mark => self.protocol = Some(Protocol::Tcp),
            b"udp" if !mark => self.protocol = Some(Protocol::Udp),
            _ => {
                let (allowed, said) = if word.bytes().is_empty() {
                    (if mark { "fwm" } else { "tcp or udp" }, "invalid protocol")
                } else if mark {
                    ("fwm", "protocol must be fwm if the virtual service is a fwmark (a number)")
                } else {
                    (
                        "tcp or udp",
                        "protocol must be tcp or udp if the virtual service is an address and port",
                    )
                };
                let message = format!("{:?} is not the protocol of such a service", word.text());
                report.refuse(&s.value(), Refusal::new(message, allowed).says(said));
            }
        }
    }
}

fn plain(s: &Statement<'_>) -> Option<String> {
    let text = s.value().trimmed(is_space).text();
    Some(text).filter(|text| !text.is_empty())
}

/// The first run of small letters is the name.
fn scheduler(report: &mut Report, s: &Statement<'_>) -> Option<String> {
    let at = run(report, s, |b| b.is_ascii_lowercase());
    let name = at.text();
    if name.is_empty() {
        let message = format!("{:?} is no scheduler", s.value().text());
        let refusal = Refusal::new(message, KNOWN.join(" "));
        report.refuse(&s.value(), refusal.says("invalid scheduler, should be only lowercase letters (a-z)"));
        return None;
    }
    if !KNOWN.contains(&name.as_str()) {
        let message = format!("{name:?} is no scheduler that we know of: perhaps the kernel has it");
        report.warn(&at, Refusal::new(message, KNOWN.join(" ")));
    }
    Some(name)
}

const KNOWN: [&str; 14] =
    ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos"];

fn sched_flags<'a>(report: &mut Report, s: &Statement<'a>) -> Option<At<'a>> {
    let word = run(report, s, |b| !is_space(b));
    if word.bytes().is_empty() {
        let refusal = Refusal::new("schedflags: no flag", "flags of the scheduler, separated by commas");
        report.refuse(&s.whole(), refusal.says("invalid sched-flags"));
        return None;
    }
    Some(word)
}

fn netmask(report: &mut Report, s: &Statement<'_>, family: Family) -> Option<Netmask> {
    let value = s.value().trimmed(is_space);
    let (mask, allowed, said) = match family {
        Family::V4 => (
            dotted(&value.text()).map(Netmask::V4),
            "four numbers from 0 to 255: 255.255.255.0",
            "invalid netmask: dotted quad notation is required",
        ),
        Family::V6 => (
            value.text().parse::<u8>().ok().filter(|bits| (1..=128).contains(bits)).map(Netmask::V6),
            "a prefix length from 1 to 128",
            "invalid netmask: a prefix length between 1 and 128 is required",
        ),
    };
    if mask.is_none() {
        let message = format!("{:?} is no netmask", value.text());
        report.refuse(&s.value(), Refusal::new(message, allowed).says(said));
    }
    mask
}

/// A part may be `00` or `000`. Others that begin with a zero are octal to the reference's tool, and refused.
fn dotted(text: &str) -> Option<Ipv4Addr> {
    let parts = text.split('.').map(|part| if matches!(part, "00" | "000") { "0" } else { part });
    parts.collect::<Vec<_>>().join(".").parse().ok()
}

fn monitor_file(report: &mut Report, machine: &dyn Machine, s: &Statement<'_>) -> Option<String> {
    let path = maybe_quoted(report, s).text();
    let reason = match path.as_str() {
        "" => Err("No such file or directory".to_owned()),
        path => machine.appendable(path),
    };
    match reason {
        Ok(()) => Some(path),
        Err(reason) => {
            let message = format!("cannot write to {path:?}: {reason}");
            let said = format!("unable to open monitorfile {path}: {reason}");
            report.refuse(&s.whole(), Refusal::new(message, "a file that can be written").says(said));
            None
        }
    }
}
