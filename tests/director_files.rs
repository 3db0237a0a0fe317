//! What stands around ldirectord, in a guest: init script, OCF agent, the resources of haresources.
//!
//! `tests/vectors/ldirectord/files/*.txt` is what Debian's script and agent returned with the Perl program; the same
//! course is played with ours. `tests/director_files/course.sh init /etc/init.d/ldirectord` in a guest records it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod guest;

#[path = "director_files/group.rs"]
mod group;
#[path = "lab/skip.rs"]
mod skip;
#[path = "director_files/swap.rs"]
mod swap;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const HOME: &str = env!("CARGO_MANIFEST_DIR");

/// Where ours returns something else, and what; docs/compatibility.md tells why.
const INIT: [(&str, &str); 1] = [(
    "running, broken configuration: status: 2 Running ldirectord: status failed!",
    "running, broken configuration: status: 0 Running ldirectord: status.",
)];
const OCF: [(&str, &str); 6] = [
    ("no configuration: nonsense: 5", "no configuration: nonsense: 3"),
    ("no configuration: status: 5", "no configuration: status: 3"),
    ("no configuration: stop: 5", "no configuration: stop: 0"),
    ("running, broken configuration: validate-all: 0", "running, broken configuration: validate-all: 6"),
    ("running, broken configuration: monitor: 1", "running, broken configuration: monitor: 0"),
    ("stopped, broken configuration: monitor: 1", "stopped, broken configuration: monitor: 7"),
];

const NETWORK: &str = "
modprobe ip_vs
ip link set lo up
ip link add eth0 type dummy
ip link add eth1 type dummy
ip addr add 10.7.0.9/24 dev eth0
ip link set eth0 up
ip link set eth1 up
";

#[test]
fn scripts_around_ldirectord_do_what_those_of_the_reference_do() {
    let wants = guest::Wants {
        test: "scripts_around_ldirectord_do_what_those_of_the_reference_do",
        memory: 512,
        limit: 300,
        programs: &["/usr/sbin/ipvsadm"],
    };
    guest::run(&wants, inside);
}

fn inside() {
    prepare();
    for (kind, script, known) in [
        ("init", "/etc/init.d/ldirectord", &INIT[..]),
        ("ocf", "/usr/lib/ocf/resource.d/heartbeat/ldirectord", &OCF),
    ] {
        let recorded = format!("{HOME}/tests/vectors/ldirectord/files/{kind}.txt");
        let recorded = fs::read_to_string(recorded).unwrap();
        let course = format!("{HOME}/tests/director_files/course.sh");
        let ours = told(&run(&[&course, kind, script]));
        let expected = recorded.lines().map(|line| {
            let differs = known.iter().find(|(theirs, _)| *theirs == line);
            differs.map_or(line, |(_, ours)| ours)
        });
        let ours: Vec<&str> = ours.lines().collect();
        assert_eq!(ours, expected.collect::<Vec<_>>(), "{kind}");
        assert!(known.iter().all(|(theirs, _)| recorded.lines().any(|line| line == *theirs)), "{kind}");
    }
    swap::all();
    group::all();
}

/// Ours laid over the guest's root, a network, and IPVS.
fn prepare() {
    let programs = std::env::current_exe().unwrap();
    let programs = programs.parent().and_then(Path::parent).unwrap();
    must(&[&format!("{HOME}/scripts/install"), "--destdir", "/", "--bin-dir", programs.to_str().unwrap()]);
    guest::sh(NETWORK);
}

fn run(words: &[&str]) -> Output {
    Command::new(words[0]).args(&words[1..]).output().unwrap()
}

/// Runs what must not fail; what it printed.
fn must(words: &[&str]) -> String {
    let output = run(words);
    assert!(output.status.success(), "{words:?}: {output:?}");
    told(&output)
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
