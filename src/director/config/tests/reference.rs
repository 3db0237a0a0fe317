//! Beside the reference: its verdicts on four hundred files, recorded by `tests/vectors/ldirectord/record`.

use super::*;
use crate::level::Level;

const CASES: &str = include_str!("../../../../tests/vectors/ldirectord/cases.txt");

/// Lines on which we differ on purpose: ours is refused, or accepted, where the reference does the other.
const REFUSED: [&str; 12] = [
    // silently firewall mark 10 (ldirectord.md 15, 10)
    "virtual=10.0.0.1",
    "virtual=0",
    "virtual=99999999999",
    "virtual=7x",
    // a typing error that becomes address 0.0.19.196
    "\treal=10.0.0.3::80 gate",
    "\tnetmask=300.1.1.1",
    "\tpersistent=99999999999",
    "checkinterval=99999999999",
    // expressions at which the reference dies later, or that we do not have (15, 5)
    "\treceive=\"a[b\"",
    "\treceive=\"(*FAIL)\"",
    "\treceive=\"a\\Qb\"",
    "\treceive=\"(?<=x)y\\1\"",
];
const ACCEPTED: [&str; 5] = [
    // no services are known where the reference looks this port up
    "fallback=127.0.0.1:http",
    "\tfallback=127.0.0.1:http",
    // the weight is looked for inside the quotes
    "\treal=10.0.0.3:80 gate \"GET 200\", \"OK\"",
    // an empty virtual service is a duplicate of itself, but only at the end of the file
    "virtual=10.0.0.1:80",
    "virtual=10.0.0.1:80:90",
];

/// Lines that both refuse, but not for the same reason: the reference sees a piece of an address, or shows what may be
/// a password.
const OTHERWISE: [&str; 5] = [
    "virtual6=2001:db8::5:80",
    "\treal6=2001:db8::2 gate",
    "\treal6=[zz]:80 gate",
    "\tpasswd=p",
    "\tsecret=s",
];

struct Case<'a> {
    text: &'a str,
    /// The line and the text of the error.
    error: Option<(usize, &'a str)>,
    warnings: Vec<&'a str>,
}

fn cases() -> Vec<Case<'static>> {
    let pieces = CASES.split("%% ").skip(1);
    let case = |piece: &'static str| {
        let (verdict, text) = piece.split_once('\n').unwrap();
        let mut told = verdict.split(" ! ");
        let error = told.next().filter(|told| *told != "ok").and_then(|told| {
            let (line, message) = told.split_once(' ')?;
            Some((line.parse().ok()?, message))
        });
        let warnings = told.filter_map(|told| told.split_once(' ').map(|(_, message)| message));
        Case { text: text.strip_suffix("%\n").unwrap_or(text), error, warnings: warnings.collect() }
    };
    pieces.map(case).collect()
}

/// What is wrong with our verdict.
fn differs(case: &Case<'_>) -> Option<String> {
    let ours = checked(case.text);
    let has = |list: &[&str]| case.text.lines().any(|line| list.contains(&line));
    let meant_to_differ = match case.error {
        None => has(&REFUSED),
        Some(_) => has(&ACCEPTED),
    };
    if meant_to_differ && ours.config.is_none() == case.error.is_none() {
        return None;
    }
    let says = |line: Option<usize>, wanted: &str| {
        ours.diagnostics.iter().any(|d| {
            let same = |(_, said): &(Level, String)| said.lines().next().map(str::trim_end) == Some(wanted);
            line.is_none_or(|line| line == d.line) && d.reference.iter().any(same)
        })
    };
    let wrong = match case.error {
        _ if ours.config.is_none() != case.error.is_some() => "verdict",
        // what it says of an empty virtual service at the end of the file, whatever is wrong with it
        Some((_, "duplicate virtual server")) => return None,
        Some((line, _)) if has(&OTHERWISE) && ours.diagnostics.iter().any(|d| d.line == line) => return None,
        Some((line, message)) if !says(Some(line), message) => "line or message of the error",
        _ if !case.warnings.iter().all(|warning| says(None, warning)) => "warning",
        _ => return None,
    };
    Some(format!(
        "{wrong}: {:?}\n  theirs {:?} {:?}\n  ours {:#?}",
        case.text, case.error, case.warnings, ours.diagnostics
    ))
}

#[test]
fn our_verdicts_are_those_of_the_reference() {
    let cases = cases();
    assert!(cases.len() > 400, "{}", cases.len());
    let wrong: Vec<String> = cases.iter().filter_map(differs).collect();
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_sample_of_the_package_is_read() {
    let text = include_str!("../../../../tests/vectors/ldirectord/scenarios/01/ldirectord.cf");
    assert_eq!(config(text).virtuals.len(), 1);
}
