//! What the configuration must know about the machine. Only questions live here; the daemon's
//! `LinuxHost` and the tests' [`super::FakeHost`] answer them.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use super::model::StonithSetup;

/// A user of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// Numeric id.
    pub uid: u32,
    /// Primary group.
    pub gid: u32,
}

/// A network interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its first IPv4 address.
    pub ipv4: Option<Ipv4Addr>,
    /// The broadcast address that belongs to it; `None` when there is none or it is 0.0.0.0.
    pub broadcast: Option<Ipv4Addr>,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A plain file.
    Regular,
    /// A directory.
    Directory,
    /// A terminal line, or a device that may be one.
    Tty,
    /// A device that is no terminal line.
    Device,
    /// Anything else.
    Other,
}

/// What lies where a resource script of some name is looked for (resources.md section 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script {
    /// Nothing.
    Missing,
    /// A file that nobody may execute.
    NotExecutable(PathBuf),
    /// One that takes the words that everybody knows: our agent, or the wrapper of resource-agents.
    Standard,
    /// Any other: what its words mean is its own business.
    Own,
}

/// Facts about the machine the configuration is for.
pub trait Host {
    /// The name of this node (wire-protocol.md 4.4), in any case of letters.
    fn node_name(&self) -> String;
    /// The interface, or alias such as `eth0:0`, of this name.
    fn interface(&self, name: &str) -> Option<Interface>;
    /// The user of this name. Numbers are no names.
    fn user(&self, name: &str) -> Option<User>;
    /// The id of the group of this name. Numbers are no names.
    fn group(&self, name: &str) -> Option<u32>;
    /// Whether this is a plain file that may be executed.
    fn executable(&self, path: &str) -> bool;
    /// What this path leads to; `None` when to nothing.
    fn file_kind(&self, path: &str) -> Option<FileKind>;
    /// The addresses of a host name. May be slow; never called for a literal address.
    fn resolve(&self, name: &str) -> Vec<IpAddr>;
    /// The port of a UDP service.
    fn udp_service(&self, name: &str) -> Option<u16>;
    /// The name of the UDP service at a port.
    fn udp_service_at(&self, port: u16) -> Option<String>;
    /// The resource script of this name.
    fn script(&self, name: &str) -> Script;
    /// Whether there is a fencing plug-in of this type.
    fn stonith_type(&self, name: &str) -> bool;
    /// Whether a plug-in takes these parameters. Asked only where ha.cf has a fencing device.
    fn stonith_accepts(&self, kind: &str, setup: &StonithSetup) -> bool;
}
