//! Cables and the switch; which addresses a node holds.

use std::collections::BTreeSet;
use std::fs;

use super::stage::Stage;
use super::{Failure, Node};

/// Every node has eth0 and eth1.
pub(crate) const NETWORKS: usize = 2;

/// The cable between a node and one of the two switches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cable {
    pub(crate) node: usize,
    pub(crate) network: usize,
}

impl Cable {
    /// The name of its end at the switch.
    fn port(self) -> String {
        format!("{}{}", if self.network == 0 { 'v' } else { 'w' }, self.node)
    }
}

/// A node's own address: 10.80.0.1 is node 1 on eth0, 10.81.0.1 on eth1.
pub(crate) fn address(node: usize, network: usize) -> String {
    format!("10.{}.0.{node}", 80 + network)
}

/// And by IPv6: fd80::1 is node 1 on eth0, fd81::1 on eth1.
pub(crate) fn address6(node: usize, network: usize) -> String {
    format!("fd{}::{node}", 80 + network)
}

/// Draw the cables.
pub(crate) fn build(switch: &Stage, nodes: [&Stage; 2], client: &Stage) -> Result<(), Failure> {
    let mut script = String::from("set -e\n");
    for network in 0..NETWORKS {
        script += &format!(
            "ip link add br{network} type bridge stp_state 0 mcast_snooping 0 forward_delay 0\n\
             ip link set br{network} up\n"
        );
        for (node, stage) in (1..).zip(nodes) {
            script += &plug(&Cable { node, network }.port(), network, stage);
        }
    }
    script += &plug("vc", 0, client);
    switch.script(&[], &script)?;
    for (node, stage) in (1..).zip(nodes) {
        stage.script(&[], &format!("set -e\nip link set lo up\n{}", addresses(node)))?;
    }
    client.script(
        &[],
        "set -e\nip link set lo up\nip addr add 10.80.0.9/24 brd + dev eth0\n\
         ip -6 addr add fd80::9/64 dev eth0 nodad\nip link set eth0 up\n",
    )?;
    Ok(())
}

/// Lay a cable from a port of a switch to a stage.
pub(crate) fn plug(port: &str, network: usize, stage: &Stage) -> String {
    format!(
        "ip link add {port} type veth peer name eth{network} netns {}\nip link set {port} master br{network} up\n",
        stage.init()
    )
}

fn addresses(node: usize) -> String {
    (0..NETWORKS).map(|network| addresses_of(Cable { node, network })).collect()
}

fn addresses_of(Cable { node, network: n }: Cable) -> String {
    format!(
        "ip addr flush dev eth{n}\nip addr add {}/24 brd + dev eth{n}\n\
         ip -6 addr add {}/64 dev eth{n} nodad\nip link set eth{n} up\n",
        address(node, n),
        address6(node, n)
    )
}

/// A new interface in place of one that was deleted, with the addresses of the old one.
pub(crate) fn replug(switch: &Stage, cable: Cable, node: &Node) -> Result<(), Failure> {
    switch.script(&[], &format!("set -e\n{}", plug(&cable.port(), cable.network, node.stage())))?;
    node.stage().script(&[], &format!("set -e\n{}", addresses_of(cable))).map(drop)
}

/// No process, and only the addresses that a node has after a boot.
pub(crate) fn lose_power(node: &Node) -> Result<(), Failure> {
    let script = format!("kill -9 -1 || true\nset -e\n{}", addresses(node.index()));
    node.stage().script(&["--pid"], &script).map(drop)
}

/// Pull or plug.
pub(crate) fn set(switch: &Stage, cable: Cable, up: bool) -> Result<(), Failure> {
    switch.script(&[], &order(cable, up)).map(drop)
}

/// The command for it.
pub(crate) fn order(cable: Cable, up: bool) -> String {
    format!("ip link set {} {}\n", cable.port(), if up { "up" } else { "down" })
}

/// Random loss by a classic packet filter at the port: it works without the netem module, and in a
/// user namespace. `len; random; if above limit...`: 4294963256 is SKF_AD_RANDOM.
pub(crate) fn loss(switch: &Stage, cable: Cable, percent: u8) -> Result<(), Failure> {
    let port = cable.port();
    let limit = u64::from(percent.min(100)) * 0xffff_ffff / 100;
    let mut script = format!("tc qdisc del dev {port} clsact 2>/dev/null || true\n");
    if percent > 0 {
        script += &format!(
            "set -e\ntc qdisc add dev {port} clsact\n\
             tc filter add dev {port} ingress bpf da bytecode '4,32 0 0 4294963256,37 0 1 {limit},6 0 0 4294967295,6 0 0 2'\n"
        );
    }
    switch.script(&[], &script).map(drop)
}

/// Every IPv4 address the node has beyond those of [`address`] and loopback: the virtual ones.
///
/// Read from the kernel's routing trie, in which local addresses are marked: no process is started.
pub(crate) fn held(node: &Node) -> BTreeSet<String> {
    held_at(node.stage().init(), node.index())
}

/// The same of both nodes, by the processes that are their first, as it was at one moment: they are asked one after the
/// other, and what moved from b1 to b2 meanwhile would be seen twice.
pub(crate) fn held_at_once(inits: [u32; 2]) -> [BTreeSet<String>; 2] {
    let [one, two] = inits;
    let [mut first, second] = [held_at(one, 1), held_at(two, 2)];
    if !first.is_disjoint(&second) {
        let still = held_at(one, 1);
        first.retain(|address| !second.contains(address) || still.contains(address));
    }
    [first, second]
}

fn held_at(init: u32, index: usize) -> BTreeSet<String> {
    let trie = fs::read_to_string(format!("/proc/{init}/net/fib_trie")).unwrap_or_default();
    let own: Vec<_> = (0..NETWORKS).map(|n| address(index, n)).collect();
    let mut last = "";
    let mut held = BTreeSet::new();
    for line in trie.lines().map(str::trim_start) {
        if let Some(prefix) = line.strip_prefix("|-- ") {
            last = prefix;
        } else if line.starts_with("/32 host LOCAL")
            && !last.starts_with("127.")
            && !own.iter().any(|a| a == last)
        {
            held.insert(last.to_owned());
        }
    }
    held
}
