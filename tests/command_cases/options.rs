//! The options of heartbeat(8), one by one and mixed, beside those of 3.0.6.

use super::*;

/// Command lines that change nothing, and get the same answer from both.
const HARMLESS: [&str; 20] = [
    "-V",
    "-V -h",
    "-h -V",
    "-Vx",
    "-s",
    "-k",
    "-h",
    "--help",
    "--version",
    "-C",
    "-x -s",
    "-s -x",
    "-s further words",
    "-sk",
    "further -s",
    "-s -- -x",
    "-D3",
    "- -s",
    "-kr",
    "-xyz",
];

fn both(lab: &Lab, asked: impl Fn(&Node) -> Said) -> [Said; 2] {
    [1, 2].map(|i| asked(lab.node(i)))
}

/// Names of nodes differ, nothing else does.
fn without_names(said: Said) -> Said {
    let alike = |text: String| text.replace("b1", "NODE").replace("b2", "NODE");
    Said { out: alike(said.out), err: alike(said.err), ..said }
}

#[test]
fn without_a_daemon() {
    let Some(lab) = beside_the_reference("options") else { return };
    for arguments in HARMLESS {
        let [ours, theirs] = both(&lab, |node| heartbeat(node, arguments));
        assert_eq!(ours, theirs, "heartbeat {arguments}");
    }
    // bytes that are no text
    for arguments in [r"\377 -s", r"-s -\377", r"-C \377"] {
        let line = format!("exec {HEARTBEAT} $(printf '%b' '{arguments}')");
        let [ours, theirs] = both(&lab, |node| ask(node, &["sh", "-c", &line]));
        assert_eq!((ours.code, ours.out), (theirs.code, theirs.out), "{arguments}: {}", ours.err);
        assert!(!ours.err.contains("panicked"), "{}", ours.err);
    }
    for arguments in ["-C local", "-rR", "-r -R", "-Clocal -s"] {
        let said = heartbeat(lab.node(1), arguments);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{arguments}");
        assert!(said.err.contains("Usage: heartbeat [-dDkMrRsvWlVf] [-C Current-resource-state]\n"));
    }
    // a reader that goes away is no reason to fail
    shell(lab.node(1), &format!("bash -c '{HEARTBEAT} -D | true; test ${{PIPESTATUS[0]}} -eq 0'"));
}

#[test]
fn the_table_of_directives() {
    let Some(lab) = beside_the_reference("directives") else { return };
    let [ours, theirs] = both(&lab, |node| heartbeat(node, "-D"));
    let columns = |text: &str| -> Vec<String> {
        let words = |l: &str| l.split_whitespace().take(2).map(str::to_owned).collect::<Vec<_>>().join(" ");
        text.lines().skip(2).map(words).collect()
    };
    assert_eq!(columns(&ours.out), columns(&theirs.out));
    assert_eq!(ours.out.lines().next(), theirs.out.lines().next());
    let [ours, theirs] = both(&lab, |node| heartbeat(node, "-DW"));
    // theirs are links: [wiki:ha.cf/DebugDirective debug]
    let word = |cell: &str| cell.rsplit(' ').next().unwrap_or_default().trim_matches(']').to_owned();
    let cells = |text: &str| -> Vec<String> {
        let cells = |l: &str| l.split("||").skip(1).take(2).map(word).collect::<Vec<_>>().join(" ");
        text.lines().filter(|l| l.starts_with("||") && !l.contains("''")).map(cells).collect()
    };
    assert!(cells(&ours.out).len() > 20);
    assert_eq!(cells(&ours.out), cells(&theirs.out));
}

#[test]
fn whatever_the_pid_file_says() {
    let Some(lab) = beside_the_reference("pidfile") else { return };
    for text in ["", "nonsense\n", "     99999\n", "99999", "        -1\n", "         0\n", "12 34\n"] {
        let asked = |node: &Node| {
            node.write("/run/heartbeat.pid", text, 0o644).unwrap();
            [heartbeat(node, "-s"), heartbeat(node, "-k")]
        };
        assert_eq!(asked(lab.node(1)), asked(lab.node(2)), "{text:?}");
    }
    // a stranger that lives counts for the reference, which would stop it; nodeinfo names the node
    let [ours, theirs] = both(&lab, |node| {
        node.write("/etc/ha.d/nodeinfo", "other\n", 0o644).unwrap();
        without_names(ask(
            node,
            &["sh", "-c", &format!("printf '%10d\\n' 1 >/run/heartbeat.pid; {HEARTBEAT} -s")],
        ))
    });
    assert_eq!(theirs.out, "heartbeat OK [pid 1 et al] is running on NODE [other]...\n");
    assert_eq!((ours.code, ours.out.as_str()), (Some(1), "heartbeat is stopped. No process\n"));
}

#[test]
fn not_for_everybody() {
    let Some(lab) = beside_the_reference("nobody") else { return };
    let nobody = ["setpriv", "--reuid=nobody", "--clear-groups", HEARTBEAT];
    let [ours, theirs] = both(&lab, |node| ask(node, &nobody));
    assert_eq!((ours.code, theirs.code), (Some(4), Some(4)), "{}", ours.err);
    // what root runs, nobody may not stop
    apart(&lab);
    let node = lab.node(1);
    start_alone(node);
    let said = ask(node, &[&nobody[..], &["-k"]].concat());
    assert_eq!(said.code, Some(4), "{said:?}");
    assert_eq!(said.err, format!("ERROR: Could not kill pid {}: Operation not permitted\n", pid(node)));
    assert!(node.daemon_runs());
}

/// The answers of a daemon's whole life, and what each must leave running.
fn course(node: &Node) -> Vec<(String, Said)> {
    let mut answers = Vec::new();
    let mut asks = |state: &str, arguments: &str| {
        answers.push((format!("{state}: {arguments}"), heartbeat(node, arguments)));
    };
    asks("stopped", "-v");
    node.wait_for_log(ALONE, 0, SOON).unwrap();
    until_true("its resources", || {
        node.calls().iter().filter(|c| c.arguments.ends_with("start")).count() == 2
    });
    let (first, calls) = (pid(node), node.calls().len());
    for arguments in ["-s", "", "-v", "-f", "-l", "-r", "-s further"] {
        asks("running", arguments);
    }
    node.write("/etc/ha.d/ha.cf", &format!("{HA_CF}foo bar\n"), 0o644).unwrap();
    for arguments in ["", "-r", "-s"] {
        asks("broken", arguments);
    }
    assert_eq!((first, calls), (pid(node), node.calls().len()));
    for arguments in ["-k", "-s", "-k", "-r", "-f", ""] {
        asks("broken, stopping", arguments);
    }
    assert!(!node.daemon_runs());
    node.write("/etc/ha.d/ha.cf", HA_CF, 0o644).unwrap();
    let mark = node.log().len();
    asks("good again", "-r");
    node.wait_for_log(ALONE, mark, SOON).unwrap();
    asks("running again", "-k");
    answers
}

#[test]
fn with_a_daemon() {
    let Some(lab) = beside_the_reference("running") else { return };
    apart(&lab);
    let [ours, theirs] = at_once(&lab, course);
    for ((what, ours), (_, theirs)) in ours.iter().zip(&theirs) {
        assert_eq!(ours.code, theirs.code, "{what}: {ours:?}");
        // values are facts, descriptions are ours
        let facts = |text: &str| -> Vec<String> {
            let fact = |l: &str| neutral(l.split("\t#").next().unwrap_or(l));
            text.lines().map(fact).collect()
        };
        assert_eq!(facts(&ours.out), facts(&theirs.out), "{what}");
        let of_the_machine =
            |m: &&str| !["ore dump", "Consider setting", "debug: "].iter().any(|w| m.contains(w));
        let theirs: Vec<_> = messages(&theirs.err).into_iter().filter(of_the_machine).map(neutral).collect();
        let wanted: Vec<_> = theirs.iter().map(String::as_str).collect();
        in_order(&neutral(&ours.err), &wanted);
    }
    assert!(heartbeat(lab.node(1), "-s").out.contains("stopped"));
}

#[test]
fn a_reload_that_is_refused_does_not_say_that_nothing_runs() {
    let lab = ours("refused");
    apart(&lab);
    let node = lab.node(1);
    start_alone(node);
    node.write("/etc/ha.d/ha.cf", &format!("{HA_CF}foo bar\n"), 0o644).unwrap();
    let said = heartbeat(node, "-r");
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains(&format!("info: Config errors: Heartbeat pid {} NOT restarted\n", pid(node))));
    assert!(said.err.contains("/etc/ha.d//ha.cf:10:1: error: "), "{}", said.err);
    assert!(!said.err.contains("heartbeat not started"), "{}", said.err);
}

/// Scheduling policies of the daemon's threads: 0 ordinary, 2 round robin.
fn policies(node: &Node) -> String {
    shell(
        node,
        &format!(
            "cat /proc/{}/task/*/stat | sed 's/.*) //' | cut -d' ' -f39 | sort -u | tr '\\n' ' '",
            pid(node)
        ),
    )
}

#[test]
fn in_the_foreground_without_realtime_with_debug() {
    let lab = ours("foreground");
    apart(&lab);
    let node = lab.node(1);
    let line = format!("{HEARTBEAT} -f -l -dd >/run/said 2>&1 & echo $!");
    let child: u32 = shell(node, &line).trim().parse().unwrap();
    node.wait_for_log(ALONE, 0, SOON).unwrap();
    assert_eq!(pid(node), child);
    assert_eq!(policies(node), "0 ");
    assert!(node.calls().iter().all(|c| c.environment.contains(&"HA_debug=2".to_owned())));
    node.stop().unwrap();
    start_alone(node);
    if !node.log().contains("Cannot get real-time priority") {
        assert_eq!(policies(node), "0 2 ");
    }
    assert!(node.calls().last().unwrap().environment.contains(&"HA_debug=0".to_owned()));
}

#[test]
fn a_warning_takes_one_line_and_an_error_is_shown_in_place() {
    let lab = ours("diagnostics");
    let node = lab.node(1);
    node.write("/etc/ha.d/ha.cf", &format!("{HA_CF}hopfudge 999\n"), 0o644).unwrap();
    let said = heartbeat(node, "");
    let told = messages(&said.err);
    let about: Vec<_> = told.iter().filter(|m| m.contains("initdead")).collect();
    assert_eq!(
        about,
        [
            &"WARN: /etc/ha.d//ha.cf:6:10: warning: initdead: 1000 ms is short for a network that is still coming up; allowed: 10 seconds or more"
        ]
    );
    in_order(
        &said.err,
        &[
            "ERROR: /etc/ha.d//ha.cf:10:10: error: ",
            "ERROR:    |",
            "ERROR: 10 | hopfudge 999",
            "^^^",
            "= allowed: ",
        ],
    );
}

#[test]
fn a_node_has_one_name() {
    let Some(lab) = beside_the_reference("name") else { return };
    // what the daemon calls itself, by what it misses in ha.cf
    let name = |node: &Node| {
        node.write("/etc/ha.d/ha.cf", &HA_CF.replace("b1 b2", "b8"), 0o644).unwrap();
        let said = heartbeat(node, "");
        let name = said.err.split_once("Current node [").and_then(|(_, rest)| rest.split_once(']'));
        name.unwrap_or_else(|| panic!("{said:?}")).0.to_owned()
    };
    // what a tool calls itself, by whose request it grants
    let tool = "cd /run; fifo=/var/lib/heartbeat/fifo; mkdir -p ${fifo%/*}; rm -f $fifo; mkfifo $fifo; exec 3<>$fifo\n\
        HA_NICEFAILBACK=yes /usr/share/heartbeat/req_resource probe::one 2>&1\n\
        echo END >$fifo; while IFS= read -r line <&3 && [ \"$line\" != END ]; do echo \"$line\"; done";
    for text in ["b9\n", "b9", "B9\n", " b9\t\n", "b9\nb7\n", ""] {
        let [ours, theirs] = [1, 2].map(|i| {
            let node = lab.node(i);
            node.write("/etc/ha.d/nodeinfo", text, 0o644).unwrap();
            name(node)
        });
        let without_uname =
            |name: String| if name == "b1" || name == "b2" { "uname".to_owned() } else { name };
        let granted = shell(lab.node(1), tool);
        assert!(granted.contains(&format!("dest={ours}\n")), "{text:?}: {ours}, {granted}");
        assert_eq!(without_uname(ours), without_uname(theirs), "{text:?}");
    }
}
