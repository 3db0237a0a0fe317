//! What may be changed in ha.cf and haresources.

use super::{Conf, Pair};

const FAST: &str = "keepalive 100ms\nwarntime 700ms\ndeadtime 1500ms\ninitdead 4000ms\n";

/// A course through all that an administrator changes in a running pair.
pub(super) fn course(pair: &Pair) {
    let usual = Conf::of(pair.failback);
    pair.reload("nothing but the time of ha.cf", 1, &usual);
    let faster = Conf { timing: FAST, ..usual.clone() };
    pair.reload("shorter times", 1, &faster);
    pair.reload("shorter times", 2, &faster);
    pair.reload("the usual times", 2, &usual);
    let both = Conf { media: "bcast eth0\nbcast eth1\n", ..usual.clone() };
    pair.reload("a second network", 1, &both);
    pair.reload("a second network", 2, &both);
    let second = Conf { media: "bcast eth1\n", ..usual.clone() };
    pair.reload("the first network taken out", 1, &second);
    let netstrings = Conf { more: "msgfmt netstring\n", ..second.clone() };
    pair.reload("netstrings", 1, &netstrings);
    let elsewhere = Conf { logfile: "/var/log/ha-log-two", ..second.clone() };
    let marks = pair.marks();
    pair.reload("the log in another file", 1, &elsewhere);
    let (old, new) = (pair.node(1).log(), pair.node(1).read("/var/log/ha-log-two"));
    assert!(new.contains("local status") || new.contains("Local status"), "{}: {new}", pair.name());
    assert!(!old[marks.log[0]..].contains("Local status now set to: 'active'"), "{}", pair.name());
}

/// One node after the other, from each mode to each other one. 3.0.6 does not survive the way out of the old
/// protocol: it ends in the middle of its restart, and leaves its addresses up.
pub(super) fn another_failback_mode(pair: &Pair) {
    let there = ["off", "on", "off", "legacy"];
    let back: &[&'static str] =
        if pair.is_ours(1) && pair.is_ours(2) { &["off", "on", "legacy", "on"] } else { &[] };
    for failback in there.iter().chain(back) {
        for node in [1, 2] {
            pair.reload(failback, node, &Conf::of(failback));
        }
    }
}
