//! `/etc/init.d/heartbeat` with our daemon below it, beside Debian's with the real one. (All verbs in all
//! states, scripts only: tests/initscript.rs.)

use super::*;

const SCRIPT: &str = "/etc/init.d/heartbeat";

fn course(node: &Node) -> Vec<(String, Said)> {
    let mut answers = Vec::new();
    let mut asks = |state: &str, verbs: &[&str]| {
        for verb in verbs {
            answers.push((format!("{state}: {verb}"), ask(node, &[SCRIPT, verb])));
        }
    };
    shell(node, "rm /etc/ha.d/ha.cf");
    asks(
        "no ha.cf",
        &["start", "stop", "status", "restart", "reload", "force-reload", "standby", "nonsense"],
    );
    node.write("/etc/ha.d/ha.cf", &format!("{HA_CF}foo\n"), 0o644).unwrap();
    asks("broken", &["start", "status", "stop"]);
    node.write("/etc/ha.d/ha.cf", HA_CF, 0o644).unwrap();
    asks("stopped", &["status", "stop", "standby", "nonsense"]);
    let mark = node.log().len();
    asks("start", &["start"]);
    node.wait_for_log(ALONE, mark, SOON).unwrap();
    asks("running", &["status", "start", "reload", "force-reload", "standby", "nonsense", "status"]);
    assert_eq!(shell(node, "ls /var/lock/subsys"), "heartbeat\n");
    asks("running", &["stop", "status", "stop"]);
    assert_eq!(shell(node, "ls /var/lock/subsys"), "");
    let mark = node.log().len();
    asks("stopped", &["restart"]);
    node.wait_for_log(ALONE, mark, SOON).unwrap();
    asks("restarted", &["status"]);
    answers
}

#[test]
fn every_verb() {
    let Some(lab) = beside_the_reference("init") else { return };
    apart(&lab);
    let [ours, theirs] = at_once(&lab, course);
    assert!(ours.len() > 20 && ours.len() == theirs.len());
    for ((what, ours), (_, theirs)) in ours.iter().zip(&theirs) {
        assert_eq!(ours.code, theirs.code, "{what}: {ours:?}");
        // ours may say more about a broken file
        let of_the_machine = |m: &&str| !["ore dump", "Consider setting"].iter().any(|w| m.contains(w));
        let wanted: Vec<String> =
            messages(&theirs.out).into_iter().filter(of_the_machine).map(neutral).collect();
        in_order(&neutral(&ours.out), &wanted.iter().map(String::as_str).collect::<Vec<_>>());
        if !what.starts_with("broken") {
            assert_eq!(neutral(&ours.out), neutral(&theirs.out), "{what}");
        }
    }
}
