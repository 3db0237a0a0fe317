//! The configuration of a scenario's pair: one base, and the dimensions in which scenarios differ.

use crate::lab::network::address;
use crate::lab::node::LOG;

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
    /// On both networks.
    BcastTwice,
    Mcast,
    Ucast,
}

/// A key of 15 characters: an odd length, with the characters that other parsers trip over.
pub(crate) const ODD_KEY: &str = "md5 k#y;$=\"'\\>>><!";
/// The names of the ping nodes.
pub(crate) const PINGS: [&str; 3] = ["10.80.0.9", "fd80::9", "gateways"];
pub(crate) const SHA1: &str = "sha1 ThisIsTheSharedSecretOfTheLab";

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
    fn lines(self) -> String {
        match self {
            Self::Bcast => "bcast eth0\n".to_owned(),
            Self::BcastTwice => "bcast eth0\nbcast eth1\n".to_owned(),
            Self::Mcast => "mcast eth0 239.0.0.42 694 1 0\n".to_owned(),
            // both addresses on both nodes: one file for the pair, as the manual recommends
            Self::Ucast => format!("ucast eth0 {}\nucast eth0 {}\n", address(1, 0), address(2, 0)),
        }
    }
}
