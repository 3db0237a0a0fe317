//! Lives and deaths: what is logged, what is started again, what takes the node along.

use super::*;

#[test]
fn every_end_has_its_lines() {
    let Some(lab) = beside_the_reference("ends") else { return };
    let programs = [
        ("zero", "exit 0"),
        ("three", "sleep 1; exit 3"),
        ("killed", "kill -9 $$"),
        ("broken", "kill -11 $$"),
        ("realtime", "kill -40 $$"),
        ("enough", "exit 100"),
        ("gone", "rm /usr/local/bin/gone; exit 7"),
        ("shut", "chmod -x /usr/local/bin/shut; exit 7"),
        ("place", "rm /usr/local/bin/place; mkdir /usr/local/bin/place; exit 7"),
    ];
    programs.iter().for_each(|(name, body)| program(&lab, name, body));
    let line =
        |(name, _): &(&str, &str)| format!("respawn root /usr/local/bin/{name} an  \"argument of it\" $$\n");
    configure(&lab, &programs.iter().map(line).collect::<String>());
    start(&lab, programs.len());
    for name in ["zero", "killed", "broken", "realtime", "place"] {
        each(&lab, &format!("{name} is given up"), |node| {
            about(node, name).last().is_some_and(|l| l.contains("respawning too fast"))
        });
    }
    each(&lab, "three was started six times", |node| about(node, "three").len() >= 24);
    let (ours, reference) = (lab.node(1), lab.node(2));
    for (name, _) in programs {
        let (mut own, mut wanted) = (about(ours, name), about(reference, name));
        if name == "three" {
            own.truncate(24);
            wanted.truncate(24);
        }
        assert_eq!(own, wanted, "{name}");
    }
    let order = |node: &Node| {
        let said = said(node).into_iter();
        said.filter(|l| l.contains("Starting child")).take(programs.len()).collect::<Vec<_>>()
    };
    assert_eq!(order(ours), order(reference), "file order");
    // What has been given up is told so at the stop.
    each(&lab, "calm", |node| node.log().contains("local resource transition completed."));
    lab.nodes().iter().for_each(|node| node.stop().unwrap());
    let idle = |node: &Node| {
        let said = said(node).into_iter();
        said.filter(|l| l.ends_with("is not running.") && !l.contains("/three ")).collect::<Vec<_>>()
    };
    assert_eq!(idle(ours), idle(reference));
    assert_eq!(idle(ours).len(), programs.len() - 1, "{:?}", idle(ours));
}

/// Both nodes with this failfast program and one that must be left in peace.
fn failfast(name: &str, body: &str, story: impl Fn(&Lab)) {
    let Some(lab) = beside_the_reference(name) else { return };
    program(&lab, "vital", body);
    configure(&lab, "failfast root /usr/local/bin/vital\nrespawn root /bin/sleep 4001\n");
    start(&lab, 2);
    story(&lab);
}

#[test]
fn a_failfast_program_takes_the_node_along() {
    for (name, death) in [("code", "exit 4"), ("enough", "exit 100"), ("signal", "kill -9 $$")] {
        let body = format!("until test -e /run/die; do sleep 0.1; done; {death}");
        failfast(&format!("failfast-{name}"), &body, |lab| {
            for node in lab.nodes() {
                assert_eq!(node.reboots_asked(), "");
                node.write("/run/die", "", 0o644).unwrap();
            }
            each(lab, "a reboot", |node| node.reboots_asked().contains("-nf"));
            each(lab, "the daemon falls silent", |node| !node.daemon_runs());
            assert_eq!(about(lab.node(1), "vital"), about(lab.node(2), "vital"), "{name}");
            assert!(about(lab.node(1), "vital").iter().any(|l| l.starts_with("EMERG: Rebooting system.")));
        });
    }
}

#[test]
fn a_failfast_program_that_ends_well_is_only_started_again() {
    failfast("failfast-well", "sleep 0.2; exit 0", |lab| {
        each(lab, "three lives", |node| about(node, "vital").len() >= 12);
        let first = |node: &Node| about(node, "vital").into_iter().take(12).collect::<Vec<_>>();
        assert_eq!(first(lab.node(1)), first(lab.node(2)));
        assert!(lab.nodes().iter().all(|node| node.reboots_asked().is_empty() && node.daemon_runs()));
    });
}

#[test]
fn a_failfast_program_may_die_of_a_stop() {
    let body = "trap 'exit 4' TERM; touch /run/vital.ready; while :; do sleep 0.1; done";
    failfast("failfast-stop", body, |lab| {
        ready(lab, &["vital"]);
        calm(lab);
        lab.nodes().iter().for_each(|node| node.stop().unwrap());
        assert_eq!(about(lab.node(1), "vital"), about(lab.node(2), "vital"));
        assert!(lab.nodes().iter().all(|node| node.reboots_asked().is_empty()));
    });
}

/// How often a thread of our daemon went to sleep so far.
fn naps(node: &Node, thread: &str) -> u64 {
    let script = format!(
        "grep -lx {thread} /proc/$(($(cat /run/heartbeat.pid)))/task/*/comm | sed 's/comm$/status/' | xargs grep '^voluntary'"
    );
    shell(node, &script).split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn nothing_wakes_without_cause() {
    let lab = Lab::new("asleep", [Flavour::Ours; 2]).unwrap();
    apart(&lab);
    configure(&lab, "respawn root /bin/sleep 4001\nrespawn nobody /bin/sleep 4002\n");
    start(&lab, 2);
    calm(&lab);
    let node = lab.node(1);
    let (asleep, beats) = (naps(node, "children"), naps(node, "pulse"));
    wait_until("the pulse beats on", SOON, || {
        if naps(node, "pulse") > beats + 50 { Ok(()) } else { Err("too few beats".to_owned()) }
    })
    .unwrap();
    assert_eq!(naps(node, "children"), asleep);
}

#[test]
fn deaths_are_heard_whatever_signals_were_inherited() {
    let lab = Lab::new("deaf", [Flavour::Ours; 2]).unwrap();
    apart(&lab);
    program(&lab, "restless", "exit 1");
    configure(&lab, "respawn root /usr/local/bin/restless\n");
    for (node, how) in lab.nodes().iter().zip(["block", "ignore"]) {
        shell(node, &format!("env --{how}-signal=CHLD /usr/libexec/heartbeat/heartbeat"));
    }
    each(&lab, "it lived three times", |node| starts(node) >= 3);
    let log = lab.node(2).log();
    assert!(log.contains("exited with return code 1."), "{log}");
}
