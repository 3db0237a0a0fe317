//! What the configuration must know of the machine. Only questions live here.

use std::net::IpAddr;

use crate::director::table::{Family, Protocol};

/// Facts about the machine the configuration is for.
pub trait Machine {
    /// The first address of a host name in this family. May be slow; never asked for a literal address.
    fn resolve(&self, name: &str, family: Family) -> Option<IpAddr>;
    /// The port of a service; of any protocol when none is given.
    fn service(&self, name: &str, protocol: Option<Protocol>) -> Option<u16>;
    /// Whether lines can be added to this file. The error is the system's reason.
    fn appendable(&self, path: &str) -> Result<(), String>;
    /// Whether this is a directory.
    fn is_directory(&self, path: &str) -> bool;
    /// The name that checks give as ours.
    fn hostname(&self) -> String;
}
