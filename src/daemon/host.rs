//! [`LinuxHost`]: facts about this machine for the configuration. It only looks; it changes nothing.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::agents::Agent;
use crate::config::{FileKind, Host, Interface, Script, StonithSetup, User};
use crate::paths;
use crate::resources::{is_ours, own_name, stonith};

/// Resource scripts are searched here, in this order.
const SCRIPTS: [&str; 2] = [paths::RESOURCE_DIR, paths::INIT_DIR];
/// The services database.
const SERVICES: &str = "/etc/services";
/// Fencing plug-ins of cluster-glue.
const STONITH: &str = "/usr/lib/stonith/plugins";

/// The machine this process runs on. Names are looked up with the system's resolver, which may
/// take long: never on the pulse thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinuxHost;

impl Host for LinuxHost {
    fn node_name(&self) -> String {
        own_name()
    }

    fn interface(&self, name: &str) -> Option<Interface> {
        let addresses = nix::ifaddrs::getifaddrs().ok()?;
        let mut found = nix::net::if_::if_nametoindex(name).ok().map(|_| Interface::default());
        for entry in addresses.filter(|entry| entry.interface_name == name) {
            let known = found.get_or_insert_default();
            let v4 = |a: Option<nix::sys::socket::SockaddrStorage>| {
                a.and_then(|a| a.as_sockaddr_in().map(|a| a.ip()))
            };
            let Some(ipv4) = v4(entry.address) else {
                continue;
            };
            known.ipv4.get_or_insert(ipv4);
            let broadcast = v4(entry.broadcast).filter(|a| *a != Ipv4Addr::UNSPECIFIED);
            if known.broadcast.is_none() {
                known.broadcast = broadcast;
            }
        }
        found
    }

    fn user(&self, name: &str) -> Option<User> {
        let user = nix::unistd::User::from_name(name).ok()??;
        Some(User { uid: user.uid.as_raw(), gid: user.gid.as_raw() })
    }

    fn group(&self, name: &str) -> Option<u32> {
        let group = nix::unistd::Group::from_name(name).ok()??;
        Some(group.gid.as_raw())
    }

    fn executable(&self, path: &str) -> bool {
        is_executable(Path::new(path))
    }

    fn file_kind(&self, path: &str) -> Option<FileKind> {
        let data = fs::metadata(path).ok()?;
        let kind = data.file_type();
        Some(if kind.is_file() {
            FileKind::Regular
        } else if kind.is_dir() {
            FileKind::Directory
        } else if kind.is_char_device() {
            character_device(data.rdev())
        } else {
            FileKind::Other
        })
    }

    fn resolve(&self, name: &str) -> Vec<IpAddr> {
        let found = (name, 0).to_socket_addrs();
        found.map(|all| all.map(|address| address.ip()).collect()).unwrap_or_default()
    }

    fn udp_service(&self, name: &str) -> Option<u16> {
        udp_services().into_iter().find(|(names, _)| names.iter().any(|n| n == name)).map(|(_, port)| port)
    }

    fn udp_service_at(&self, port: u16) -> Option<String> {
        let found = udp_services().into_iter().find(|&(_, at)| at == port)?;
        found.0.into_iter().next()
    }

    fn script(&self, name: &str) -> Script {
        if name.is_empty() || name.contains('/') {
            return Script::Missing;
        }
        let mut paths: Vec<PathBuf> =
            SCRIPTS.into_iter().map(|directory| Path::new(directory).join(name)).collect();
        match paths.iter().find(|path| is_executable(path)) {
            Some(path) if Agent::named(name).is_some() && !is_standard(path, name) => Script::Own,
            Some(_) => Script::Standard,
            None => {
                paths.retain(|path| path.is_file());
                paths.into_iter().next().map_or(Script::Missing, Script::NotExecutable)
            }
        }
    }

    /// Where cluster-glue keeps its plug-ins: programs for `external/X` and `rhcs/X`, else modules.
    fn stonith_type(&self, name: &str) -> bool {
        if name.split('/').any(|part| part.is_empty() || part == "..") {
            return false;
        }
        if !is_executable(Path::new(stonith::PROGRAM)) {
            return false;
        }
        match name.split_once('/') {
            Some(("external", _)) => is_executable(&Path::new(STONITH).join(name)),
            Some(("rhcs", agent)) => is_executable(Path::new(&format!("/usr/sbin/fence_{agent}"))),
            _ => Path::new(STONITH).join("stonith2").join(format!("{name}.so")).exists(),
        }
    }

    fn stonith_accepts(&self, kind: &str, setup: &StonithSetup) -> bool {
        stonith::accepts(kind, setup)
    }
}

/// Whether this is our agent of that name, or the wrapper that resource-agents has for it.
fn is_standard(path: &Path, name: &str) -> bool {
    let wraps =
        |text: String| text.contains("hto-mapfuncs") && text.contains(&format!("\nOCF_TYPE={name}\n"));
    is_ours(path) || fs::read_to_string(path).is_ok_and(wraps)
}

/// A plain file somebody may execute.
fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

/// Whether the device is a terminal line. Opening it would raise its modem lines, so the kernel's
/// device tree is asked; what it does not know, such as pseudo terminals, may be one.
fn character_device(device: u64) -> FileKind {
    let (major, minor) = (libc::major(device), libc::minor(device));
    let class = fs::read_link(format!("/sys/dev/char/{major}:{minor}/subsystem"));
    match class.ok().as_deref().and_then(Path::file_name) {
        Some(name) if name != "tty" => FileKind::Device,
        _ => FileKind::Tty,
    }
}

/// The UDP services: their names and port.
fn udp_services() -> Vec<(Vec<String>, u16)> {
    let text = fs::read(SERVICES).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().filter_map(udp_service).collect()
}

/// A line such as `ha-cluster 694/udp heartbeat # comment`.
fn udp_service(line: &str) -> Option<(Vec<String>, u16)> {
    let mut words = line.split('#').next()?.split_whitespace();
    let name = words.next()?;
    let port = words.next()?.strip_suffix("/udp")?.parse().ok()?;
    let names = std::iter::once(name).chain(words).map(str::to_owned);
    Some((names.collect(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_read() {
        let line = "ha-cluster\t694/udp\theartbeat # x";
        let names = vec!["ha-cluster".to_owned(), "heartbeat".to_owned()];
        assert_eq!(udp_service(line), Some((names, 694)));
        assert_eq!(udp_service("ssh 22/tcp"), None);
        assert_eq!(udp_service("# 694/udp"), None);
    }

    #[test]
    fn the_loopback_interface_has_its_address() {
        let host = LinuxHost;
        let ipv4 = host.interface("lo").map(|lo| (lo.ipv4, lo.broadcast));
        assert_eq!(ipv4, Some((Some(Ipv4Addr::LOCALHOST), None)));
        assert_eq!(host.interface("no-such-nic"), None);
    }

    #[test]
    fn a_script_is_standard_by_what_it_is_not_by_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("IPaddr2");
        for (text, standard) in [
            (". /etc/ha.d/resource.d//hto-mapfuncs\nOCF_TYPE=IPaddr2\nra_execocf $2\n", true),
            (". /etc/ha.d/resource.d//hto-mapfuncs\nOCF_TYPE=anything\nra_execocf $2\n", false),
            ("#!/bin/sh\n# takes what IPaddr2 takes\n", false),
        ] {
            fs::write(&path, text).unwrap();
            assert_eq!(is_standard(&path, "IPaddr2"), standard, "{text}");
        }
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/usr/libexec/heartbeat/IPaddr2", &path).unwrap();
        assert!(is_standard(&path, "IPaddr2"), "our agent, wherever it is installed");
    }

    #[test]
    fn root_is_a_user_and_a_null_device_is_no_terminal() {
        let host = LinuxHost;
        assert_eq!(host.user("root"), Some(User { uid: 0, gid: 0 }));
        assert_eq!(host.user("0"), None);
        assert_eq!(host.file_kind("/dev/null"), Some(FileKind::Device));
        assert_eq!(host.file_kind("/"), Some(FileKind::Directory));
        assert!(host.executable("/bin/sh") && !host.executable("/etc/passwd"));
    }
}
