//! heartbeat's own `BasicSanityCheck`, as Debian ships it: over our daemon it complains of nothing that it
//! does not complain of over the real one, on the same machine.
//!
//! It writes to /etc/ha.d, /tmp and a setting of the kernel: each run has a node of the laboratory for itself.

#![allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]

mod lab;

use lab::{Flavour, Lab, Node, missing};
use std::collections::BTreeSet;
use std::time::Duration;

const CHECK: &str = "/usr/share/heartbeat/BasicSanityCheck";
/// Alone on its machine it takes three minutes; each complaint may cost it one more.
const LIMIT: Duration = Duration::from_secs(1500);

/// What the script expects of a machine and Debian does not have: the programs in the directory of old, a
/// default route. What it must not reach: the machine's /tmp and its kernel setting.
const PREPARATION: &str = "\
set -e
mount -t tmpfs -o mode=1777 tmpfs /tmp
touch /tmp/core_uses_pid
mount --bind /tmp/core_uses_pid /proc/sys/kernel/core_uses_pid
for program in ccm ipfail apphbd apphbtest; do
    ln -sf /usr/libexec/heartbeat/$program /usr/lib/heartbeat/$program
done
ip route add default via 10.80.0.9
";

/// What a run had to say.
struct Outcome {
    /// Its complaints, without what differs from run to run, each once.
    complaints: BTreeSet<String>,
    /// Everything, for whoever reads the failure.
    output: String,
    log: String,
}

fn run(flavour: Flavour) -> Outcome {
    let lab = Lab::new(&format!("sanity-{flavour}"), [flavour, flavour]).unwrap();
    let node = lab.node(1);
    node.must(&["sh", "-c", PREPARATION]).unwrap();
    node.must(&["sh", "-c", &format!("(setsid sh {CHECK} >/tmp/output 2>&1; echo $? >/tmp/code) &")])
        .unwrap();
    lab.wait_until("the end of BasicSanityCheck", LIMIT, || match node.read("/tmp/code") {
        code if code.ends_with('\n') => Ok(()),
        _ => Err(node.read("/tmp/output")),
    })
    .unwrap();
    let output = node.read("/tmp/output");
    assert!(output.contains("Checking STONITH basic sanity."), "{flavour}: it gave up early:\n{output}");
    Outcome { complaints: complaints(&output), log: log(node), output }
}

fn log(node: &Node) -> String {
    node.read("/tmp/linux-ha.testlog")
}

/// What the script says of its progress, and of programs that have nothing to do with the daemon: the plugins of
/// stonith, and apphbd, whose tests lose their race now and then.
const NO_COMPLAINT: [&str; 18] = [
    "Using interface",
    "Starting ",
    "Stopping ",
    "Checking ",
    "Performing ",
    "Reloading ",
    "Testing RA: ",
    "tests succeeded",
    "Done.",
    "errors. Log file is stored",
    "/usr/lib/stonith/plugins",
    "import telnetlib",
    "stonith plugin",
    "apphb",
    "'failtest'",
    "WARN:.*hangup",
    "type=setint",
    "ERROR: Found ",
];

/// The lines of the output that complain: the script's own, and the errors that it cites from the daemon's log.
fn complaints(output: &str) -> BTreeSet<String> {
    let lines = output.lines().filter(|line| !NO_COMPLAINT.iter().any(|p| line.contains(p)));
    let told = lines.flat_map(|line| match line.contains("]: ERROR: ") || line.contains("]: CRIT: ") {
        true => lab::logfile::errors(line).iter().map(|text| without_chance(text)).collect(),
        false => vec![without_chance(line)],
    });
    told.filter(|line| !line.is_empty()).collect()
}

/// Without the directory of the log, and with one digit for every number.
fn without_chance(line: &str) -> String {
    let line = line.split(" in /tmp/").next().unwrap_or_default();
    line.trim().chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
}

#[test]
fn our_daemon_draws_no_complaint_that_the_real_one_does_not() {
    if missing(&[Flavour::Reference]) {
        return;
    }
    let reference = run(Flavour::Reference);
    println!("--- reference\n{}\n{:#?}", reference.output, reference.complaints);
    let ours = run(Flavour::Ours);
    println!("--- ours\n{}\n{:#?}", ours.output, ours.complaints);
    let new: Vec<_> = ours.complaints.difference(&reference.complaints).collect();
    assert!(new.is_empty(), "only of ours: {new:#?}\n{}\nits log:\n{}", ours.output, ours.log);
}

#[test]
fn complaints_are_told_from_progress() {
    let output = "Using interface: eth0\nStarting heartbeat\nDoes not look like we ARPed the address\n\
        ERROR: Did not find [2:2] occurances of x in /tmp/lha-dir-7-1/log Sun Nov 22 2026\n\
        Nov 22 00:29:27 b1 heartbeat: [30]: ERROR: Both machines own our resources!\n\
        3 errors. Log file is stored in /tmp/linux-ha.testlog\n";
    let found: Vec<String> = complaints(output).into_iter().collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.contains(&"ERROR: Both machines own our resources!".to_owned()), "{found:?}");
    assert!(found.contains(&"Does not look like we ARPed the address".to_owned()), "{found:?}");
}
