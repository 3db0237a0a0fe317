//! Our init script beside Debian's: every verb in every state, with the real 3.0.6 daemon below both.

#![allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]

mod lab;

use lab::network::Cable;
use lab::{Failure, Flavour, Lab, Node, missing};

const GOOD: &str = "logfile /var/log/ha-log\nkeepalive 200ms\ndeadtime 2\ninitdead 4\nbcast eth0\nauto_failback on\nnode b1 b2\n";
const AUTHKEYS: &str = "auth 1\n1 sha1 secret\n";
const RESOURCES: &str = "b1 probe::one\nb2 probe::two\n";
const VERBS: [&str; 8] =
    ["status", "start", "stop", "reload", "force-reload", "standby", "restart", "nonsense"];

#[test]
fn says_and_returns_what_debians_does() {
    if missing(&[Flavour::Reference]) {
        return;
    }
    let lab = Lab::new("initscript", [Flavour::Reference; 2]).unwrap();
    lab.cut(Cable { node: 1, network: 0 }).unwrap();
    lab.nodes().iter().for_each(|node| node.record_calls().unwrap());
    let ours = include_str!("../packaging/init.d/heartbeat");
    lab.node(2).write("/etc/init.d/heartbeat", ours, 0o755).unwrap();
    let [debian, ours] = std::thread::scope(|scope| {
        [1, 2]
            .map(|i| {
                scope.spawn({
                    let node = lab.node(i);
                    move || course(node).unwrap()
                })
            })
            .map(|t| t.join().unwrap())
    });
    // for whoever wonders: cargo test --test initscript -- --nocapture
    eprintln!("{}", debian.join("\n"));
    assert!(debian.len() > 20);
    for (debian, ours) in debian.iter().zip(&ours) {
        assert_eq!(debian, ours);
    }
    assert_eq!(debian.len(), ours.len());
}

/// The same on either node; the answers without what differs between nodes and runs.
fn course(node: &Node) -> Result<Vec<String>, Failure> {
    let mut answers = Vec::new();
    let mut ask = |state: &str, verb: &str| -> Result<(), Failure> {
        let output = node.run(&["/etc/init.d/heartbeat", verb])?;
        let text = |bytes: &[u8]| alike(&String::from_utf8_lossy(bytes), node);
        answers.push(format!(
            "{state}: {verb}: exit {:?}\nstdout: {}\nstderr: {}",
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr)
        ));
        Ok(())
    };
    for verb in VERBS {
        ask("no ha.cf", verb)?;
    }
    node.configure("nonsense\n", AUTHKEYS, RESOURCES)?;
    for verb in ["start", "status", "reload", "stop"] {
        ask("bad ha.cf", verb)?;
    }
    for (text, state) in [("legacy", "legacy"), ("Legacy", "capital legacy")] {
        node.configure(
            &GOOD.replace("auto_failback on", &format!("auto_failback {text}")),
            AUTHKEYS,
            RESOURCES,
        )?;
        ask(state, "standby")?;
    }
    node.configure(&GOOD.replace("auto_failback on\n", ""), AUTHKEYS, RESOURCES)?;
    ask("no auto_failback", "standby")?;
    node.configure(&GOOD.replace("auto_failback on\n", "nice_failback off\n"), AUTHKEYS, RESOURCES)?;
    ask("nice_failback", "standby")?;
    node.configure(GOOD, AUTHKEYS, RESOURCES)?;
    node.must(&["rm", "-r", "/run/heartbeat", "/run/resource-agents", "/run/lock/subsys"])?;
    for verb in ["status", "stop", "standby"] {
        ask("stopped", verb)?;
    }
    let hook = "#!/bin/sh\necho startstop \"$@\"\nls /var/lock/subsys\n";
    node.write("/etc/ha.d/resource.d/startstop", hook, 0o755)?;
    node.must(&["touch", "/run/probeone", "/run/probetwo"])?;
    for verb in ["start", "start", "status", "reload", "force-reload", "standby", "stop", "stop", "status"] {
        ask("with hook and active resource", verb)?;
    }
    // a daemon that is stopped before it has come up leaves what it finds: chance, and not the script's doing
    let idle = || node.must(&["rm", "-f", "/run/probeone", "/run/probetwo"]);
    idle()?;
    ask("stopped", "restart")?;
    ask("restarted", "status")?;
    node.must(&["sh", "-c", "mv /etc/ha.d/haresources /etc/ha.d/ipresources"])?;
    ask("old file name", "stop")?;
    idle()?;
    ask("old file name", "start")?;
    answers.push(node.must(&["sh", "-c", "cd /run; stat -c '%n %a %U:%G' heartbeat heartbeat/ccm heartbeat/crm heartbeat/dopd resource-agents; ls /etc/ha.d/*resources"])?);
    Ok(answers)
}

/// Node names, numbers of processes and times differ, and so does the daemon's talk about the load.
fn alike(text: &str, node: &Node) -> String {
    let mut out = String::new();
    for line in text
        .replace(&node.name(), "NODE")
        .lines()
        .filter(|l| !l.contains("core_") && !l.contains("ore dumps"))
    {
        let line =
            line.rsplit_once("]: ").filter(|_| line.contains("heartbeat: [")).map_or(line, |(_, rest)| rest);
        let mut last_digit = false;
        for c in line.chars() {
            if c.is_ascii_digit() {
                if !last_digit {
                    out.push('N')
                }
            } else {
                out.push(c);
            }
            last_digit = c.is_ascii_digit();
        }
        out.push('\n');
    }
    out.replace("probe::two", "probe::NODE").replace("probe::one", "probe::NODE")
}
