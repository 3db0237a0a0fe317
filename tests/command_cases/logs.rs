//! The lines that administrators look for (commands.md section 8), in order, and the formats of all targets.

use super::*;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex};

const START: [&str; 5] = [
    "info: heartbeat: version 3.0.6",
    "info: Heartbeat generation: ",
    "info: glib: UDP Broadcast heartbeat started on port 694 (694) interface eth0",
    "info: glib: UDP Broadcast heartbeat closed on port 694 interface eth0 - Status: 1",
    "info: Local status now set to: 'up'",
];
const STOP: [&str; 4] = [
    "info: Heartbeat shutdown in progress. (",
    "info: Giving up all HA resources.",
    "info: All HA resources relinquished.",
    "Heartbeat shutdown complete.",
];

/// Longer times: two daemons share this machine with others.
fn ha_cf() -> String {
    HA_CF.replace("warntime 500ms\ndeadtime 1\ninitdead 1", "warntime 1\ndeadtime 3\ninitdead 6")
}

/// A /dev of the node's own, with a syslog in it.
fn syslog(node: &Node) -> Arc<Mutex<String>> {
    let script = "mkdir /mnt/dev\nfor f in null zero random urandom; do touch /mnt/dev/$f; mount --bind /dev/$f /mnt/dev/$f; done\nmount --rbind /mnt/dev /dev\n";
    shell(node, script);
    let socket = UnixDatagram::bind(node.stage().path("/dev/log")).unwrap();
    let received = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&received);
    // ends with the test program; the kernel would not keep more than a few lines
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length) = socket.recv(&mut buffer) {
            let line = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
            sink.lock().unwrap().push_str(&(line + "\n"));
        }
    });
    received
}

#[test]
fn of_a_pair_from_start_to_stop() {
    story(&ours("story"));
}

/// That what is wanted here is what 3.0.6 says.
#[test]
fn of_a_pair_of_the_reference() {
    if beside_the_reference("available").is_some() {
        story(&prepared("story-ref", [Flavour::Reference; 2]));
    }
}

fn story(lab: &Lab) {
    for node in lab.nodes() {
        node.write("/etc/ha.d/ha.cf", &ha_cf(), 0o644).unwrap();
    }
    std::thread::scope(|scope| {
        lab.nodes().iter().for_each(|node| drop(scope.spawn(|| node.start().unwrap())))
    });
    for node in lab.nodes() {
        node.wait_for_log("remote resource transition completed.", 0, SOON).unwrap();
        node.wait_for_log("Initial resource acquisition complete", 0, SOON).unwrap();
        node.wait_for_log("Local Resource acquisition completed.", 0, SOON).unwrap();
    }
    for (node, peer) in [(lab.node(1), "b2"), (lab.node(2), "b1")] {
        let log = node.log();
        in_order(&log, &START);
        let link = format!("info: Link {peer}:eth0 up.");
        in_order(&log, &[START[4], &link]);
        in_order(
            &log,
            &[
                &link,
                "info: Comm_now_up(): updating status to active",
                "info: Local status now set to: 'active'",
            ],
        );
        in_order(&log, &[&link, &format!("info: Status update for node {peer}: status active")]);
        in_order(&log, &[START[4], &format!("info: Link {}:eth0 up.", node.name())]);
        in_order(
            &log,
            &["info: Local status now set to: 'active'", "info: remote resource transition completed."],
        );
        in_order(
            &log,
            &[
                "info: Local status now set to: 'active'",
                "info: Initial resource acquisition complete (T_RESOURCES(",
                "info: Local Resource acquisition completed.",
            ],
        );
    }
    // the peer dies
    let mark = lab.node(1).log().len();
    lab.crash(2).unwrap();
    lab.node(1).wait_for_log("mach_down takeover complete.", mark, SOON).unwrap();
    in_order(
        &lab.node(1).log()[mark..],
        &[
            "WARN: node b2: is dead",
            "WARN: No STONITH device configured.",
            "WARN: Shared disks are not protected.",
            "info: Resources being acquired from b2.",
            "info: mach_down takeover complete.",
        ],
    );
    lab.node(1).wait_for_log("info: Link b2:eth0 dead.", mark, SOON).unwrap();
    in_order(&lab.node(1).log()[mark..], &["WARN: node b2: is dead", "info: Link b2:eth0 dead."]);
    // it returns, and gets its own back
    let (first, second) = (lab.node(1).log().len(), lab.node(2).log().len());
    lab.power_on(2).unwrap();
    lab.node(2).start().unwrap();
    lab.node(2).wait_for_log("Standby resource acquisition done", second, SOON).unwrap();
    lab.node(1).wait_for_log("Other node completed standby takeover of", first, SOON).unwrap();
    in_order(
        &lab.node(1).log()[first..],
        &[
            "info: Heartbeat restart on node b2",
            "info: Link b2:eth0 up.",
            "info: Status update for node b2: status active",
            "info: Local standby process completed [foreign].",
            "info: Other node completed standby takeover of foreign resources.",
        ],
    );
    // it leaves in good order
    let mark = lab.node(1).log().len();
    lab.node(2).stop().unwrap();
    in_order(&lab.node(2).log()[second..], &STOP);
    for line in ["mach_down takeover complete.", "Dead node b2 gave up resources."] {
        lab.node(1).wait_for_log(line, mark, SOON).unwrap();
    }
    in_order(
        &lab.node(1).log()[mark..],
        &[
            "info: Received shutdown notice from 'b2'.",
            "info: Resources being acquired from b2.",
            "info: mach_down takeover complete.",
        ],
    );
    // its scripts may take longer than the dead time
    in_order(
        &lab.node(1).log()[mark..],
        &[
            "info: Received shutdown notice from 'b2'.",
            "WARN: node b2: is dead",
            "info: Dead node b2 gave up resources.",
        ],
    );
    lab.node(1).wait_for_log("info: Link b2:eth0 dead.", mark, SOON).unwrap();
    in_order(&lab.node(1).log()[mark..], &["WARN: node b2: is dead", "info: Link b2:eth0 dead."]);
}

/// Digits become 9, so that a line shows its form.
fn form(line: &str) -> String {
    let mut form = String::new();
    for c in line.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }) {
        if !(c == '9' && form.ends_with("99")) {
            form.push(c);
        }
    }
    form
}

#[test]
fn in_both_formats_in_the_debug_file_and_in_syslog() {
    let lab = ours("formats");
    apart(&lab);
    let [styled, plain] = [lab.node(1), lab.node(2)];
    styled
        .write("/etc/ha.d/ha.cf", &format!("{HA_CF}logfacility local3\nsyslogmsgfmt true\n"), 0o644)
        .unwrap();
    plain.write("/etc/ha.d/ha.cf", &format!("{HA_CF}syslogmsgfmt false\ndebug 1\n"), 0o644).unwrap();
    let received = syslog(styled);
    std::thread::scope(|scope| {
        [styled, plain].map(|node| scope.spawn(|| start_alone(node))).map(|t| t.join().unwrap())
    });
    let line = |text: &str, piece: &str| {
        text.lines().find(|l| l.contains(piece)).map(str::to_owned).unwrap_or_default()
    };
    // the date before the month's name and number is of no interest
    let after_date = |line: String| form(line.get(4..).unwrap_or_default());
    assert_eq!(
        after_date(line(&styled.log(), "Heartbeat generation")),
        "99 99:99:99 b9 heartbeat: [99]: info: Heartbeat generation: 99"
    );
    assert_eq!(
        form(&line(&plain.log(), "Heartbeat generation")),
        "heartbeat[99]: 99/99/99_99:99:99 info: Heartbeat generation: 99"
    );
    for node in [styled, plain] {
        let debug = || node.read("/var/log/ha-debug");
        for text in node.log().lines().filter(|l| !l.contains("(default)")) {
            until_true(&format!("in the debug file: {text}"), || debug().contains(text));
        }
        let script = form(&line(&node.log(), "harc(default)"));
        assert!(script.starts_with("99/99/99_99:99:99  harc(default)[99]:    info: Running "), "{script}");
        let script = form(&line(&debug(), "harc(default)"));
        assert!(script.starts_with("harc(default)[99]:\t99/99/99_99:99:99 info: Running "), "{script}");
        assert!(!node.log().contains("debug: "));
        assert_eq!(shell(node, "stat -c %a /var/log/ha-log /var/log/ha-debug"), "644\n644\n");
    }
    // local3 is 19: 19 * 8 + 6 for info, + 4 for a warning
    let sent = || received.lock().unwrap().clone();
    until_true("the last line in syslog", || sent().contains("mach_down takeover complete."));
    let sent = sent();
    let told = line(&sent, "Heartbeat generation");
    assert!(
        told.starts_with("<158>")
            && told.contains(&format!(" heartbeat: [{}]: info: Heartbeat generation: ", pid(styled))),
        "{told}"
    );
    assert!(line(&sent, "WARN: node b2: is dead").starts_with("<156>"), "{sent}");
    // a log that was moved away is made anew
    shell(styled, "mv /var/log/ha-log /var/log/ha-log.1");
    shell(styled, &format!("kill -HUP {}", pid(styled)));
    until_true("a new file", || styled.log().contains("Configuration unchanged."));
    assert!(!styled.read("/var/log/ha-log.1").contains("Configuration unchanged."));
}
