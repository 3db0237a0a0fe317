//! What the system knows about an interface: its index and its IPv4 addresses. Reads, changes nothing. May
//! wait for whoever is changing it.

use std::net::Ipv4Addr;

use nix::ifaddrs::getifaddrs;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::SockaddrStorage;

use super::spec::{Kind, Spec};

/// The index, where there is such an interface.
pub(super) fn index(name: &str) -> Option<u32> {
    if_nametoindex(name).ok().filter(|index| *index != 0)
}

/// What the sockets of a medium depend on. When it changes they have to be opened anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Face {
    index: u32,
    inet: Option<Inet>,
}

/// The interface of a medium as it is now; `None` where it is not there, or lacks the address that such a
/// medium needs.
pub fn face(spec: &Spec) -> Option<Face> {
    let index = index(spec.iface())?;
    let inet = match spec.kind() {
        Kind::Bcast | Kind::Mcast => Some(inet(spec.iface())?),
        Kind::Ucast | Kind::Mcast6 | Kind::Ucast6 => None,
    };
    Some(Face { index, inet })
}

/// The first IPv4 address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
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
