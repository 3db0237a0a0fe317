//! Which addresses belong to which groups; groups that a daemon which died left running. Finding them costs no script call: their addresses tell.

use super::manager::Manager;
use crate::config::haresources::Group;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Scripts whose first argument begins with an address.
const ADDRESS_SCRIPTS: [&str; 3] = ["IPaddr", "IPaddr2", "IPv6addr"];

/// The keys of the groups of which an address is up on this machine. One on a loopback does not count: that
/// is how a director that is a real server too carries it while it stands by.
pub(super) fn keys(manager: &Manager<'_>) -> Vec<String> {
    let up = addresses_up();
    let groups = manager.groups();
    groups
        .iter()
        .filter(|group| addresses(group).any(|ip| up.contains(&ip)))
        .map(|g| g.key().to_owned())
        .collect()
}

/// The addresses of these groups.
pub(super) fn addresses_of(manager: &Manager<'_>, keys: &[String]) -> Vec<IpAddr> {
    let groups = manager.groups();
    groups.iter().filter(|group| keys.iter().any(|key| key == group.key())).flat_map(addresses).collect()
}

fn addresses(group: &Group) -> impl Iterator<Item = IpAddr> {
    let words = group.words.iter().filter(|word| ADDRESS_SCRIPTS.contains(&word.script()));
    words.filter_map(|word| word.args().first()?.split('/').next()?.parse().ok())
}

fn addresses_up() -> BTreeSet<IpAddr> {
    let Ok(interfaces) = getifaddrs() else { return BTreeSet::new() };
    let real = interfaces.filter(|i| !i.flags.contains(InterfaceFlags::IFF_LOOPBACK));
    let addresses = real.filter_map(|i| {
        let address = i.address?;
        let v4 = address.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
        v4.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip())))
    });
    addresses.collect()
}
