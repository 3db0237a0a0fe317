//! `ha.cf`: lines to directives, directives to settings (configuration.md section 1).
//!
//! This file knows lines and how a directive gets its arguments. What each directive means stands
//! in the files beside it: [`scalars`], [`media`], [`clients`]. What needs the whole file stands in
//! [`finish`] and in `config::cross`.

mod apiauth;
mod clients;
mod draft;
pub(super) mod finish;
mod media;
mod multicast;
mod scalars;

use super::directive::{self, Directive, Shape};
use super::host::Host;
use super::report::Report;
use super::source::{ReadError, Source};
use super::text::{At, Line, is_blank, is_delimiter, is_junk, lines};
use super::value::Refusal;
use crate::level::Level;
use crate::paths::HA_CF;

pub(super) use draft::Draft;

/// Longest line 3.0.6 reads in one piece, in bytes.
const LONGEST: usize = 5118;

/// What is said when the file cannot be read.
pub(super) fn unreadable(error: &ReadError) -> Report {
    let mut report = Report::new(&error.label);
    let refusal = Refusal::new(format!("cannot be read: {}", error.reason), "see ha.cf(5)")
        .says(format!("Cannot open config file [{HA_CF}]"))
        .logs(Level::Info, sample(HA_CF))
        .logs(Level::Info, copy_it(HA_CF));
    report.refuse_near(None, refusal);
    report
}

/// 3.0.6's hint on a missing file, first line.
pub(super) fn sample(file: &str) -> String {
    format!("An annotated sample {file} file is provided in the documentation.")
}

/// 3.0.6's hint on a missing file, second line.
pub(super) fn copy_it(file: &str) -> String {
    format!("Please copy it to {file}, read it, customize it, and try again.")
}

/// Reads the directives of `ha.cf`. The draft is complete only after [`finish`].
pub(super) fn parse<'a>(source: &'a Source, debug: u8, host: &'a dyn Host) -> Draft<'a> {
    let mut draft = Draft::new(&source.label, debug, host);
    for line in lines(&source.bytes) {
        read_line(&mut draft, line);
    }
    finish::defaults(&mut draft);
    draft
}

fn read_line<'a>(draft: &mut Draft<'a>, line: Line<'a>) {
    if let Some(at) = line.bytes.iter().position(|&b| is_junk(b)) {
        let refusal = Refusal::new("binary data in a text file", "printable text");
        return draft.report.refuse(&line.at(at..at + 1), refusal);
    }
    let body = body(draft, line);
    let words = body.words(is_blank);
    let Some(name) = words.first() else {
        return;
    };
    check_text(draft, &body);
    let rest = line.at(name.range.end..body.range.end);
    match directive::find(&name.text()) {
        Some(directive) => apply(draft, directive, name, &rest),
        None => unknown(draft, name),
    }
}

/// The line up to its comment or its first carriage return.
fn body<'a>(draft: &mut Draft<'a>, line: Line<'a>) -> At<'a> {
    let end = line
        .bytes
        .iter()
        .position(|&b| b == b'#')
        .unwrap_or(line.bytes.len());
    let before = line.at(0..end);
    let Some(cr) = before.bytes().iter().position(|&b| b == b'\r') else {
        return before;
    };
    let ignored = line.at(cr..end);
    if !ignored.words(is_blank).is_empty() {
        let message = "the line ends at this carriage return; the rest of it is ignored";
        draft
            .report
            .warn(&ignored, Refusal::new(message, "line feeds between lines"));
    }
    line.at(0..cr)
}

fn check_text(draft: &mut Draft<'_>, body: &At<'_>) {
    if body.range.end > LONGEST {
        let message = "the line is longer than 5118 bytes; 3.0.6 would cut it in two";
        draft
            .report
            .warn(body, Refusal::new(message, "shorter lines"));
    }
    if std::str::from_utf8(body.bytes()).is_err() {
        let refusal = Refusal::new("the line is not UTF-8; read as Latin-1", "UTF-8 text");
        draft.report.warn(body, refusal);
    }
}

fn unknown(draft: &mut Draft<'_>, name: &At<'_>) {
    let word = name.text();
    let message = match word.as_str() {
        "hbaping" => "hbaping (Fibre Channel ping) is not supported".to_owned(),
        _ if word.starts_with('\u{feff}') => "the file begins with a byte order mark".to_owned(),
        _ => format!("there is no directive {word:?}"),
    };
    let allowed = match directive::nearest(&word) {
        Some(known) => format!("{known} (lower case), or another directive of ha.cf(5)"),
        None => "the directives of ha.cf(5)".to_owned(),
    };
    let text = format!(
        "Illegal directive [{}] in {HA_CF}",
        super::diagnostic::printable(name.bytes())
    );
    draft
        .report
        .refuse(name, Refusal::new(message, allowed).says(text));
}

fn apply<'a>(draft: &mut Draft<'a>, directive: &'static Directive, name: &At<'a>, rest: &At<'a>) {
    match directive.shape {
        Shape::Line => line_directive(draft, directive.name, name, &rest.trimmed(is_blank)),
        Shape::List => list_directive(draft, directive, name, &rest.words(is_delimiter)),
    }
}

fn line_directive<'a>(draft: &mut Draft<'a>, name: &'static str, at: &At<'a>, rest: &At<'a>) {
    let words = rest.words(is_blank);
    // With nothing to point at, point at the directive.
    let whole = if words.is_empty() { at } else { rest };
    match name {
        "respawn" | "failfast" => clients::respawn(draft, name, whole, &words),
        "apiauth" => apiauth::apiauth(draft, whole, &words),
        "stonith" => clients::stonith(draft, whole, &words),
        "stonith_host" => clients::stonith_host(draft, whole, &words),
        "mcast" => multicast::mcast(draft, whole, &words),
        "mcast6" => multicast::mcast6(draft, whole, &words),
        "ucast" => media::ucast(draft, whole, &words),
        "ucast6" => media::ucast6(draft, whole, &words),
        _ => media::ping_group(draft, whole, &words),
    }
}

fn list_directive<'a>(
    draft: &mut Draft<'a>,
    directive: &'static Directive,
    at: &At<'a>,
    arguments: &[At<'a>],
) {
    let name = directive.name;
    if arguments.is_empty() {
        let message = format!("{name} has no argument and no effect");
        draft
            .report
            .warn(at, Refusal::new(message, directive.about));
    }
    if name == "udp" {
        let text = "WARNING: directive 'udp' replaced by 'bcast'";
        let refusal = Refusal::new("udp is the old name of bcast", "bcast INTERFACE");
        draft.report.warn(at, refusal.logs(Level::Warn, text));
    }
    if directive.recorded {
        draft.note_repetition(name, arguments);
    }
    for argument in arguments {
        match name {
            "node" => media::node(draft, argument),
            "bcast" | "udp" => media::bcast(draft, argument),
            "serial" => media::serial(draft, argument),
            "ping" => media::ping(draft, argument),
            "ping6" => media::ping6(draft, argument),
            _ => draft.scalar(directive, argument),
        }
    }
}
