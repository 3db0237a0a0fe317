//! What came of a scenario, as text that can be read, committed and compared.
//!
//! ```text
//! == b1 crashes
//! b1 holds -
//! b2 holds 10.80.0.101 10.80.0.102
//! b2 runs  IPaddr2 10.80.0.101/24/eth0 status  (status from b1: dead)
//! ...
//! == environment of every call
//! HA_BIN=/usr/libexec/heartbeat
//! == environment (status from b1: dead) on b2
//! HA_CURHOST=b2
//! ```
//!
//! Addresses held, calls and environments must be the same. `error` lines need not come, but no
//! others may. The daemon may run several children at once, and then chance decides whose calls come
//! first; which child made a call shows in its environment, so the order is compared for each
//! environment by itself. Children that take groups unasked have all the same one: there the order is
//! compared for each resource by itself.

use crate::lab::calls::Call;

/// Values that differ from run to run, or between scenarios that share a transcript.
const VOLATILE: [&str; 5] = ["HA_hg=", "HA_ld=", "HA_seq=", "HA_ts=", "HA_msgfmt="];
/// The signature of the message that caused the call: the reference passes it on when its own messages
/// travel in the classic format, by accident. Ours keeps signatures to itself.
const SIGNATURE: &str = "HA_auth=";
/// What every search path of the reference begins with; before it there may be the program directory,
/// depending on how many shells were in between, and after it all of that again.
const PATH_PREFIX: [&str; 2] = ["/usr/sbin", "/usr/share/heartbeat"];

/// The kinds of line in a step.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heading {
    Holds,
    Error,
    Says,
    Shared,
}

/// The text under construction.
#[derive(Default)]
pub(crate) struct Transcript {
    steps: String,
    /// By their names.
    environments: Vec<(String, Vec<String>)>,
}

impl Transcript {
    pub(crate) fn begin(&mut self, step: &str) {
        self.line(&format!("== {step}"));
    }

    pub(crate) fn add(&mut self, heading: Heading, node: usize, text: &str) {
        let text = if text.is_empty() { "-" } else { text };
        match heading {
            Heading::Holds => self.line(&format!("b{node} holds {text}")),
            Heading::Error => self.line(&format!("b{node} error {text}")),
            Heading::Says => self.line(&format!("b{node} says  {text}")),
            Heading::Shared => self.line(&format!("both held {text} for a time")),
        }
    }

    pub(crate) fn add_call(&mut self, node: usize, call: &Call) {
        let name = self.name_of(node, call);
        self.line(&format!("b{node} runs  {} {}  ({name})", call.script, call.arguments));
    }

    /// An environment is named after the message in it; others of the same name get a number.
    fn name_of(&mut self, node: usize, call: &Call) -> String {
        let environment: Vec<_> = call.environment.iter().filter_map(|pair| steady(pair)).collect();
        let plain = occasion(call);
        let mut name = plain.clone();
        for number in 2.. {
            let full = format!("({name}) on b{node}");
            match self.environments.iter().find(|(known, _)| *known == full) {
                None => {
                    self.environments.push((full, environment));
                    break;
                }
                Some((_, known)) if *known == environment => break,
                Some(_) => name = format!("{plain}, {number}"),
            }
        }
        name
    }

    fn line(&mut self, line: &str) {
        self.steps.push_str(line);
        self.steps.push('\n');
    }

    /// The whole text.
    pub(crate) fn text(&self) -> String {
        let mut environments: Vec<_> = self.environments.iter().collect();
        environments.sort();
        let common: Vec<&String> =
            environments.first().into_iter().flat_map(|(_, e)| e).filter(|p| self.in_all(p)).collect();
        let mut text = format!("{}== {EVERY_CALL}\n", self.steps);
        for pair in &common {
            text = text + pair + "\n";
        }
        for (name, environment) in environments {
            text += &format!("== environment {name}\n");
            for pair in environment.iter().filter(|pair| !common.contains(pair)) {
                text = text + pair + "\n";
            }
        }
        text
    }

    fn in_all(&self, pair: &String) -> bool {
        self.environments.iter().all(|(_, e)| e.contains(pair))
    }
}

/// Several children at once.
const NOT_ASKING: &str = "acquiring, not asking";

/// What a call is about, as far as its environment tells.
fn occasion(call: &Call) -> String {
    let value =
        |name: &str| call.environment.iter().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    match value("HA_t") {
        None if value("HA_DONTASK").is_some() => NOT_ASKING.to_owned(),
        None if value("HA_NICEFAILBACK").is_some() => "acquiring".to_owned(),
        None => "daemon".to_owned(),
        Some(kind) => {
            let from = value("HA_src").unwrap_or("nobody");
            let detail = value("HA_ipaddr").or(value("HA_st")).map(|d| format!(": {d}")).unwrap_or_default();
            format!("{kind} from {from}{detail}")
        }
    }
}

/// A variable without what may differ; nothing if all of it may.
fn steady(pair: &str) -> Option<String> {
    if pair.starts_with(SIGNATURE) {
        return None;
    }
    if let Some(name) = VOLATILE.iter().find(|name| pair.starts_with(**name)) {
        return Some(format!("{name}*"));
    }
    match pair.split_once('=') {
        Some(("PATH", path)) => Some(format!("PATH={}", steady_path(path))),
        // how many shells were in between, again: the functions for shell scripts blank a `none`
        Some(("HA_LOGFACILITY", "none")) => Some("HA_LOGFACILITY=".to_owned()),
        _ => Some(pair.to_owned()),
    }
}

fn steady_path(path: &str) -> String {
    let own = path.strip_prefix("/usr/libexec/heartbeat:").unwrap_or(path);
    let prefix = PATH_PREFIX.join(":");
    if own.starts_with(&prefix) { format!("{prefix}:*") } else { path.to_owned() }
}

const EVERY_CALL: &str = "environment of every call";

/// The differences that matter, as lines with `-` (missing) and `+` (too much), below their step or
/// their environments.
pub(crate) fn differences(expected: &str, got: &str) -> String {
    let (expected, got) = (whole(sections(expected)), whole(sections(got)));
    // what is different, and where
    let mut found: Vec<(String, Vec<&str>)> = Vec::new();
    let mut note = |what: String, place| match found.iter_mut().find(|(known, _)| *known == what) {
        Some((_, places)) => places.push(place),
        None => found.push((what, vec![place])),
    };
    for (heading, lines) in &expected {
        match got.iter().find(|(h, _)| h == heading) {
            None => note("    not seen\n".to_owned(), heading.as_str()),
            Some((_, seen)) => note(diff(lines, seen), heading.as_str()),
        }
    }
    for (heading, _) in got.iter().filter(|(h, _)| !expected.iter().any(|(e, _)| e == h)) {
        note("    not expected\n".to_owned(), heading.as_str());
    }
    let told = |(what, places): (String, Vec<&str>)| format!("  {}\n{what}", places.join("\n  "));
    found.into_iter().filter(|(what, _)| !what.is_empty()).map(told).collect()
}

/// Each environment as it was: with what all of them have in common.
fn whole(sections: Vec<Section<'_>>) -> Vec<Section<'_>> {
    let common =
        sections.iter().find(|(h, _)| h == EVERY_CALL).map(|(_, lines)| lines.clone()).unwrap_or_default();
    let mut all = sections;
    all.retain(|(heading, _)| heading != EVERY_CALL);
    for (_, lines) in all.iter_mut().filter(|(heading, _)| heading.starts_with("environment ")) {
        lines.extend(&common);
        lines.sort_unstable();
    }
    all
}

type Section<'a> = (String, Vec<&'a str>);

fn sections(text: &str) -> Vec<Section<'_>> {
    let mut all: Vec<Section<'_>> = Vec::new();
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        match (line.strip_prefix("== "), all.last_mut()) {
            (Some(heading), _) => {
                // the same words may head several steps
                let again = all.iter().filter(|(h, _)| h.split(" / ").next() == Some(heading)).count();
                let heading =
                    if again == 0 { heading.to_owned() } else { format!("{heading} / {}", again + 1) };
                all.push((heading, Vec::new()));
            }
            (None, Some((_, lines))) => lines.push(line),
            (None, None) => {}
        }
    }
    all
}

/// `b1 runs  SCRIPT ARGUMENTS OPERATION  (ENVIRONMENT)`: who made the call, to sort by.
fn caller(line: &str) -> Option<(String, String, String)> {
    let (node, rest) = line.split_once(" runs  ")?;
    let (call, environment) = rest.split_once("  (")?;
    let resource = call.rsplit_once(' ').map_or(call, |(resource, _)| resource);
    let resource = if environment.starts_with(NOT_ASKING) { resource } else { "" };
    Some((node.to_owned(), environment.to_owned(), resource.to_owned()))
}

fn is_error(line: &str) -> bool {
    line.split(' ').nth(1) == Some("error")
}

/// Longest common subsequence, the plain way: a section has tens of lines.
fn diff(expected: &[&str], got: &[&str]) -> String {
    let strict = |lines: &[&str]| {
        let mut lines: Vec<_> = lines.iter().filter(|l| !is_error(l)).map(|l| (*l).to_owned()).collect();
        // stable: the order of a caller's calls stays
        lines.sort_by_key(|line| caller(line));
        lines
    };
    let (a, b) = (strict(expected), strict(got));
    let mut length = vec![vec![0usize; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            length[i][j] =
                if a[i] == b[j] { length[i + 1][j + 1] + 1 } else { length[i + 1][j].max(length[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, String::new());
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == b.len() || (i < a.len() && length[i + 1][j] >= length[i][j + 1]) {
            out += &format!("    - {}\n", a[i]);
            i += 1;
        } else {
            out += &format!("    + {}\n", b[j]);
            j += 1;
        }
    }
    for line in got.iter().filter(|l| is_error(l) && !expected.contains(l)) {
        out += &format!("    + {line}\n");
    }
    out
}
