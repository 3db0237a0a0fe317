//! How dopd behaves as a guest of the daemon and as a host of its clients.

use crate::lab::{Node, missing};
use crate::world::{Ours, Reference, World, wait_until};

/// Exit code and what can be seen of the socket, for both kinds.
fn run_as(node: &Node, user: &str, program: &str) -> Option<i32> {
    let words = ["setpriv", "--reuid", user, "--regid", "haclient", "--init-groups"];
    node.run(&[&words[..], &["timeout", "20", program]].concat()).unwrap().status.code()
}

#[test]
fn it_comes_and_goes_as_the_reference_does() {
    if missing(&[Reference]) {
        return;
    }
    let world = World::new("dopd-guest");
    let node = world.node(1);
    let seen = [(Reference, "/usr/libexec/heartbeat/dopd"), (Ours, "/usr/local/ours/dopd")].map(
        |(flavour, program)| {
            world.dopd(1, flavour);
            let mut seen =
                vec![node.must(&["stat", "-c", "%F %a %U:%G", "/run/heartbeat/dopd/outdater"]).unwrap()];
            seen.push(format!("a second one: {:?}", run_as(node, "hacluster", program)));
            seen.push(format!("one of root: {:?}", run_as(node, "root", program)));
            for signal in ["TERM", "INT"] {
                world.dopd(1, flavour);
                let ends = || node.read("/var/log/lab/ends").lines().map(str::to_owned).collect::<Vec<_>>();
                let before = ends().len();
                node.must(&["kill", &format!("-{signal}"), node.read("/var/log/lab/pid").trim()]).unwrap();
                wait_until("its end is told", || ends().len() > before);
                seen.push(format!("{signal}: {:?}", ends().get(before)));
            }
            seen
        },
    );
    assert_eq!(seen[1], seen[0]);
    let log = node.read("/var/log/lab/dopd-log");
    assert!(log.contains("/usr/local/ours/dopd: ["), "{log}");
}

#[test]
fn a_stuck_drbdadm_and_a_hostile_client_cost_only_themselves() {
    if missing(&[Reference]) {
        return;
    }
    let world = World::new("dopd-host");
    world.dopd(2, Ours);
    world.dopd(1, Ours);
    let pid = world.node(1).read("/var/log/lab/pid");
    world.hold("stuck", true);
    world.start_outdater(Ours, "stuck");
    wait_until("drbdadm is stuck", || world.calls() == ["2:outdate stuck"]);
    assert_eq!(world.rc(Ours, "b2", "r1"), Some(4));
    assert_eq!(world.rc(Reference, "b2", "r1"), Some(4));

    world.node(1).write("/var/log/lab/hostile.py", HOSTILE, 0o755).unwrap();
    world
        .node(1)
        .must(&["sh", "-c", "setsid /usr/bin/python3 /var/log/lab/hostile.py >/var/log/lab/hostile 2>&1 &"])
        .unwrap();
    wait_until("700 connections", || world.node(1).read("/var/log/lab/hostile").contains("ready"));
    assert_eq!(world.rc(Ours, "b2", "r1"), Some(4));
    let status = world.node(1).read(&format!("/proc/{}/status", pid.trim()));
    let memory: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap();
    assert!(memory < 32 * 1024, "{memory} kB");
    assert_eq!(world.node(1).read("/var/log/lab/pid"), pid, "it died");

    world.hold("stuck", false);
    assert_eq!(world.rc_of("stuck"), "4");
}

/// As nobody of the group: hundreds of connections, silent, talking nonsense, or too much.
const HOSTILE: &str = r#"
import os, resource, socket, struct, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
os.setgid(int(os.popen("getent group haclient").read().split(":")[2])); os.setuid(65534)
kept = []
for n in range(700):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    try:
        s.connect("/run/heartbeat/dopd/outdater")
        if n % 4 == 1: s.send(b"garbage garbage")
        if n % 4 == 2: s.send(struct.pack("II", 262144, 0xabcd) + b"x" * 60000)
        if n % 4 == 3: s.send(struct.pack("II", 20, 0xabcd) + b">>>\nt=outd")
    except OSError: pass
    kept.append(s)
print("ready", flush=True)
time.sleep(60)
"#;

#[test]
fn a_name_is_a_name() {
    if missing(&[Reference]) {
        return;
    }
    let world = World::new("dopd-names");
    world.dopd(2, Ours);
    world.dopd(1, Ours);
    for resource in ["a;id", "$(touch /var/log/lab/broken-in)", "r 0", "*"] {
        assert_eq!(world.rc(Ours, "b2", resource), Some(4), "{resource}");
    }
    for resource in ["", "-x", "--help"] {
        assert_eq!(world.rc(Ours, "b2", resource), Some(20), "{resource}");
    }
    let wanted =
        ["2:outdate a;id", "2:outdate $(touch /var/log/lab/broken-in)", "2:outdate r 0", "2:outdate *"];
    assert_eq!(world.calls(), wanted);
    assert!(!world.node(2).must(&["ls", "/var/log/lab"]).unwrap().contains("broken-in"));
}

#[test]
fn without_drbdadm_without_dopd_without_a_daemon() {
    if missing(&[Reference]) {
        return;
    }
    let world = World::new("dopd-without");
    let codes = [Reference, Ours].map(|flavour| {
        world.dopd(2, flavour);
        world.dopd(1, flavour);
        world.node(2).must(&["chmod", "000", "/usr/sbin/drbdadm"]).unwrap();
        let unable = world.rc(flavour, "b2", "r0");
        world.node(2).must(&["chmod", "755", "/usr/sbin/drbdadm"]).unwrap();
        unable
    });
    assert_eq!(codes, [Some(20), Some(20)]);
    let end = world.node(1).read("/var/log/lab/ends").lines().count();
    world.node(1).kill_daemon().unwrap();
    wait_until("it goes with its daemon", || world.node(1).read("/var/log/lab/ends").lines().count() > end);
    assert_eq!(world.node(1).read("/var/log/lab/ends").lines().nth(end), Some("1"));
    assert_eq!(world.rc(Ours, "b2", "r0"), Some(5));
    assert_eq!(world.rc(Reference, "b2", "r0"), Some(5));
}
