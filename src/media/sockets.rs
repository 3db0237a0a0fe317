//! The two sockets of a medium and their options (wire-protocol.md 10.2 to 10.5): one that sends, from
//! any port, and one that listens. What is done with them is in `mod.rs`.
//!
//! All listening sockets are bound to their interface, the multicast ones too: a datagram must never be
//! counted for another link than the one it came in by.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};

use super::error::Cause;
use super::guard::guard;
use super::iface::{self, Inet};
use super::spec::Spec;

/// `IPTOS_LOWDELAY`.
const LOW_DELAY: u32 = 0x10;

/// Both sockets, and where to send.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) send: Socket,
    pub(super) receive: Socket,
    pub(super) destination: SocketAddr,
}

/// Opens both. What fails is not left half open.
pub(super) fn open(spec: &Spec) -> Result<Sockets, Cause> {
    let index = iface::index(spec.iface()).ok_or(Cause::NoInterface)?;
    let (send, receive, destination) = opened(spec, index)?;
    Ok(Sockets { send, receive, destination })
}

type Opened = (Socket, Socket, SocketAddr);

fn opened(spec: &Spec, index: u32) -> Result<Opened, Cause> {
    match spec {
        Spec::Bcast { iface, port } => bcast(iface, *port),
        Spec::Ucast { iface, peer, port } => ucast(iface, SocketAddr::from((*peer, *port))),
        Spec::Mcast { iface, group, port, ttl, looped } if group.is_multicast() => {
            let send = multicast_sender(iface, *ttl, *looped)?;
            let receive = multicast_receiver(iface, index, *group, *port)?;
            Ok((send, receive, SocketAddr::from((*group, *port))))
        }
        Spec::Mcast6 { iface, group, port, hops, looped } if group.is_multicast() => {
            let send = multicast6_sender(iface, index, *hops, *looped)?;
            let receive = multicast6_receiver(iface, index, *group, *port)?;
            Ok((send, receive, scoped(*group, *port, index)))
        }
        Spec::Ucast6 { iface, peer, port } => {
            let send = socket(Domain::IPV6)?;
            step("SO_BINDTODEVICE", send.bind_device(Some(iface.as_bytes())))?;
            let receive = receiver(Domain::IPV6, iface)?;
            step("SO_REUSEPORT", receive.set_reuse_port(true))?;
            bind(&receive, SocketAddr::from((Ipv6Addr::UNSPECIFIED, *port)))?;
            Ok((send, receive, scoped(*peer, *port, index)))
        }
        Spec::Mcast { group, .. } => Err(Cause::BadGroup((*group).into())),
        Spec::Mcast6 { group, .. } => Err(Cause::BadGroup((*group).into())),
    }
}

/// To the interface's own broadcast address; where it has none, to all hosts on the wire.
fn bcast(iface: &str, port: u16) -> Result<Opened, Cause> {
    let Inet { broadcast, .. } = iface::inet(iface).ok_or(Cause::NoAddress)?;
    let send = socket(Domain::IPV4)?;
    step("SO_BROADCAST", send.set_broadcast(true))?;
    step("SO_DONTROUTE", setsockopt(&send, sockopt::DontRoute, &true).map_err(io::Error::from))?;
    step("SO_BINDTODEVICE", send.bind_device(Some(iface.as_bytes())))?;
    let receive = receiver(Domain::IPV4, iface)?;
    bind(&receive, SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?;
    let to = broadcast.unwrap_or(Ipv4Addr::BROADCAST);
    Ok((send, receive, SocketAddr::from((to, port))))
}

/// To one peer. Several of these share a port: the system gives a datagram to one of them, which does.
fn ucast(iface: &str, destination: SocketAddr) -> Result<Opened, Cause> {
    let send = socket(Domain::IPV4)?;
    step("IP_TOS", send.set_tos_v4(LOW_DELAY))?;
    step("SO_BINDTODEVICE", send.bind_device(Some(iface.as_bytes())))?;
    step("SO_REUSEPORT", send.set_reuse_port(true))?;
    let receive = receiver(Domain::IPV4, iface)?;
    step("SO_REUSEPORT", receive.set_reuse_port(true))?;
    bind(&receive, SocketAddr::from((Ipv4Addr::UNSPECIFIED, destination.port())))?;
    Ok((send, receive, destination))
}

fn multicast_sender(iface: &str, ttl: u8, looped: bool) -> Result<Socket, Cause> {
    let Inet { address, .. } = iface::inet(iface).ok_or(Cause::NoAddress)?;
    let send = socket(Domain::IPV4)?;
    step("SO_BINDTODEVICE", send.bind_device(Some(iface.as_bytes())))?;
    step("IP_MULTICAST_IF", send.set_multicast_if_v4(&address))?;
    step("IP_MULTICAST_LOOP", send.set_multicast_loop_v4(looped))?;
    step("IP_MULTICAST_TTL", send.set_multicast_ttl_v4(u32::from(ttl)))?;
    Ok(send)
}

fn multicast_receiver(iface: &str, index: u32, group: Ipv4Addr, port: u16) -> Result<Socket, Cause> {
    let receive = receiver(Domain::IPV4, iface)?;
    bind(&receive, SocketAddr::from((group, port)))?;
    let interface = InterfaceIndexOrAddress::Index(index);
    step("IP_ADD_MEMBERSHIP", receive.join_multicast_v4_n(&group, &interface))?;
    Ok(receive)
}

fn multicast6_sender(iface: &str, index: u32, hops: u8, looped: bool) -> Result<Socket, Cause> {
    let send = socket(Domain::IPV6)?;
    step("SO_BINDTODEVICE", send.bind_device(Some(iface.as_bytes())))?;
    step("IPV6_MULTICAST_IF", send.set_multicast_if_v6(index))?;
    step("IPV6_MULTICAST_LOOP", send.set_multicast_loop_v6(looped))?;
    step("IPV6_MULTICAST_HOPS", send.set_multicast_hops_v6(u32::from(hops)))?;
    Ok(send)
}

fn multicast6_receiver(iface: &str, index: u32, group: Ipv6Addr, port: u16) -> Result<Socket, Cause> {
    let receive = receiver(Domain::IPV6, iface)?;
    bind(&receive, SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)))?;
    step("IPV6_JOIN_GROUP", receive.join_multicast_v6(&group, index))?;
    Ok(receive)
}

/// A socket that listens on one interface only, shares its port, and takes no multicast that it has not
/// asked for itself: otherwise each medium would hear what was meant for its neighbours.
fn receiver(domain: Domain, iface: &str) -> Result<Socket, Cause> {
    let receive = socket(domain)?;
    step("SO_REUSEADDR", receive.set_reuse_address(true))?;
    step("SO_BINDTODEVICE", receive.bind_device(Some(iface.as_bytes())))?;
    guard(&receive)?;
    match domain == Domain::IPV6 {
        true => step("IPV6_MULTICAST_ALL", receive.set_multicast_all_v6(false))?,
        false => step("IP_MULTICAST_ALL", receive.set_multicast_all_v4(false))?,
    }
    Ok(receive)
}

fn socket(domain: Domain) -> Result<Socket, Cause> {
    let socket = step("socket", Socket::new(domain, Type::DGRAM, Some(Protocol::UDP)))?;
    step("O_NONBLOCK", socket.set_nonblocking(true))?;
    if domain == Domain::IPV6 {
        step("IPV6_V6ONLY", socket.set_only_v6(true))?;
    }
    Ok(socket)
}

fn bind(socket: &Socket, address: SocketAddr) -> Result<(), Cause> {
    match socket.bind(&address.into()) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(Cause::PortTaken),
        other => step("bind", other),
    }
}

/// An IPv6 destination, with the interface where the address means nothing without.
fn scoped(address: Ipv6Addr, port: u16, index: u32) -> SocketAddr {
    let local = address.is_unicast_link_local() || address.is_multicast();
    SocketAddr::V6(SocketAddrV6::new(address, port, 0, if local { index } else { 0 }))
}

fn step<T>(doing: &'static str, result: io::Result<T>) -> Result<T, Cause> {
    result.map_err(|error| Cause::System { doing, error })
}
