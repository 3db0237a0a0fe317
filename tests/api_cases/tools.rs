//! Debian's own clients, unmodified, on our daemon and on 3.0.6.

use super::*;

/// Where a node has Debian's program, whatever is installed over it.
fn debian(node: &Node, program: &str) -> String {
    let name = program.rsplit('/').next().unwrap();
    let inside = format!("/var/debian-{name}");
    node.copy(program, &inside).unwrap();
    inside
}

/// Exit code, stdout and stderr, without time stamps, pids and names of nodes.
fn said(node: &Node, argv: &[&str]) -> String {
    let output = node.run(argv).unwrap();
    let text = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let lines = text.lines().map(|line| line.split_once("]: ").map_or(line, |(_, rest)| rest).to_owned());
        lines.collect::<Vec<_>>().join("\n")
    };
    let other = if node.index() == 1 { "b2" } else { "b1" };
    let whole = format!("{:?}\n{}\n{}", output.status.code(), text(&output.stdout), text(&output.stderr));
    let neutral = |piece: &str| {
        let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
        let rest = piece.get(word.len()..).unwrap_or_default();
        match word {
            _ if word == node.name() => format!("OWN{rest}"),
            _ if word == other => format!("OTHER{rest}"),
            _ => piece.to_owned(),
        }
    };
    whole.split_inclusive(|c: char| !c.is_alphanumeric()).map(neutral).collect()
}

const ASKED: &[&str] = &[
    "hbstatus",
    "hbstatus -m",
    "hbstatus -v",
    "listnodes",
    "listnodes -m",
    "listnodes -n",
    "listnodes -p",
    "listnodes -v",
    "nodestatus OWN",
    "nodestatus OTHER",
    "nodestatus -m OTHER",
    "nodestatus zz",
    "nodestatus",
    "nodeweight OWN",
    "nodeweight -m OTHER",
    "nodeweight zz",
    "nodesite OWN",
    "nodesite zz",
    "nodetype OWN",
    "nodetype -m OTHER",
    "nodetype zz",
    "listhblinks OWN",
    "listhblinks -m OTHER",
    "listhblinks -v OTHER",
    "listhblinks zz",
    "hblinkstatus OWN eth0",
    "hblinkstatus OTHER eth0",
    "hblinkstatus -m OTHER eth0",
    "hblinkstatus OWN eth9",
    "hblinkstatus zz eth0",
    "clientstatus OWN ipfail",
    "clientstatus OTHER ipfail",
    "clientstatus -m OWN ipfail",
    "clientstatus zz ipfail",
    "rscstatus",
    "rscstatus -m",
    "hbparameter -p keepalive",
    "hbparameter -p deadtime",
    "hbparameter -p initdead",
    "hbparameter -p hbversion",
    "hbparameter -p node",
    "hbparameter -p logfile",
    "hbparameter -p debugfile",
    "hbparameter -p use_logd",
    "hbparameter -p logfacility",
    "hbparameter -m -p keepalive",
    "hbparameter",
    "test",
    "nosuchthing",
    "",
];

#[test]
fn cl_status_cannot_tell_the_difference() {
    let Some(lab) = beside_the_reference("cl_status") else { return };
    let programs: Vec<_> = lab.nodes().iter().map(|node| debian(node, "/usr/bin/cl_status")).collect();
    for words in ASKED {
        let answers = lab.nodes().iter().zip(&programs).map(|(node, program)| {
            let other = if node.index() == 1 { "b2" } else { "b1" };
            let words = words.replace("OWN", &node.name()).replace("OTHER", other);
            let mut argv = vec!["setpriv", "--regid=haclient", "--clear-groups", "--", program];
            argv.extend(words.split_whitespace());
            said(node, &argv)
        });
        let answers: Vec<_> = answers.collect();
        assert_eq!(answers[0], answers[1], "cl_status {words}");
    }
}

/// ccm signs on, asks for a longer queue and walks the nodes.
#[test]
fn ccm_finds_its_way() {
    let Some(lab) = beside_the_reference("ccm") else { return };
    for node in lab.nodes() {
        let program = debian(node, "/usr/libexec/heartbeat/ccm");
        let mark = node.log().len();
        let user = "setpriv --reuid=hacluster --regid=haclient --clear-groups --";
        let script = format!("{user} {program} >/dev/null 2>&1 & echo $! >/run/ccm.pid");
        node.must(&["sh", "-c", &script]).unwrap();
        let line = "info: the send queue length from heartbeat to client ccm is set to 1024";
        node.wait_for_log(line, mark, SOON).unwrap();
        let mut raw = String::new();
        let online = format!("cl_status clientstatus {} ccm", node.name());
        until_true("ccm is online", || {
            raw = said(node, &["sh", "-c", &online]);
            raw.starts_with("Some(0)\nonline")
        });
        node.must(&["sh", "-c", "kill $(cat /run/ccm.pid)"]).unwrap();
        until_true("ccm is offline", || said(node, &["sh", "-c", &online]).starts_with("Some(1)\noffline"));
    }
}

/// Runs api_test on the node, until it has gone; what it told up to the last node and link.
fn walked(node: &Node, program: &str) -> Vec<String> {
    let user = "setpriv --regid=haclient --clear-groups --";
    let script = format!("{user} {program} >/dev/null 2>/run/api_test.said & echo $! >/run/api_test.pid");
    node.must(&["sh", "-c", &script]).unwrap();
    let mut told = String::new();
    until_true("the last node was walked", || {
        told = said(node, &["cat", "/run/api_test.said"]);
        let whole = ["OWN/api_test status", "OTHER/api_test status"].iter().all(|line| told.contains(line));
        whole || told.contains("ERROR: REASON")
    });
    let end = "pid=$(cat /run/api_test.pid); kill -9 $pid; while [ -e /proc/$pid ]; do sleep 0.01; done";
    node.must(&["sh", "-c", end]).unwrap();
    // Behind the walk it tells what it hears, which differs from moment to moment.
    let mut asked = 0;
    let walk = told.lines().take_while(|line| {
        asked += usize::from(line.contains("/api_test status"));
        asked < 2 || line.contains("/api_test status")
    });
    walk.filter(|line| !line.contains("PID=")).map(str::to_owned).collect()
}

/// api_test asks for every parameter, walks nodes and links, and asks after itself on each node; it waits for
/// that answer for a moment only, and stumbles over one that comes later, as that of 3.0.6 often does.
#[test]
fn api_test_is_told_the_same() {
    const TRIES: usize = 20;
    let Some(lab) = beside_the_reference("api_test") else { return };
    let hurried = |line: &String| line.contains("[timeout]") || line.contains("REASON");
    let told = lab.nodes().iter().map(|node| {
        let program = debian(node, "/usr/libexec/heartbeat/api_test");
        let undisturbed = (0..TRIES).map(|_| walked(node, &program)).find(|walk| !walk.iter().any(hurried));
        // The nodes differ in which comes first in the list.
        let mut walk = undisturbed.expect("an undisturbed walk");
        walk.sort();
        walk
    });
    let told: Vec<Vec<String>> = told.collect();
    assert!(told[0].iter().any(|line| line == "info: OWN/api_test status: [online]"), "{told:?}");
    assert_eq!(told[0], told[1]);
}
