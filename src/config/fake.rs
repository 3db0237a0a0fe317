//! A machine made of values, for tests.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::host::{FileKind, Host, Interface, Script, User};
use super::model::StonithSetup;

/// A [`Host`] that knows exactly what it was given.
#[derive(Clone, Debug, Default)]
pub struct FakeHost {
    /// The node's name.
    pub node_name: String,
    /// Interfaces by name.
    pub interfaces: BTreeMap<String, Interface>,
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// Groups by name.
    pub groups: BTreeMap<String, u32>,
    /// Files that may be executed.
    pub executables: Vec<String>,
    /// Other paths.
    pub files: BTreeMap<String, FileKind>,
    /// Host names and their addresses.
    pub hosts: BTreeMap<String, Vec<IpAddr>>,
    /// UDP services by name.
    pub services: BTreeMap<String, u16>,
    /// Resource scripts by name.
    pub scripts: BTreeMap<String, Script>,
    /// Fencing types.
    pub stonith_types: Vec<String>,
}

impl FakeHost {
    /// Node `b1` of a plain Debian system: eth0 10.1.1.1/24 with broadcast address, tun0 without,
    /// the users root and hacluster, ipfail, and the scripts of resource-agents.
    pub fn usual() -> FakeHost {
        let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect();
        let ipv4 = Some(Ipv4Addr::new(10, 1, 1, 1));
        let broadcast = Some(Ipv4Addr::new(10, 1, 1, 255));
        let eth0 = Interface { ipv4, broadcast };
        let tun0 = Interface { ipv4: Some(Ipv4Addr::new(10, 9, 9, 1)), broadcast: None };
        let user = |uid, gid| User { uid, gid };
        FakeHost {
            node_name: "b1".to_owned(),
            interfaces: [("eth0", eth0), ("tun0", tun0)].map(|(n, i)| (n.to_owned(), i)).into(),
            users: [("root", user(0, 0)), ("hacluster", user(102, 105))]
                .map(|(n, u)| (n.to_owned(), u))
                .into(),
            groups: [("root", 0), ("haclient", 105)].map(|(n, g)| (n.to_owned(), g)).into(),
            executables: names(&["/bin/true", "/usr/libexec/heartbeat/ipfail"]),
            files: [
                ("/dev/ttyS0", FileKind::Tty),
                ("/dev/null", FileKind::Device),
                ("/etc/passwd", FileKind::Regular),
                ("/var/log", FileKind::Directory),
            ]
            .map(|(n, k)| (n.to_owned(), k))
            .into(),
            hosts: [("peer".to_owned(), vec![IpAddr::V4(Ipv4Addr::new(10, 1, 1, 2))])].into(),
            services: [("ntp".to_owned(), 123)].into(),
            scripts: [
                "IPaddr",
                "IPaddr2",
                "IPv6addr",
                "SendArp",
                "MailTo",
                "Filesystem",
                "apache",
                "httpd",
                "apache2",
                "mysql",
                "drbddisk",
                "ldirectord",
                "LVSSyncDaemonSwap",
                "Delay",
            ]
            .map(|name| (name.to_owned(), Script::Standard))
            .into(),
            stonith_types: names(&["null", "meatware", "external/ipmi"]),
        }
    }
}

impl Host for FakeHost {
    fn node_name(&self) -> String {
        self.node_name.clone()
    }
    fn interface(&self, name: &str) -> Option<Interface> {
        self.interfaces.get(name).copied()
    }
    fn user(&self, name: &str) -> Option<User> {
        self.users.get(name).copied()
    }
    fn group(&self, name: &str) -> Option<u32> {
        self.groups.get(name).copied()
    }
    fn executable(&self, path: &str) -> bool {
        self.executables.iter().any(|known| known == path)
    }
    fn file_kind(&self, path: &str) -> Option<FileKind> {
        self.files.get(path).copied()
    }
    fn resolve(&self, name: &str) -> Vec<IpAddr> {
        self.hosts.get(name).cloned().unwrap_or_default()
    }
    fn udp_service(&self, name: &str) -> Option<u16> {
        self.services.get(name).copied()
    }
    fn udp_service_at(&self, port: u16) -> Option<String> {
        self.services.iter().find(|&(_, &p)| p == port).map(|(name, _)| name.clone())
    }
    fn script(&self, name: &str) -> Script {
        self.scripts.get(name).cloned().unwrap_or(Script::Missing)
    }
    fn stonith_type(&self, name: &str) -> bool {
        self.stonith_types.iter().any(|known| known == name)
    }
    /// Devices want one parameter; files have it.
    fn stonith_accepts(&self, _: &str, setup: &StonithSetup) -> bool {
        !matches!(setup, StonithSetup::Parameters(words) if words.is_empty())
    }
}
