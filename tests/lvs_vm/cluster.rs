//! The cluster of the tutorials, built and configured.

use std::fs;

use crate::director::Program;
use crate::director::farm::{Farm, Mode};
use crate::guest;
use crate::lab::stage::Stage;
use crate::lab::{Failure, Flavour, Lab};

const HA_CF: &str = "logfile /var/log/ha-log\nlogfacility none\nkeepalive 500ms\nwarntime 3\ndeadtime 6\ninitdead 12\n\
    bcast eth0 eth1\nauto_failback off\nnode b1 b2\n";
const AUTHKEYS: &str = "auth 1\n1 sha1 TwoDirectors\n";
/// Where a director stands in haresources.
#[derive(Clone, Copy)]
pub(crate) enum Director {
    /// Not there.
    Apart,
    /// Before the addresses.
    First,
    /// It begins when the addresses are there, and ends before they go.
    Last,
}

fn haresources(director: Director) -> String {
    let word = |address: &str, device: &str| format!(" IPaddr2::{address}/24/{device}");
    let near: String = (100..104).map(|n| word(&format!("10.80.0.{n}"), "eth0")).collect();
    let word_of = " ldirectord::ldirectord.cf";
    let (first, last) = match director {
        Director::Apart => ("", ""),
        Director::First => (word_of, ""),
        Director::Last => ("", word_of),
    };
    format!("b1{first}{near}{} LVSSyncDaemonSwap::master{last}\n", word("10.81.0.254", "eth1"))
}

pub(crate) const GATE: &str = "10.80.0.100:80";
pub(crate) const MASQ: &str = "10.80.0.101:80";
pub(crate) const IPIP: &str = "10.80.0.102:80";
pub(crate) const PERSISTENT: &str = "10.80.0.103:80";

/// One virtual service as the tutorials write it.
fn virtual_service(at: &str, reals: [&str; 2], method: &str, more: &str) -> String {
    let [one, two] = reals;
    format!(
        "virtual={at}\n\treal={one}:80 {method}\n\treal={two}:80 {method}\n\tfallback=127.0.0.1:80 gate\n\
         \tservice=http\n\trequest=\"index.html\"\n\treceive=\"OK\"\n\tscheduler=rr\n\tprotocol=tcp\n{more}"
    )
}

fn ldirectord_cf(global: &str) -> String {
    let (near, behind) = (["10.80.0.11", "10.80.0.12"], ["10.81.0.13", "10.81.0.14"]);
    [
        format!("checktimeout=3\ncheckinterval=1\nautoreload=yes\nquiescent=no\n{global}"),
        virtual_service(GATE, near, "gate", ""),
        virtual_service(MASQ, behind, "masq", ""),
        virtual_service(IPIP, near, "ipip", ""),
        virtual_service(PERSISTENT, near, "gate", "\tpersistent=600\n"),
    ]
    .concat()
}

/// A real server: it has the virtual addresses, and must not answer ARP for them.
const NEAR: &str = "set -e
echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce
ip addr add 10.80.0.100/32 dev lo
ip addr add 10.80.0.103/32 dev lo
ip link add tunnel type ipip local any remote any 2>/dev/null || ip link set tunl0 name tunnel
ip link set tunnel up
ip addr add 10.80.0.102/32 dev tunnel
for name in all tunnel; do echo 0 >/proc/sys/net/ipv4/conf/$name/rp_filter; done
";
const BEHIND: &str = "ip route add default via 10.81.0.254\n";
const DIRECTOR: &str = "set -e
echo 1 >/proc/sys/net/ipv4/ip_forward
for name in all eth0 eth1; do echo 0 >/proc/sys/net/ipv4/conf/$name/send_redirects; done
";

/// A machine that serves pages.
pub(crate) struct Serving {
    pub(crate) name: &'static str,
    farm: Farm,
    // its end is the machine's
    _stage: Option<Stage>,
}

impl Serving {
    fn on(name: &'static str, stage: &Stage) -> Result<Self, Failure> {
        Ok(Self { name, farm: Farm::on(stage)?, _stage: None })
    }

    fn set(&self, mode: Mode) {
        self.farm.set("0.0.0.0:80".parse().unwrap(), mode);
    }

    pub(crate) fn serves(&self) {
        self.set(Mode::page(200, &format!("OK {}\n", self.name)));
    }

    pub(crate) fn dies(&self) {
        self.set(Mode::Refuse);
    }

    pub(crate) fn answers_wrong(&self) {
        self.set(Mode::page(200, &format!("not well: {}\n", self.name)));
    }
}

/// All of it.
pub(crate) struct Cluster {
    /// rs1 to rs4.
    pub(crate) servers: Vec<Serving>,
    _directors: Vec<Serving>,
    pub(crate) lab: Lab,
}

impl Cluster {
    /// What the directors are to do, with this among their global directives.
    pub(crate) fn direct(&self, global: &str) -> Result<(), Failure> {
        let text = ldirectord_cf(global);
        self.lab.nodes().iter().try_for_each(|node| node.write("/etc/ha.d/ldirectord.cf", &text, 0o644))
    }

    /// What heartbeat is to do.
    pub(crate) fn configure(&self, director: Director) -> Result<(), Failure> {
        let haresources = haresources(director);
        self.lab.nodes().iter().try_for_each(|node| node.configure(HA_CF, AUTHKEYS, &haresources))
    }

    /// Everything is there, no heartbeat runs.
    pub(crate) fn new(program: Program) -> Result<Self, Failure> {
        let lab = Lab::new("lvs", [Flavour::Ours, Flavour::Ours])?;
        for node in lab.nodes() {
            if program == Program::Reference {
                node.write("/usr/sbin/ldirectord", &fs::read_to_string(guest::REFERENCE)?, 0o755)?;
            }
            node.stage().script(&[], DIRECTOR)?;
            // as Debian's ipvsadm does at boot where it is told so: who does not serve listens
            node.must(&["ipvsadm", "--start-daemon", "backup", "--mcast-interface", "eth0"])?;
        }
        let mut servers = Vec::new();
        for (name, network, address, script) in [
            ("rs1", 0, "10.80.0.11", NEAR),
            ("rs2", 0, "10.80.0.12", NEAR),
            ("rs3", 1, "10.81.0.13", BEHIND),
            ("rs4", 1, "10.81.0.14", BEHIND),
        ] {
            let stage = lab.machine(name, network, address)?;
            stage.script(&[], script).map_err(|f| f.of(name))?;
            servers.push(Serving { _stage: None, ..Serving::on(name, &stage)? });
            servers.last_mut().unwrap()._stage = Some(stage);
        }
        // who serves when nobody is left: a page of the director's own
        let names = ["b1", "b2"];
        let directors = names.iter().zip(lab.nodes()).map(|(name, node)| Serving::on(name, node.stage()));
        let directors = directors.collect::<Result<Vec<_>, _>>()?;
        servers.iter().for_each(Serving::serves);
        directors.iter().for_each(|d| d.set(Mode::page(200, &format!("Sorry, says {}\n", d.name))));
        let cluster = Self { servers, _directors: directors, lab };
        cluster.direct("")?;
        Ok(cluster)
    }
}
