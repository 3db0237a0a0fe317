//! What a hangup finds: other keys, files that are wrong, nothing new.

use super::*;

const FIRST_OF_TWO: &str = "auth 1\n1 sha1 TopSecret\n2 md5 AnotherSecret\n";
const SECOND_OF_TWO: &str = "auth 2\n1 sha1 TopSecret\n2 md5 AnotherSecret\n";

/// After a hangup the log says this; nothing moves, and the node has not begun anew.
fn hangup_says(pair: &Pair, node: usize, what: &str, said: &str) {
    let marks = pair.marks();
    pair.hangup(node);
    pair.node(node).wait_for_log(said, marks.log[node - 1], SOON).unwrap();
    pair.be_calm();
    pair.nothing_moved(&format!("{what} on b{node}"), &marks);
    assert_eq!(pair.generation(node), marks.generation[node - 1], "{what}: {}", pair.name());
}

/// To the second key and back, one node after the other.
fn other_keys(pair: &Pair) {
    for text in [FIRST_OF_TWO, SECOND_OF_TWO, FIRST_OF_TWO] {
        for node in [1, 2] {
            pair.write_keys(node, text);
            hangup_says(pair, node, "other keys", "Rereading authentication file.");
        }
    }
}

fn nothing_new(pair: &Pair) {
    for node in [1, 2] {
        hangup_says(pair, node, "nothing new", "Configuration unchanged.");
        // scripts read it at every use
        pair.node(node)
            .write("/etc/ha.d/haresources", &HARESOURCES.replace("one", "one probe::more"), 0o644)
            .unwrap();
        hangup_says(pair, node, "other haresources", "Configuration unchanged.");
        pair.node(node).write("/etc/ha.d/haresources", HARESOURCES, 0o644).unwrap();
    }
}

/// `-r` refuses. A hangup is another way; 3.0.6 does not survive that one.
fn broken(pair: &Pair) {
    let usual = Conf::of("on");
    for node in [1, 2] {
        let marks = pair.marks();
        pair.write_ha_cf(node, &usual.text().replace("deadtime 2000ms", "deadtime soon"));
        let output = pair.node(node).run(&[HEARTBEAT, "-r"]).unwrap();
        assert_eq!(output.status.code(), Some(1), "{}: b{node}", pair.name());
        pair.be_calm();
        pair.nothing_moved("a broken ha.cf", &marks);
        if pair.is_ours(node) {
            let going_on = "Config errors: going on with the configuration of the last start";
            hangup_says(pair, node, "a broken ha.cf", going_on);
            pair.write_ha_cf(node, &usual.text());
            pair.write_keys(node, "auth 1\n2 sha1 TopSecret\n");
            hangup_says(pair, node, "broken authkeys", going_on);
            pair.write_keys(node, "auth 2\n1 sha1 TopSecret\n");
            hangup_says(pair, node, "no key to sign with", going_on);
            pair.node(node).must(&["chmod", "644", "/etc/ha.d/authkeys"]).unwrap();
            pair.age("/etc/ha.d/authkeys", node);
            hangup_says(pair, node, "keys that all can read", going_on);
        }
        pair.write_ha_cf(node, &usual.text());
        pair.write_keys(node, SHA1);
        let marks = pair.marks();
        pair.ask_to_reload(node);
        pair.reloaded(node, &marks);
        pair.be_calm();
        pair.nothing_moved("both files good again", &marks);
    }
}

fn both_files(pair: &Pair) {
    for node in [1, 2] {
        let marks = pair.marks();
        pair.write_ha_cf(node, &Conf { more: "hopfudge 2\n", ..Conf::of("on") }.text());
        pair.write_keys(node, SECOND_OF_TWO);
        pair.hangup(node);
        pair.reloaded(node, &marks);
        pair.be_calm();
        pair.nothing_moved("both files", &marks);
    }
}

pub(super) fn keys_and_files(pair: &Pair) {
    nothing_new(pair);
    broken(pair);
    other_keys(pair);
    both_files(pair);
}
