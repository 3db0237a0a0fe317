//! `LVSSyncDaemonSwap`: what the kernel has after each verb, read back by ipvsadm, with ipvsadm and without.

use std::fs;

use crate::{must, run, told};

const SCRIPT: &str = "/etc/ha.d/resource.d/LVSSyncDaemonSwap";
/// The program under another name: as if it were not there.
const HIDDEN: &str = "/usr/sbin/ipvsadm.hidden";
const PROGRAM: &str = "/usr/sbin/ipvsadm";

/// Arguments, exit code, what it prints (of process ids only that there is one), what the kernel has then.
const COURSE: [(&str, i32, &str, &str); 18] = [
    ("master status", 3, "master stopped", ""),
    ("backup start", 0, "", "backup eth0"),
    ("backup status", 0, "backup running (ipvs_syncbackup pid: N)", "backup eth0"),
    ("master status", 3, "master stopped (ipvs_syncbackup pid: N)", "backup eth0"),
    ("master start", 0, "", "master eth0"),
    ("master start", 0, "", "master eth0"),
    ("master monitor", 0, "master running (ipvs_syncmaster pid: N)", "master eth0"),
    ("backup monitor", 7, "backup stopped (ipvs_syncmaster pid: N)", "master eth0"),
    ("master stop", 0, "", "backup eth0"),
    ("master stop", 0, "", "backup eth0"),
    ("master eth1 start", 0, "", "master eth1"),
    ("backup eth1 stop", 0, "", "master eth1"),
    ("master start", 0, "", "master eth0"),
    ("master nosuch stop", 0, "", ""),
    ("master nosuch start", 1, "", ""),
    ("both start", 1, "", ""),
    ("master eth0 nonsense", 1, "", ""),
    ("master cleanup", 0, "", ""),
];

pub(crate) fn all() {
    course(PROGRAM);
    fs::rename(PROGRAM, HIDDEN).unwrap();
    course(HIDDEN);
    let ours = "/usr/libexec/heartbeat/ipvs_sync";
    must(&[SCRIPT, "backup", "eth1", "start"]);
    assert_eq!(must(&[ours, "-L", "--daemon"]), must(&[HIDDEN, "-L", "--daemon"]));
    must(&[SCRIPT, "master", "cleanup"]);
    fs::remove_file(ours).unwrap();
    let output = run(&[SCRIPT, "master", "status"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ERROR: Can not find ipvsadm"), "{output:?}");
    fs::rename(HIDDEN, PROGRAM).unwrap();
}

fn course(ipvsadm: &str) {
    for (line, code, says, has) in COURSE {
        let words: Vec<&str> = [SCRIPT].into_iter().chain(line.split(' ')).collect();
        let output = run(&words);
        assert_eq!(output.status.code(), Some(code), "{line}: {output:?}");
        assert_eq!(spoken(&told(&output)), says, "{line}");
        assert_eq!(kernel(ipvsadm), has, "after {line}");
    }
}

/// On one line, numbers of processes without their digits.
fn spoken(text: &str) -> String {
    let digits = |c: char| c.is_ascii_digit();
    let line = |line: &str| match line.split_once("pid: ") {
        Some((head, tail)) if tail.starts_with(digits) => {
            format!("{head}pid: N{}", tail.trim_start_matches(digits))
        }
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join(" ")
}

/// `ROLE INTERFACE` of each daemon.
fn kernel(ipvsadm: &str) -> String {
    let lines = must(&[ipvsadm, "-L", "--daemon"]);
    let daemon = |line: &str| {
        let (role, rest) = line.split_once(" sync daemon (mcast=").unwrap();
        format!("{role} {}", rest.split(',').next().unwrap())
    };
    lines.lines().map(daemon).collect::<Vec<_>>().join(" ")
}
