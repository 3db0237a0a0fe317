//! Signals to the pid in the pid file; reloads, and what they must not do.

use super::*;

fn send(node: &Node, signal: &str) {
    shell(node, &format!("kill -{signal} {}", pid(node)));
}

/// The daemon alone, with everything; node, pid, number of calls.
fn alone(lab: &Lab) -> (&Node, u32, usize) {
    apart(lab);
    let node = lab.node(1);
    start_alone(node);
    (node, pid(node), node.calls().len())
}

/// The same daemon, and no resource was touched but to ask how it is.
fn untouched(node: &Node, process: u32, calls: usize) {
    assert_eq!(pid(node), process);
    assert!(node.daemon_runs());
    let after = node.calls();
    let moved: Vec<_> = after.iter().skip(calls).filter(|c| !c.arguments.ends_with("status")).collect();
    assert!(moved.is_empty(), "{moved:?}");
    assert_eq!(shell(node, "ls /run/probe*"), "/run/probeone\n/run/probetwo\n");
}

/// Makes a file newer than it was, whatever the clock's grain.
fn touch(node: &Node, file: &str, hours: u32) {
    shell(node, &format!("touch -d 'now + {hours} hour' /etc/ha.d/{file}"));
}

#[test]
fn those_that_change_little() {
    let lab = ours("signals");
    let (node, process, calls) = alone(&lab);
    let mark = node.log().len();
    let debug = |node: &Node| node.read("/var/log/ha-debug");
    for (signal, level) in [("USR2", 0), ("USR1", 1), ("USR1", 2), ("USR2", 1), ("USR2", 0)] {
        let (line, before) = (format!("debug: debug now set to {level} [pid {process}]"), debug(node).len());
        send(node, signal);
        until_true(&line, || debug(node).get(before..).is_some_and(|t| t.contains(&line)));
    }
    node.wait_for_log("info: heartbeat: version 3.0.6", mark, SOON).unwrap();
    assert!(!node.log().contains("debug: "), "debug lines are for the debug file");
    for signal in ["INT", "PIPE", "TTIN", "TTOU"] {
        send(node, signal);
    }
    send(node, "ALRM");
    node.wait_for_log(&format!("ERROR: Unexpected alarm in process {process}"), mark, SOON).unwrap();
    send(node, "HUP");
    node.wait_for_log("info: Configuration unchanged.", mark, SOON).unwrap();
    untouched(node, process, calls);
    assert_eq!(calls, node.calls().len());
}

#[test]
fn changed_keys_are_read_and_a_changed_configuration_restarts_in_place() {
    let lab = ours("reload");
    let (node, process, calls) = alone(&lab);
    touch(node, "authkeys", 1);
    let mark = node.log().len();
    send(node, "HUP");
    node.wait_for_log("info: Rereading authentication file.", mark, SOON).unwrap();
    let mark = node.log().len();
    touch(node, "ha.cf", 2);
    assert_eq!(heartbeat(node, "-r").code, Some(0));
    node.wait_for_log(ALONE, mark, SOON).unwrap();
    in_order(
        &node.log()[mark..],
        &[
            "info: Heartbeat restart triggered.",
            "info: Restarting heartbeat.",
            "info: Performing heartbeat restart exec.",
            "info: Configuration validated. Starting heartbeat 3.0.6",
            "info: heartbeat: version 3.0.6",
            "info: Heartbeat generation: ",
            "info: Local status now set to: 'up'",
        ],
    );
    untouched(node, process, calls);
    node.stop().unwrap();
    assert_eq!(node.run(&["sh", "-c", "ls /run/probe*"]).unwrap().stdout, b"");
}

#[test]
fn a_broken_file_changes_nothing() {
    let lab = ours("broken-reload");
    let (node, process, calls) = alone(&lab);
    let mut hour = 0;
    for (file, text) in [("ha.cf", format!("{HA_CF}foo bar\n")), ("authkeys", "auth 1\n1 sha1\n".to_owned())]
    {
        let good = node.read(&format!("/etc/ha.d/{file}"));
        let generation = node.read("/var/lib/heartbeat/hb_generation");
        hour += 1;
        node.write(&format!("/etc/ha.d/{file}"), &text, 0o600).unwrap();
        touch(node, file, hour);
        let mark = node.log().len();
        send(node, "HUP");
        node.wait_for_log("Config errors: ", mark, SOON).unwrap();
        let log = node.log()[mark..].to_owned();
        assert!(log.contains(&format!("/etc/ha.d//{file}:")) && !log.contains("TopSecret"), "{log}");
        assert!(!log.contains("heartbeat not started"), "{log}");
        untouched(node, process, calls);
        assert_eq!(node.read("/var/lib/heartbeat/hb_generation"), generation);
        // mended, it is taken
        hour += 1;
        node.write(&format!("/etc/ha.d/{file}"), &good, 0o600).unwrap();
        touch(node, file, hour);
        let mark = node.log().len();
        send(node, "HUP");
        let sign = if file == "ha.cf" { ALONE } else { "Rereading authentication file." };
        node.wait_for_log(sign, mark, SOON).unwrap();
        untouched(node, process, calls);
    }
}

#[test]
fn a_storm_of_signals_during_restarts_ends_nothing() {
    let lab = ours("storm");
    let (node, process, calls) = alone(&lab);
    for hour in 1..4 {
        let mark = node.log().len();
        touch(node, "ha.cf", hour);
        shell(
            node,
            &format!(
                "for i in $(seq 150); do kill -HUP {process}; kill -USR1 {process}; kill -USR2 {process}; kill -ALRM {process}; sleep 0.01; done"
            ),
        );
        node.wait_for_log("Performing heartbeat restart exec.", mark, SOON).unwrap();
        node.wait_for_log("Initial resource acquisition complete", mark, SOON).unwrap();
        untouched(node, process, calls);
    }
}

#[test]
fn a_stop_that_comes_during_a_restart_is_an_orderly_one() {
    let lab = ours("stop-in-restart");
    let (node, process, _) = alone(&lab);
    touch(node, "ha.cf", 1);
    let mark = node.log().len();
    shell(
        node,
        &format!(
            "kill -HUP {process}; until grep -q 'restart exec' /var/log/ha-log; do kill -0 {process}; done; kill -TERM {process}"
        ),
    );
    node.wait_for_log("b1 Heartbeat shutdown complete.", mark, SOON).unwrap();
    until_true("its end", || !node.daemon_runs());
    assert_eq!(node.run(&["sh", "-c", "ls /run/probe*"]).unwrap().stdout, b"", "{}", &node.log()[mark..]);
}

/// After a partition of the old protocol all is given up, and the daemon waits for longer than the dead time.
#[test]
fn a_stop_that_comes_between_two_lives_is_the_end() {
    let lab = ours("stop-between");
    let ha_cf = HA_CF.replace("dead 1", "dead 5").replace("deadtime 1", "deadtime 5");
    let ha_cf = ha_cf.replace("auto_failback on", "auto_failback legacy");
    for node in lab.nodes() {
        node.configure(&ha_cf, AUTHKEYS, RESOURCES).unwrap();
        node.start().unwrap();
    }
    let (node, other) = (lab.node(1), lab.node(2));
    node.wait_for_log("node b2: status active", 0, SOON).unwrap();
    other.wait_for_log("node b1: status active", 0, SOON).unwrap();
    apart(&lab);
    node.wait_for_log("node b2: is dead", 0, SOON).unwrap();
    other.wait_for_log("node b1: is dead", 0, SOON).unwrap();
    let mark = node.log().len();
    for network in 0..crate::lab::network::NETWORKS {
        lab.heal(crate::lab::network::Cable { node: 1, network }).unwrap();
    }
    node.wait_for_log("b1 Heartbeat shutdown complete.", mark, SOON).unwrap();
    send(node, "TERM");
    until_true("its end", || !node.daemon_runs());
    let log = node.log();
    assert!(!log[mark..].contains("restart exec"), "{log}");
}

#[test]
fn after_an_upgrade_the_new_program_goes_on() {
    let lab = ours("upgrade");
    let (node, process, calls) = alone(&lab);
    shell(node, &format!("cp {HEARTBEAT} {HEARTBEAT}.new && mv {HEARTBEAT}.new {HEARTBEAT}"));
    assert!(shell(node, &format!("readlink /proc/{process}/exe")).contains("(deleted)"));
    for (hour, exe) in
        [(1, "/usr/libexec/heartbeat/heartbeat\n"), (2, "/usr/libexec/heartbeat/heartbeat (deleted)\n")]
    {
        if hour == 2 {
            // removed: what is held must not be left alone
            shell(node, &format!("rm {HEARTBEAT}"));
        }
        let mark = node.log().len();
        touch(node, "ha.cf", hour);
        send(node, "HUP");
        node.wait_for_log(ALONE, mark, SOON).unwrap();
        untouched(node, process, calls);
        assert_eq!(shell(node, &format!("readlink /proc/{process}/exe")), exe);
    }
}

#[test]
fn scripts_get_all_signals() {
    let lab = ours("masks");
    apart(&lab);
    let node = lab.node(1);
    node.write(
        "/etc/ha.d/resource.d/mask",
        "#!/bin/sh\ncase $1 in start) grep -E 'Sig(Blk|Ign)' /proc/self/status >/run/masks;; esac\n",
        0o755,
    )
    .unwrap();
    node.write("/etc/ha.d/haresources", "b1 probe::one mask\nb2 probe::two\n", 0o644).unwrap();
    start_alone(node);
    until_true("the note", || node.read("/run/masks").lines().count() == 2);
    let masks = node.read("/run/masks");
    assert!(masks.contains("SigBlk:\t0000000000000000"), "{masks}");
    // Bit 16 is SIGCHLD, which the laboratory ignores; those above 31 are not for us to say. What is ignored here already
    // (a shell's `&` lets nobody be interrupted) is ignored there, too.
    let ignored = |status: &str| {
        let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:\t")).unwrap().to_owned();
        u64::from_str_radix(&mask, 16).unwrap()
    };
    let here = ignored(&std::fs::read_to_string("/proc/self/status").unwrap());
    assert_eq!(ignored(&masks) & 0x7ffe_ffff & !here, 0, "{masks}");
}
