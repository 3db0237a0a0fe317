//! The configuration of a scenario's pair: one base, and the dimensions in which scenarios differ.

use crate::lab::network::{address, address6};
use crate::lab::node::LOG;
use crate::lab::serial::DEVICE;

/// The dimensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Config {
    pub(crate) auto_failback: &'static str,
    pub(crate) medium: Medium,
    /// The second line of authkeys, after its number.
    pub(crate) key: &'static str,
    pub(crate) msgfmt: &'static str,
    /// The client of the laboratory is a ping node under three names.
    pub(crate) pings: bool,
    /// Several groups for each node, with several resources.
    pub(crate) many_groups: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Medium {
    Bcast,
    Mcast,
    Ucast,
    /// To the group of this scope.
    Mcast6(&'static str),
    Ucast6,
    Serial,
    /// Two roads each.
    SerialAndBcast,
    TwoBcasts,
    TwoUcasts,
}

/// What carries a medium from node to node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Road {
    Net(usize),
    Serial,
}

/// A key of 15 characters: an odd length, with the characters that other parsers trip over.
pub(crate) const ODD_KEY: &str = "md5 k#y;$=\"'\\>>><!";
/// The names of the ping nodes.
pub(crate) const PINGS: [&str; 3] = ["10.80.0.9", "fd80::9", "gateways"];
pub(crate) const SHA1: &str = "sha1 ThisIsTheSharedSecretOfTheLab";

/// For all roads that are compared with a serial one: scripts see it in their environment.
const BAUD: &str = "baud 115200\n";

impl Config {
    /// What most scenarios use.
    pub(crate) fn with_failback(auto_failback: &'static str) -> Self {
        Self {
            auto_failback,
            medium: Medium::Bcast,
            key: SHA1,
            msgfmt: "classic",
            pings: false,
            many_groups: false,
        }
    }

    pub(crate) fn ha_cf(&self) -> String {
        let Self { auto_failback, msgfmt, .. } = self;
        format!(
            "logfile {LOG}\nlogfacility none\n\
             keepalive 200ms\nwarntime 1000ms\ndeadtime 2000ms\ninitdead 4000ms\n\
             msgfmt {msgfmt}\n{}{}auto_failback {auto_failback}\nnode b1 b2\n",
            self.medium.lines(),
            if self.pings {
                "deadping 3\nping 10.80.0.9\nping6 fd80::9\nping_group gateways 10.80.0.8 10.80.0.9\n"
            } else {
                ""
            }
        )
    }

    pub(crate) fn authkeys(&self) -> String {
        format!("auth 1\n1 {}\n", self.key)
    }

    /// Each node prefers a group: an address, and a resource that only takes notes.
    pub(crate) fn haresources(&self) -> String {
        let two = "b1 IPaddr2::10.80.0.101/24/eth0 probe::one\n\
                   b2 IPaddr2::10.80.0.102/24/eth0 probe::two::of::two\n";
        let more = "b1 probe::three probe::four\n\
                    b2 IPaddr2::10.80.0.103/24/eth0 IPaddr2::10.80.0.104/24/eth0 probe::five\n";
        if self.many_groups { format!("{two}{more}") } else { two.to_owned() }
    }
}

impl Medium {
    /// By their numbers in [`super::Act::CutRoad`].
    pub(crate) fn roads(self) -> &'static [Road] {
        match self {
            Self::Bcast | Self::Mcast | Self::Ucast | Self::Mcast6(_) | Self::Ucast6 => &[Road::Net(0)],
            Self::Serial => &[Road::Serial],
            Self::SerialAndBcast => &[Road::Serial, Road::Net(0)],
            Self::TwoBcasts | Self::TwoUcasts => &[Road::Net(0), Road::Net(1)],
        }
    }

    pub(crate) fn has_serial(self) -> bool {
        self.roads().iter().any(|road| matches!(road, Road::Serial))
    }

    fn lines(self) -> String {
        match self {
            Self::Bcast => "bcast eth0\n".to_owned(),
            Self::Mcast => "mcast eth0 239.0.0.42 694 1 0\n".to_owned(),
            Self::Ucast => ucasts(0),
            Self::Mcast6(group) => format!("{BAUD}mcast6 eth0 {group} 694 1 0\n"),
            Self::Ucast6 => {
                format!("{BAUD}ucast6 eth0 {}\nucast6 eth0 {}\n", address6(1, 0), address6(2, 0))
            }
            Self::Serial => format!("{BAUD}serial {DEVICE}\n"),
            Self::SerialAndBcast => format!("{BAUD}serial {DEVICE}\nbcast eth0\n"),
            Self::TwoBcasts => format!("{BAUD}bcast eth0 eth1\n"),
            Self::TwoUcasts => BAUD.to_owned() + &ucasts(0) + &ucasts(1),
        }
    }
}

/// Both addresses on both nodes: one file for the pair, as the manual recommends.
fn ucasts(network: usize) -> String {
    let line = |node| format!("ucast eth{network} {}\n", address(node, network));
    line(1) + &line(2)
}
