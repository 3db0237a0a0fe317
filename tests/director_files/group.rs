//! A group of haresources with a director in it, taken and given by our ResourceManager: before the address and after.

use std::fs;

use crate::{must, run, told};

const MANAGER: &str = "/usr/share/heartbeat/ResourceManager";
const LOG: &str = "/var/log/ha-log";
const CONFIG: &str =
    "checkinterval=1\nquiescent=no\nvirtual=10.7.0.100:80\n\treal=10.7.0.1:80 gate\n\tchecktype=on\n";
const HA_CF: &str =
    "logfacility none\nlogfile /var/log/ha-log\nkeepalive 1\ndeadtime 10\nucast eth0 10.7.0.9\nnode NODE\n";
/// In this order: what serves is there before packets come; and packets come before.
const GROUPS: [&str; 2] = [
    "ldirectord::ldirectord.cf LVSSyncDaemonSwap::master IPaddr2::10.7.0.100/24/eth0",
    "IPaddr2::10.7.0.100/24/eth0 LVSSyncDaemonSwap::master::eth0 ldirectord::ldirectord.cf",
];

pub(crate) fn all() {
    let node = must(&["uname", "-n"]).trim().to_owned();
    fs::write("/etc/ha.d/ldirectord.cf", CONFIG).unwrap();
    fs::write("/etc/ha.d/ha.cf", HA_CF.replace("NODE", &node)).unwrap();
    for group in GROUPS {
        fs::write("/etc/ha.d/haresources", format!("{node} {group}\n")).unwrap();
        let key = group.split(' ').next().unwrap();
        for _ in 0..2 {
            must(&["env", &format!("HA_LOGFILE={LOG}"), MANAGER, "takegroup", key]);
            let words: Vec<&str> = group.split(' ').collect();
            assert_eq!(words.iter().map(|word| runs(word)).collect::<Vec<_>>(), [true; 3], "{group}");
            assert_eq!(there(), (true, true, true), "{group}");
        }
        // The second taking found everything running, and started nothing.
        let log = fs::read_to_string(LOG).unwrap();
        let started =
            log.lines().filter(|line| line.contains("resource.d/ldirectord ldirectord.cf start")).count();
        assert_eq!(started, 1, "{log}");
        fs::remove_file(LOG).unwrap();
        must(&[MANAGER, "givegroup", key]);
        assert_eq!(there(), (false, false, false), "{group}");
        assert_eq!(must(&["ipvsadm", "-L", "--daemon"]).split(' ').next(), Some("backup"), "{group}");
        assert!(!runs("ldirectord::ldirectord.cf"), "{group}");
    }
}

fn runs(resource: &str) -> bool {
    run(&[MANAGER, "status", resource]).status.success()
}

/// Whether the service, the sync daemon's master and the address are there, as the kernel says.
fn there() -> (bool, bool, bool) {
    let table = must(&["ipvsadm", "-L", "-n"]);
    let addresses = told(&run(&["ip", "-4", "addr", "show", "dev", "eth0"]));
    (
        table.contains("-> 10.7.0.1:80 "),
        must(&["ipvsadm", "-L", "--daemon"]).starts_with("master "),
        addresses.contains("10.7.0.100/24"),
    )
}
