//! The same play on our daemon and on 3.0.6: the same transcript, and the same lines in the log.

use super::player::play;
use super::*;

/// A line that was written has reached the log by then.
const LOGGED: Duration = Duration::from_secs(20);
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
    let marks: Vec<usize> = lab.nodes().iter().map(|node| node.log().len()).collect();
    let told: Vec<_> = lab.nodes().iter().map(|node| play(node, name, before)).collect();
    assert!(told.iter().all(|transcript| !transcript.is_empty()), "{name}: nothing was told");
    alike(&told[0], &told[1]).map_err(|parted| format!("{name}: the transcripts:\n{parted}")).unwrap();
    // lines may reach the log a moment later
    wait_until(&format!("{name}: the logs"), LOGGED, || {
        alike(&said(lab.node(1), marks[0]), &said(lab.node(2), marks[1]))
    })
    .unwrap();
}

/// The first places where they part, as an error.
fn alike(ours: &[String], reference: &[String]) -> Result<(), String> {
    let longest = ours.len().max(reference.len());
    let parted = (0..longest).filter(|at| ours.get(*at) != reference.get(*at)).take(8);
    let shown = parted.map(|at| format!("{at}: ours {:?}\n{at}: ref  {:?}", ours.get(at), reference.get(at)));
    let shown: Vec<_> = shown.collect();
    if shown.is_empty() { Ok(()) } else { Err(shown.join("\n")) }
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
