//! `ldirectord.cf`: text in, typed configuration and every diagnostic out (ldirectord.md sections 4 to 7).
//! Pure: what must be known of the machine is asked of the trait [`Machine`].
//!
//! | file | what it knows |
//! |---|---|
//! | `lines` | which line is a directive, and of what |
//! | `value` | numbers, yes and no, quotes |
//! | `address`, `called`, `real`, `fallback` | addresses and the directives that name servers |
//! | `global` | directives for the daemon as such |
//! | `section`, `checks` | directives of a virtual service |
//! | `common` | directives that may stand in both places |
//! | `finish` | names, defaults and inheritance |
//! | `pattern` | Perl's expressions |
//! | `service` | protocols that can be checked |
//! | `model` | the result |
//! | `machine`, `fake` | the questions to the machine, and answers for tests |
//!
//! A diagnostic's `reference` holds the reference's own message. It stops at the first error; we tell all.

mod address;
mod called;
mod checks;
mod common;
mod fake;
mod fallback;
mod finish;
mod global;
mod lines;
mod machine;
mod model;
mod pattern;
mod real;
mod section;
mod service;
mod value;

use std::collections::BTreeMap;

use crate::config::report::Report;
use crate::config::text::{At, decode};
use crate::config::value::Refusal;
use crate::config::{Diagnostic, Source};
use lines::{Oddity, Row, Statement, rows};

pub use fake::FakeMachine;
pub(crate) use global::{called_by_shell, last_part};
pub use machine::Machine;
pub use model::*;
pub use pattern::{BadPattern, Pattern};
pub use service::Service;

/// What came of a file.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The configuration; `None` when there is an error in it.
    pub config: Option<Config>,
    /// What there is to say, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a configuration.
pub fn read(source: &Source, machine: &dyn Machine) -> Checked {
    let mut report = Report::new(&source.label);
    let (global, sections) = drafts(&mut report, machine, &source.bytes);
    let mut virtuals = Vec::new();
    let mut seen = BTreeMap::new();
    for draft in sections {
        let opened = draft.opened.whole();
        let Some(made) = finish::finish(&mut report, machine, draft, &global) else { continue };
        if global.warm_standby == Some(WarmStandby::Loaded) {
            served_here(&mut report, &opened, &made);
        }
        match seen.insert(made.id, made.line) {
            Some(line) => {
                let message = format!("this virtual service stands in line {line} already");
                let refusal = Refusal::new(message, "each virtual service once");
                report.refuse(&opened, refusal.says("duplicate virtual server"));
            }
            None => virtuals.push(made),
        }
    }
    for fallback in [&global.common.fallback, &global.common.fallback6].into_iter().flatten() {
        fallback::finish(&mut report, machine, fallback, 0);
    }
    let config = (!report.has_errors()).then(|| Config { global: global.finish(), virtuals });
    let mut diagnostics: Vec<Diagnostic> = report.diagnostics.into_iter().map(masked).collect();
    diagnostics.sort_by_key(|d| (d.line, d.column));
    Checked { config, diagnostics }
}

/// A kernel that has the services would spread what the other director's has already spread to it.
fn served_here(report: &mut Report, opened: &At<'_>, virt: &Virtual) {
    if virt.reals.iter().any(|real| real.at.ip().is_loopback()) {
        let message = "with warmstandby=loaded a director must not be a real server of the other one: it would spread \
                       again what was spread to it";
        report.warn(
            opened,
            Refusal::new(
                message,
                "warmstandby=yes where directors are real servers, or net.ipv4.vs.backup_only=1",
            ),
        );
    }
}

/// All that the file says, not yet put together.
fn drafts<'a>(
    report: &mut Report,
    machine: &dyn Machine,
    bytes: &'a [u8],
) -> (global::Draft<'a>, Vec<section::Draft<'a>>) {
    let mut global = global::Draft::default();
    let mut sections: Vec<section::Draft<'a>> = Vec::new();
    for row in rows(bytes, section::opens) {
        match row {
            Row::Gap => {}
            Row::Odd(at, why) => odd(report, &at, why),
            Row::Global(s) if section::opens(s.name.bytes()) && s.value.is_some() => {
                sections.push(section::Draft::open(report, s));
            }
            Row::Global(s) => {
                if !global.read(report, machine, &s) {
                    unknown(report, &s);
                }
            }
            Row::Inside(s) => {
                let known = sections.last_mut().is_none_or(|draft| draft.read(report, machine, &s));
                if !known {
                    unknown(report, &s);
                }
            }
        }
    }
    (global, sections)
}

const MUST_BE_QUOTED: [&str; 9] =
    ["request", "receive", "login", "passwd", "database", "secret", "load", "logfile", "callback"];
const GLOBAL: &str = "autoreload callback checkcount checkinterval checktimeout cleanstop emailalert \
    emailalertfreq emailalertfrom emailalertstatus execute failurecount fallback fallback6 fallbackcommand \
    fork logfile maintenancedir negotiatetimeout quiescent readdquiescent smtp supervised virtual virtual6 warmstandby";
const INSIDE: &str = "checkcommand checkcount checkinterval checkport checktimeout checktype cleanstop comment \
    database emailalert emailalertfreq emailalertstatus failurecount fallback fallback6 fallbackcommand \
    httpmethod login monitorfile negotiatetimeout netmask ops passwd persistent protocol quiescent real real6 \
    receive request schedflags scheduler secret service servicename smtp virtualhost";

fn unknown(report: &mut Report, s: &Statement<'_>) {
    let name = s.name.text();
    let raw = decode(s.name.line.bytes);
    let said =
        if s.inside { format!("Unknown command \"{raw}\n\"") } else { format!("Unknown command {raw}\n ") };
    let known = |list: &str| list.split_whitespace().any(|known| known == name);
    let (here, there) = if s.inside { (INSIDE, GLOBAL) } else { (GLOBAL, INSIDE) };
    let (message, allowed) = if s.value.is_none() {
        (format!("there is no = behind {name:?}"), "DIRECTIVE=VALUE".to_owned())
    } else if MUST_BE_QUOTED.contains(&name.as_str()) && (known(here) || name == "load") {
        let why = "the value must stand in double quotes; in a virtual service # ends it, even in quotes";
        (format!("{name}: {why}"), format!("{name}=\"TEXT\""))
    } else if known(there) {
        let place = if s.inside { "not in a virtual service" } else { "only in a virtual service" };
        let indent = if s.inside { "lines that are not indented" } else { "indented lines below virtual=" };
        (format!("{name:?} may stand {place}"), indent.to_owned())
    } else {
        (format!("{name:?} is no directive"), here.to_owned())
    };
    report.refuse(&s.whole(), Refusal::new(message, allowed).says(said));
}

fn odd(report: &mut Report, at: &At<'_>, why: Oddity) {
    let (message, allowed) = match why {
        Oddity::Homeless => (
            "an indented line belongs to the virtual service above; here is none: a blank line ends it",
            "virtual=... directly above, with nothing but comments between",
        ),
        Oddity::Shallow => {
            ("indented too little to belong to the virtual service above", "a tab or four blanks")
        }
        Oddity::Blanks => ("a line of five or more blanks in a virtual service", "no line, or an empty one"),
        Oddity::Wordless => ("this is no directive", "DIRECTIVE=VALUE"),
    };
    let raw = decode(at.line.bytes);
    let inside = why == Oddity::Blanks || why == Oddity::Wordless && at.range.start > 0;
    let said =
        if inside { format!("Unknown command \"{raw}\n\"") } else { format!("Unknown command {raw}\n ") };
    report.refuse(at, Refusal::new(message, allowed).says(said));
}

/// A diagnostic about a line with a password shows all but the password.
fn masked(mut diagnostic: Diagnostic) -> Diagnostic {
    if let Some(cited) = diagnostic.cited.as_mut().filter(|cited| checks::is_secret(cited.text.as_bytes())) {
        let shown = cited.text.find(['=', '"']).map_or(cited.text.len(), |at| at + 1);
        cited.text.truncate(shown);
        cited.text.push_str(" ****");
        let length = cited.text.len();
        cited.mark = cited.mark.start.min(length)..cited.mark.end.min(length);
        diagnostic.reference.clear();
    }
    diagnostic
}

#[cfg(test)]
mod tests;
