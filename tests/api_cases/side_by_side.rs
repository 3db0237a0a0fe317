//! The same play on our daemon and on 3.0.6: the same transcript, and the same lines in the log.

use super::player::play;
use super::*;

/// Lines of the log that speak of clients.
const OURS_TO_SAY: [&str; 12] = [
    "api_",
    "MSG: Dumping",
    "MSG[",
    "Client ",
    "Client mismatch",
    "PID mismatch",
    "Unknown API request",
    "send queue length",
    "No message from pid",
    "pids (",
    "queryuuid",
    "uuid",
];

/// What of the log a play caused, without what differs in every run.
fn said(node: &Node, mark: usize) -> Vec<String> {
    let log = node.log().get(mark..).unwrap_or_default().to_owned();
    let about = log.lines().filter(|line| OURS_TO_SAY.iter().any(|word| line.contains(word)));
    let text = about.filter_map(|line| line.split_once("]: ")).map(|(_, text)| text);
    text.map(without_numbers).map(|line| line.replace("=b1]", "=N]").replace("=b2]", "=N]")).collect()
}

/// Pids differ; so do upper case names of the nodes, and the place of a binary field in memory.
fn without_numbers(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let digits = word.trim_end_matches(|c: char| !c.is_ascii_digit());
        let long = digits.len() > 1 && !["4194399"].contains(&digits);
        out.push_str(if long { "N" } else { digits });
        out.push_str(word.get(digits.len()..).unwrap_or_default());
    }
    out.replace("=B1]", "=N]").replace("=B2]", "=N]")
}

fn same(lab: &Lab, name: &str, before: &[&str]) {
    let mut seen = Vec::new();
    for node in lab.nodes() {
        let mark = node.log().len();
        let transcript = play(node, name, before);
        assert!(!transcript.is_empty(), "{name}: nothing was told");
        seen.push((transcript, said(node, mark)));
    }
    let [ours, reference] = &seen[..] else { unreachable!("two nodes") };
    alike(&format!("{name}: the transcripts"), &ours.0, &reference.0);
    alike(&format!("{name}: the logs"), &ours.1, &reference.1);
}

/// Fails with the first places where they part.
fn alike(what: &str, ours: &[String], reference: &[String]) {
    let mut parted = Vec::new();
    let longest = ours.len().max(reference.len());
    for at in (0..longest).filter(|at| ours.get(*at) != reference.get(*at)).take(8) {
        parted.push(format!("{at}: ours {:?}\n{at}: ref  {:?}", ours.get(at), reference.get(at)));
    }
    assert!(parted.is_empty(), "{what}:\n{}", parted.join("\n"));
}

#[test]
fn whoever_signs_on_hears_the_same() {
    let Some(lab) = beside_the_reference("sign-on") else { return };
    same(&lab, "sign-on", &[]);
    same(&lab, "crowd", &[]);
    let nobody = ["setpriv", "--reuid=nobody", "--regid=haclient", "--clear-groups", "--"];
    same(&lab, "foreigner", &nobody);
    let manager = ["setpriv", "--reuid=hacluster", "--regid=haclient", "--clear-groups", "--"];
    same(&lab, "foreigner", &manager);
}

#[test]
fn whatever_is_asked_is_answered_alike() {
    let Some(lab) = beside_the_reference("requests") else { return };
    same(&lab, "requests", &[]);
    same(&lab, "signals", &["env", "--block-signal=USR1"]);
    same(&lab, "bytes", &[]);
}

#[test]
fn messages_come_back_alike() {
    let Some(lab) = beside_the_reference("messages") else { return };
    same(&lab, "messages", &[]);
    same(&lab, "filters", &[]);
}
