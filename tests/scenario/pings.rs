//! Ping nodes in a scenario: the laboratory's client under three names, which answers or not.

use super::config::PINGS;
use crate::lab::{Failure, Lab, logfile};

/// Notes what the hook `status` is told of ping nodes; of other nodes it is told a number of times that
/// chance decides. Which status this node had when a ping node died is chance too, at its start.
const HOOK: &str = "\
#!/bin/sh
unset HA_OSTATUS
case $HA_info in ping*) . /etc/ha.d/lab/record ;; esac
exec /etc/ha.d/lab/${0##*/} \"$@\"
";

/// The hook.
pub(crate) fn prepare(lab: &Lab) -> Result<(), Failure> {
    for node in lab.nodes() {
        node.must(&["mv", "/etc/ha.d/rc.d/status", "/etc/ha.d/lab/status"])?;
        node.write("/etc/ha.d/rc.d/status", HOOK, 0o755)?;
    }
    Ok(())
}

/// Whether the client answers echo requests from now on.
pub(crate) fn answer(lab: &Lab, answer: bool) -> Result<(), Failure> {
    let ignore = if answer { 0 } else { 1 };
    let output = lab
        .client()
        .command("sysctl")
        .args(["-w", &format!("net.ipv4.icmp_echo_ignore_all={ignore}")])
        .arg(format!("net.ipv6.icmp.echo_ignore_all={ignore}"))
        .output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(Failure::new(String::from_utf8_lossy(&output.stderr).into_owned())),
    }
}

/// What the log says of ping nodes, node by node. When two of them change at once, chance decides who comes
/// first; and how late a living one may be depends on the load of this machine.
pub(crate) fn said(log: &str) -> Vec<String> {
    let of = |name: &str| {
        let name = format!(" {name}:");
        let lines = log.lines().filter(move |line| format!("{line}:").contains(&name));
        let lines = lines.filter_map(|line| line.split_once("]: ")).map(|(_, text)| text);
        let lines = lines.filter(|text| !text.starts_with("WARN: Late heartbeat"));
        // what ours adds to "is dead"
        let lines = lines.filter(|text| !text.contains(": no heartbeat for "));
        lines.map(logfile::without_numbers).collect::<Vec<_>>()
    };
    PINGS.iter().flat_map(|name| of(name)).collect()
}
