//! The check of `haresources` before the start (configuration.md 3.6), and what 3.0.6 leaves
//! unchecked: scripts that are not there, addresses that cannot be.

use super::{Group, Word, address, parse_as};
use crate::config::ha_cf::{copy_it, sample};
use crate::config::host::{Host, Script};
use crate::config::model::Node;
use crate::config::report::Report;
use crate::config::source::{ReadError, Source};
use crate::config::text::{At, Line, is_blank, lines};
use crate::config::value::Refusal;
use crate::level::Level;
use crate::paths::HARESOURCES;
use std::collections::BTreeSet;

/// What is said when the file cannot be read.
pub(in crate::config) fn unreadable(error: &ReadError) -> Report {
    let mut report = Report::new(&error.label);
    let message = format!("cannot be read: {}", error.reason);
    let refusal = Refusal::new(message, "a file, empty if there are no resources")
        .says(format!("Cannot open resources file [{HARESOURCES}]"))
        .logs(Level::Info, sample(HARESOURCES))
        .logs(Level::Info, copy_it(HARESOURCES));
    report.refuse_near(None, refusal);
    report
}

/// Reads the groups and checks them. `nodes` is `None` when `ha.cf` could not be read.
pub(in crate::config) fn check(
    source: &Source,
    nodes: Option<&[Node]>,
    host: &dyn Host,
) -> (Vec<Group>, Report) {
    let parsed = parse_as(&source.label, &source.bytes);
    let mut report = Report::new(&source.label);
    report.diagnostics = parsed.found;
    let lines: Vec<Line<'_>> = lines(&source.bytes).collect();
    check_nodes(&mut report, &lines, &parsed.groups, &parsed.bare, nodes.unwrap_or_default());
    // Where a script runs first, which may bring an interface.
    let mut nodes_with_scripts = BTreeSet::new();
    for group in &parsed.groups {
        for word in &group.words {
            let script = host.script(word.script());
            check_word(&mut report, &lines, word, host, &script, nodes_with_scripts.contains(&group.node));
            if script == Script::Own || !address::is_agent(word.script()) {
                nodes_with_scripts.insert(&group.node);
            }
        }
    }
    (parsed.groups, report)
}

/// Refuses names that no node has, in file order. Without known nodes nothing is known.
fn check_nodes(report: &mut Report, lines: &[Line<'_>], groups: &[Group], bare: &[At<'_>], nodes: &[Node]) {
    let named = groups.iter().filter_map(|group| place(lines, group.line, group.column));
    let mut named: Vec<At<'_>> = named.chain(bare.iter().cloned()).collect();
    named.sort_by_key(|at| at.line.number);
    let unknown = |at: &At<'_>| {
        let name = at.text();
        !nodes.iter().any(|node| node.name.eq_ignore_ascii_case(&name))
    };
    for at in named.iter().filter(|at| !nodes.is_empty() && unknown(at)) {
        refuse_node(report, at, nodes);
    }
}

fn refuse_node(report: &mut Report, at: &At<'_>, nodes: &[Node]) {
    let written = at.text();
    let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
    let message = format!("there is no node {written:?}");
    let allowed = format!("a node of ha.cf: {}", names.join(" "));
    let mut refusal = Refusal::new(message, allowed);
    if report.reference.is_empty() {
        // 3.0.6 stops at the first one.
        refusal = refusal.says(format!("Bad nodename in {HARESOURCES} [{written}]"));
    }
    report.refuse(at, refusal);
}

/// `behind_script`: what is not there yet may be when the word has its turn.
fn check_word(
    report: &mut Report,
    lines: &[Line<'_>],
    word: &Word,
    host: &dyn Host,
    script: &Script,
    behind_script: bool,
) {
    let at = place(lines, word.line(), word.column());
    if let Some(refusal) = no_script(word.script(), script) {
        report.refuse_near(at.as_ref(), refusal);
    }
    // What the words for an administrator's own script mean, only that script knows.
    let own = *script == Script::Own;
    match address::check(word) {
        Err(_) if own && !address::is_mistyped(word) => {}
        Err(refusal) => report.refuse_near(at.as_ref(), refusal),
        Ok(Some(nic)) if host.interface(nic).is_none() => {
            missing_interface(report, at.as_ref(), nic, behind_script || own);
        }
        Ok(_) => {}
    }
}

fn no_script(name: &str, script: &Script) -> Option<Refusal> {
    let allowed = "an executable file in /etc/ha.d/resource.d or /etc/init.d";
    let message = match script {
        Script::Missing => format!("there is no resource script {name:?}"),
        Script::NotExecutable(path) => format!("the resource script {} is not executable", path.display()),
        Script::Standard | Script::Own => return None,
    };
    Some(Refusal::new(message, allowed))
}

fn missing_interface(report: &mut Report, at: Option<&At<'_>>, nic: &str, behind_script: bool) {
    let message = format!("there is no interface {nic:?}");
    if behind_script {
        let allowed = "an interface of this machine (ip link), or one that a script brings";
        report.warn_near(at, Refusal::new(message, allowed));
    } else {
        let allowed = "an interface of this machine (ip link); it must exist on both nodes";
        report.refuse_near(at, Refusal::new(message, allowed));
    }
}

/// The word that stands at a line and column, both from 1.
fn place<'a>(lines: &[Line<'a>], line: usize, column: usize) -> Option<At<'a>> {
    let line = *lines.get(line.checked_sub(1)?)?;
    let start = column.checked_sub(1)?;
    let rest = line.bytes.get(start..)?;
    let length = rest.iter().position(|&b| is_blank(b) || b == b'#');
    Some(line.at(start..start + length.unwrap_or(rest.len())))
}
