//! The end of the daemon and the end of its programs: a stop, a reload, a sudden death.

use super::*;

/// Whether any of the processes lives.
fn alive(node: &Node, seconds: &[u32]) -> bool {
    seconds.iter().any(|n| sleeper(node, *n).is_some())
}

#[test]
fn last_first_and_one_at_a_time() {
    let Some(lab) = beside_the_reference("stop") else { return };
    let note = |text: &str| {
        format!(
            "trap 'sleep 1; echo {text} >>/run/ends; exit 7' TERM; touch /run/{text}.ready
            while :; do sleep 0.1; done"
        )
    };
    program(&lab, "first", &note("first"));
    program(&lab, "second", &note("second"));
    program(&lab, "done", "exit 100");
    // The whole group is told, but only its leader is waited for.
    program(
        &lab,
        "family",
        "(trap 'echo child >>/run/ends; exit' TERM; touch /run/child.ready; while :; do sleep 0.1; done) &
        exec /bin/sleep 4001",
    );
    configure(
        &lab,
        "respawn root /usr/local/bin/first\nrespawn root /usr/local/bin/done\nrespawn root /usr/local/bin/second\nrespawn root /usr/local/bin/family\n",
    );
    start(&lab, 4);
    ready(&lab, &["first", "second", "child"]);
    calm(&lab);
    lab.nodes().iter().for_each(|node| node.stop().unwrap());
    let (ours, reference) = (lab.node(1), lab.node(2));
    let tail = |node: &Node| said(node).split_off(9);
    assert_eq!(tail(ours), tail(reference));
    assert_eq!(tail(ours).len(), 4, "{:?}", said(ours));
    each(&lab, "the child heard it too", |node| node.read("/run/ends").contains("child"));
    for node in lab.nodes() {
        let ends: Vec<String> = node.read("/run/ends").lines().map(str::to_owned).collect();
        let own: Vec<&String> = ends.iter().filter(|e| *e != "child").collect();
        assert_eq!(own, ["second", "first"], "{}", node.flavour());
        assert!(!alive(node, &[4001]));
    }
}

#[test]
fn a_reload_stops_them_and_starts_them_anew() {
    let Some(lab) = beside_the_reference("reload") else { return };
    program(&lab, "one", "exec /bin/sleep 4001");
    program(&lab, "two", "exec /bin/sleep 4002");
    configure(&lab, "respawn root /usr/local/bin/one\nrespawn nobody /usr/local/bin/two\n");
    start(&lab, 2);
    calm(&lab);
    let before: Vec<_> = lab.nodes().iter().map(|node| [sleeper(node, 4001), sleeper(node, 4002)]).collect();
    for node in lab.nodes() {
        shell(node, "touch -d 'now + 1 hour' /etc/ha.d/ha.cf; /usr/libexec/heartbeat/heartbeat -r");
    }
    each(&lab, "both were started again", |node| starts(node) == 4);
    for (node, before) in lab.nodes().iter().zip(before) {
        wait_until("they are others", SOON, || {
            let now = [sleeper(node, 4001), sleeper(node, 4002)];
            let others = now.iter().zip(before).all(|(now, before)| now.is_some() && *now != before);
            if others { Ok(()) } else { Err(format!("{before:?} before, {now:?} now")) }
        })
        .unwrap();
    }
    let sorted = |node: &Node| {
        let mut said = said(node);
        // a start is told by the daemon and by the new process, in either order
        said[..4].sort();
        said[6..].sort();
        said
    };
    assert_eq!(sorted(lab.node(1)), sorted(lab.node(2)));
    assert!(said(lab.node(1))[4].contains("killing /usr/local/bin/two process group"));
}

#[test]
fn they_outlive_a_daemon_that_is_killed() {
    let Some(lab) = beside_the_reference("killed") else { return };
    configure(&lab, "respawn root /bin/sleep 4001\nrespawn nobody /bin/sleep 4002\n");
    start(&lab, 2);
    calm(&lab);
    let before: Vec<_> = lab.nodes().iter().map(|node| sleeper(node, 4001)).collect();
    assert!(before.iter().all(Option::is_some));
    for node in lab.nodes() {
        shell(node, "kill -9 $(cat /run/heartbeat.pid)");
    }
    each(&lab, "no heartbeat", |node| !node.processes().contains(&"heartbeat".to_owned()));
    for (node, before) in lab.nodes().iter().zip(before) {
        assert!(alive(node, &[4002]) && sleeper(node, 4001) == before, "{}", node.flavour());
    }
}

#[test]
fn a_stop_in_a_pause_or_right_at_the_start_ends() {
    let Some(lab) = beside_the_reference("early-stop") else { return };
    program(&lab, "restless", "exit 1");
    configure(&lab, "respawn root /usr/local/bin/restless\nrespawn root /bin/sleep 4001\n");
    let ours = lab.node(1);
    ours.start().unwrap();
    ours.stop().unwrap();
    assert!(!ours.daemon_runs() && !alive(ours, &[4001]));
    start(&lab, 2);
    each(&lab, "it fell twice", |node| node.log().matches("Respawning client").count() >= 2);
    lab.nodes().iter().for_each(|node| node.stop().unwrap());
    assert!(lab.nodes().iter().all(|node| !alive(node, &[4001])));
    let log = ours.log();
    let after = log.split("Heartbeat shutdown in progress").last().unwrap_or_default();
    assert!(!after.contains("Respawning client"), "{after}");
}
