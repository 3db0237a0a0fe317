//! Which addresses belong to which groups; groups that a daemon which died left running. Finding them costs no script call: their addresses tell.

use super::manager::Manager;
use super::native;
use crate::agents::ledger;
use crate::config::haresources::Group;
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The keys of the groups of which an address is up on this machine. One on a loopback does not count: that
/// is how a director that is a real server too carries it while it stands by. One that was taken down behind a
/// daemon that died counts: the other services of its group may still run.
pub(super) fn keys(manager: &Manager<'_>) -> Vec<String> {
    let mut up = addresses_up();
    up.extend(ledger::left_behind().entries.iter().map(|entry| entry.wanted.ip));
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

/// All that stand in a word of some group, whatever its script.
pub(super) fn named(manager: &Manager<'_>) -> BTreeSet<IpAddr> {
    let groups = manager.groups();
    let arguments = groups.iter().flat_map(|group| &group.words).flat_map(|word| word.args());
    arguments.filter_map(|argument| argument.split('/').next()?.parse().ok()).collect()
}

fn addresses(group: &Group) -> impl Iterator<Item = IpAddr> {
    group.words.iter().filter_map(native::address)
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
