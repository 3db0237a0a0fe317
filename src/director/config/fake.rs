//! A machine made of values, for tests.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::machine::Machine;
use crate::director::table::{Family, Protocol};

/// A [`Machine`] that knows exactly what it was given.
#[derive(Clone, Debug, Default)]
pub struct FakeMachine {
    /// Host names and their addresses.
    pub hosts: BTreeMap<String, Vec<IpAddr>>,
    /// Services by name, at the same port in every protocol.
    pub services: BTreeMap<String, u16>,
    /// Directories in which files can be made.
    pub directories: Vec<String>,
    /// The machine's name.
    pub hostname: String,
}

impl FakeMachine {
    /// `localhost`, and what the arguments name; the services http, domain and nntp; `/tmp`, `/var/log`.
    pub fn with_hosts(hosts: &[(&str, &[&str])]) -> FakeMachine {
        let parsed = |list: &[&str]| list.iter().filter_map(|text| text.parse().ok()).collect();
        let mut known: BTreeMap<String, Vec<IpAddr>> =
            hosts.iter().map(|(name, list)| ((*name).to_owned(), parsed(list))).collect();
        known.insert("localhost".to_owned(), parsed(&["127.0.0.1", "::1"]));
        FakeMachine {
            hosts: known,
            services: [("http", 80), ("domain", 53), ("nntp", 119)].map(|(n, p)| (n.to_owned(), p)).into(),
            directories: ["/tmp", "/var/log"].map(ToOwned::to_owned).into(),
            hostname: "director1".to_owned(),
        }
    }
}

impl Machine for FakeMachine {
    fn resolve(&self, name: &str, family: Family) -> Option<IpAddr> {
        let of_family = |ip: &&IpAddr| ip.is_ipv4() == (family == Family::V4);
        self.hosts.get(name)?.iter().find(of_family).copied()
    }
    fn service(&self, name: &str, _: Option<Protocol>) -> Option<u16> {
        self.services.get(name).copied()
    }
    fn appendable(&self, path: &str) -> Result<(), String> {
        let home = path.rsplit_once('/').map_or("", |(home, _)| home);
        let there = self.is_directory(home);
        there.then_some(()).ok_or_else(|| "No such file or directory".to_owned())
    }
    fn is_directory(&self, path: &str) -> bool {
        self.directories.iter().any(|known| known == path)
    }
    fn hostname(&self) -> String {
        self.hostname.clone()
    }
}
