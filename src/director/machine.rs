//! What `ldirectord.cf` asks of the machine, asked of this one.

use std::fs::OpenOptions;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;

use super::config::Machine;
use super::table::{Family, Protocol};

/// The database of services.
const SERVICES: &str = "/etc/services";

/// This machine. Names of services come from `/etc/services`, read once.
#[derive(Clone, Debug, Default)]
pub struct LinuxMachine {
    services: String,
}

impl LinuxMachine {
    /// Reads the database of services; without one no service is known by name.
    pub fn new() -> LinuxMachine {
        LinuxMachine { services: std::fs::read_to_string(SERVICES).unwrap_or_default() }
    }
}

impl Machine for LinuxMachine {
    /// May be slow: not for a thread that must not wait.
    fn resolve(&self, name: &str, family: Family) -> Option<IpAddr> {
        let mut found = (name, 0).to_socket_addrs().ok()?.map(|at| at.ip());
        found.find(|ip| ip.is_ipv4() == (family == Family::V4))
    }

    fn service(&self, name: &str, protocol: Option<Protocol>) -> Option<u16> {
        service(&self.services, name, protocol)
    }

    /// As the reference does it: by opening the file, which makes it if it is not there.
    fn appendable(&self, path: &str) -> Result<(), String> {
        let opened = OpenOptions::new().append(true).create(true).open(path);
        opened.map(|_| ()).map_err(|e| reason(&e))
    }

    fn is_directory(&self, path: &str) -> bool {
        Path::new(path).is_dir()
    }

    /// `HOSTNAME` of the environment, else the node's name.
    fn hostname(&self) -> String {
        let own = || nix::unistd::gethostname().ok().map(|name| name.to_string_lossy().into_owned());
        std::env::var("HOSTNAME").ok().filter(|name| !name.is_empty()).or_else(own).unwrap_or_default()
    }
}

/// The system's reason, without the number behind it.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// The first line of the database with this name or alias.
fn service(database: &str, name: &str, protocol: Option<Protocol>) -> Option<u16> {
    database.lines().find_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split_whitespace();
        let first = words.next()?;
        let (port, of) = words.next()?.split_once('/')?;
        let named = first == name || words.any(|alias| alias == name);
        let fits = protocol.is_none_or(|protocol| protocol.word() == of);
        (named && fits).then(|| port.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_found_by_name_alias_and_protocol() {
        let database =
            "# x\nhttp 80/tcp www # WorldWideWeb\ndomain 53/tcp\nntp 123/udp\ndomain 53/udp\nbad\n";
        let find = |name, protocol| service(database, name, protocol);
        assert_eq!(find("http", Some(Protocol::Tcp)), Some(80));
        assert_eq!(find("www", None), Some(80));
        assert_eq!(find("http", Some(Protocol::Udp)), None);
        assert_eq!(find("domain", Some(Protocol::Udp)), Some(53));
        assert_eq!(find("ntp", None), Some(123));
        assert_eq!(find("WorldWideWeb", None), None);
    }

    #[test]
    fn reasons_have_no_numbers() {
        let refused = LinuxMachine::default().appendable("/nonexistent/log");
        assert_eq!(refused, Err("No such file or directory".to_owned()));
    }
}
