//! The laboratory: two nodes, a switch and a client, each in namespaces of its own, on this machine.
//!
//! A [`Lab`] needs nothing but util-linux and iproute2. As root it uses plain namespaces, as an
//! ordinary user it puts a user namespace around them. Nothing in it has a name outside of itself,
//! so that any number of laboratories run side by side; and everything hangs on one process whose
//! end (the test's, by whatever cause) ends it all: see [`stage`].
//!
//! ```text
//!   Lab ── switch (br0, br1) ──┬── v1/w1 ─ node(1) eth0 10.80.0.1, eth1 10.81.0.1
//!                              ├── v2/w2 ─ node(2) eth0 10.80.0.2, eth1 10.81.0.2
//!                              └── vc ──── client  eth0 10.80.0.9
//! ```
//!
//! A node has a host name, a process table, an IPC, network and mount namespace of its own. Over its
//! /etc, /usr and /var lies a private overlay, over /run and /var/log a private tmpfs; a node of
//! [`Flavour::Ours`] has the tree that `scripts/install` laid out between the two, as if it had been
//! installed. A node cannot reboot the machine: the capability is gone, `reboot` and its relatives
//! are masked and only take a note ([`Node::reboots_asked`]), and in a process namespace the system
//! call could reach nothing but the node itself.
//!
//! Waiting is always for a condition, up to a deadline: [`Lab::wait_until`], [`Node::wait_for_log`], [`Lab::at_rest`].

#![allow(dead_code, reason = "each test program uses a part of the laboratory")]

pub(crate) mod calls;
pub(crate) mod failure;
pub(crate) mod flavour;
pub(crate) mod logfile;
pub(crate) mod network;
pub(crate) mod node;
pub(crate) mod program;
pub(crate) mod rest;
pub(crate) mod serial;
pub(crate) mod skip;
pub(crate) mod stage;
pub(crate) mod watch;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

pub(crate) use failure::{Failure, bail};
pub(crate) use flavour::Flavour;
use network::Cable;
pub(crate) use node::Node;
use serial::{Carries, SerialCable};
pub(crate) use skip::cannot;
use stage::Stage;

/// How often a condition is looked at while something waits for it.
const POLL: Duration = Duration::from_millis(50);

/// Two nodes, a switch and a client.
pub(crate) struct Lab {
    name: String,
    nodes: Vec<Node>,
    client: Stage,
    serial: Option<SerialCable>,
    // last: its end is the end of all the others
    switch: Stage,
}

impl Lab {
    /// Both nodes booted and cabled, nothing started. `name` only appears in messages.
    pub(crate) fn new(name: &str, flavours: [Flavour; 2]) -> Result<Self, Failure> {
        stage::check_tools()?;
        let switch = Stage::outermost("mount -t tmpfs -o mode=755 tmpfs /mnt")?;
        if flavours.contains(&Flavour::Ours) {
            flavour::install(&switch)?;
        }
        let mut nodes = Vec::new();
        for (index, flavour) in (1..).zip(flavours) {
            nodes.push(Node::boot(&switch, index, flavour)?);
        }
        let client = Stage::within(&switch, "hostname client; mount -t sysfs sysfs /sys || true")?;
        let lab = Self { name: name.to_owned(), nodes, client, serial: None, switch };
        network::build(&lab.switch, [lab.node(1).stage(), lab.node(2).stage()], &lab.client)?;
        Ok(lab)
    }

    /// The name given to [`Lab::new`].
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Node 1 or node 2.
    pub(crate) fn node(&self, index: usize) -> &Node {
        match self.nodes.get(index.wrapping_sub(1)) {
            Some(node) => node,
            None => unreachable!("a laboratory has nodes 1 and 2, not {index}"),
        }
    }

    /// Both nodes.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The virtual addresses that each node holds, at one moment.
    pub(crate) fn holdings(&self) -> [BTreeSet<String>; 2] {
        network::held_at_once([1, 2].map(|node| self.node(node).stage().init()))
    }

    /// What each real daemon logged.
    pub(crate) fn real_logs(&self) -> impl Iterator<Item = String> {
        self.nodes().iter().filter(|node| node.flavour() == Flavour::Reference).map(|node| node.log())
    }

    /// Who holds each of these addresses.
    pub(crate) fn owners(&self, addresses: [&str; 2]) -> [&'static str; 2] {
        let [first, second] = self.holdings();
        addresses.map(|address| match (first.contains(address), second.contains(address)) {
            (false, false) => "nobody",
            (true, false) => "b1",
            (false, true) => "b2",
            (true, true) => "both",
        })
    }

    /// The client's place: its processes see the nodes over the network only.
    pub(crate) fn client(&self) -> &Stage {
        &self.client
    }

    /// One more machine, on one of the two networks: this address and nothing else. Its end of the cable is eth0 or eth1,
    /// as the network's number is.
    pub(crate) fn machine(&self, name: &str, network: usize, address: &str) -> Result<Stage, Failure> {
        let stage = Stage::within(&self.switch, &format!("hostname {name}"))?;
        self.switch
            .script(&[], &format!("set -e\n{}", network::plug(&format!("x{name}"), network, &stage)))?;
        let script = format!(
            "set -e\nip link set lo up\nip addr add {address}/24 brd + dev eth{network}\nip link set eth{network} up\n"
        );
        stage.script(&[], &script)?;
        Ok(stage)
    }

    /// Pull a cable at the switch.
    pub(crate) fn cut(&self, cable: Cable) -> Result<(), Failure> {
        network::set(&self.switch, cable, false)
    }

    /// Plug it in again.
    pub(crate) fn heal(&self, cable: Cable) -> Result<(), Failure> {
        network::set(&self.switch, cable, true)
    }

    /// Pull these cables and plug them in again after so long, in one go; how long that took in truth.
    pub(crate) fn blink(&self, cables: &[Cable], long: Duration) -> Result<Duration, Failure> {
        let set = |up| cables.iter().map(|cable| network::order(*cable, up)).collect::<String>();
        let told = self.switch.script(&[], &stage::timed(&set(false), long, &set(true)))?;
        stage::elapsed(&told)
    }

    /// A new interface where the old one of that cable was deleted.
    pub(crate) fn replug(&self, cable: Cable) -> Result<(), Failure> {
        network::replug(&self.switch, cable, self.node(cable.node))
    }

    /// Lay a serial cable between the nodes, or a new one in place of the old.
    pub(crate) fn lay_serial_cable(&mut self) -> Result<(), Failure> {
        self.serial = None;
        self.serial = Some(SerialCable::lay(&self.nodes)?);
        Ok(())
    }

    /// Pull out the serial devices on both nodes: they hang up.
    pub(crate) fn pull_out_serial(&mut self) {
        self.serial = None;
    }

    /// Cut the serial cable, heal it, or let it get stuck.
    pub(crate) fn set_serial(&self, carries: Carries) -> Result<(), Failure> {
        match &self.serial {
            Some(cable) => cable.set(carries),
            None => bail!("{}: there is no serial cable", self.name),
        }
        Ok(())
    }

    /// Noise on the serial line: these bytes come in at a node, between those of the other one.
    pub(crate) fn inject_serial(&self, node: usize, bytes: &[u8]) -> Result<(), Failure> {
        match &self.serial {
            Some(cable) => cable.inject(node, bytes),
            None => bail!("{}: there is no serial cable", self.name),
        }
    }

    /// Drop this share of the packets that come out of a cable's node end; 0 for none.
    pub(crate) fn loss(&self, cable: Cable, percent: u8) -> Result<(), Failure> {
        network::loss(&self.switch, cable, percent)
    }

    /// The power goes: every process dead and the addresses forgotten in one go, then off the wire, and everything
    /// under /run forgotten. Whoever lived on without cables, on a busy machine for seconds, would take over.
    pub(crate) fn crash(&self, index: usize) -> Result<(), Failure> {
        let node = self.node(index);
        network::lose_power(node)?;
        for network in 0..network::NETWORKS {
            self.cut(Cable { node: index, network })?;
        }
        node.forget_run()
    }

    /// The power comes back: the cables carry again. What starts at boot is up to the caller.
    pub(crate) fn power_on(&self, index: usize) -> Result<(), Failure> {
        for network in 0..network::NETWORKS {
            self.heal(Cable { node: index, network })?;
        }
        Ok(())
    }

    /// Wait until `condition` holds. It says what is missing as an error, which the failure quotes.
    pub(crate) fn wait_until(
        &self,
        what: &str,
        within: Duration,
        condition: impl FnMut() -> Result<(), String>,
    ) -> Result<(), Failure> {
        wait_until(what, within, condition)
    }
}

/// As [`Lab::wait_until`], for whoever has no laboratory at hand.
pub(crate) fn wait_until(
    what: &str,
    within: Duration,
    mut condition: impl FnMut() -> Result<(), String>,
) -> Result<(), Failure> {
    let deadline = Instant::now() + within;
    loop {
        let missing = match condition() {
            Ok(()) => return Ok(()),
            Err(missing) => missing,
        };
        if Instant::now() >= deadline {
            bail!("{what}: not within {:.1} s: {missing}", within.as_secs_f64());
        }
        std::thread::sleep(POLL);
    }
}

/// As [`wait_until`], for a condition that has nothing more to say.
pub(crate) fn until(what: &str, within: Duration, mut so: impl FnMut() -> bool) -> Result<(), Failure> {
    wait_until(what, within, || if so() { Ok(()) } else { Err("not so".to_owned()) })
}

/// What a script prints on a node, where it succeeds; else the test fails.
#[allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]
pub(crate) fn shell(node: &Node, script: &str) -> String {
    node.must(&["sh", "-c", script]).unwrap()
}

/// A story of b1 of either flavour, or only of ours where the reference cannot be had, beside b2 of ours.
#[allow(clippy::unwrap_used, reason = "in a test program a panic is a failure that points at its line")]
pub(crate) fn each_flavour(name: &str, story: impl Fn(&Lab, Flavour)) {
    for flavour in [Flavour::Ours, Flavour::Reference] {
        if !missing(&[flavour]) {
            story(&Lab::new(&format!("{name}-{flavour}"), [flavour, Flavour::Ours]).unwrap(), flavour);
        }
    }
}

/// Whether a test that needs these flavours cannot run here, which it then says: see [`cannot`].
pub(crate) fn missing(flavours: &[Flavour]) -> bool {
    let reason = flavours.iter().find_map(|flavour| flavour.unavailable());
    if let Some(reason) = &reason {
        cannot(reason);
    }
    reason.is_some()
}
