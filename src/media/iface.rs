//! What the system knows about an interface: its index and its IPv4 addresses. Reads, changes nothing.

use std::net::Ipv4Addr;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::SockaddrStorage;

/// The index, where there is such an interface.
pub(super) fn index(name: &str) -> Option<u32> {
    if_nametoindex(name).ok().filter(|index| *index != 0)
}

/// The first IPv4 address of an interface.
pub(super) struct Inet {
    pub(super) address: Ipv4Addr,
    pub(super) broadcast: Option<Ipv4Addr>,
}

/// The first IPv4 address under that very name: an alias (`eth0:0`) counts as an interface of its own,
/// as it does for the reference's ioctl.
pub(super) fn inet(name: &str) -> Option<Inet> {
    let found = getifaddrs().ok()?.filter(|entry| entry.interface_name == name);
    let mut found = found.filter_map(|entry| {
        let address = ipv4(entry.address?)?;
        // Where there is none, the C library hands out the interface's own address in its place.
        let broadcast = entry.broadcast.and_then(ipv4).filter(|b| !b.is_unspecified() && *b != address);
        Some(Inet { address, broadcast })
    });
    found.next()
}

fn ipv4(address: SockaddrStorage) -> Option<Ipv4Addr> {
    address.as_sockaddr_in().map(|inet| inet.ip())
}
