//! What we say to the kernel.

use std::net::{IpAddr, SocketAddr};

use super::attribute::Attributes;
use super::names::*;
use crate::director::table::{
    Dest, Family, Forward, Netmask, Op, Protocol, Role, Service, ServiceId, SyncDaemon, Timeouts, Tunnel,
};

const GENL_VERSION: u8 = 1;

/// Which number the family `IPVS` has.
pub fn ask_family() -> Vec<u8> {
    let name = Attributes::default().text(CTRL_ATTR_FAMILY_NAME, "IPVS");
    message(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, &name)
}

/// A change to the table.
pub fn change(family: u16, op: &Op) -> Vec<u8> {
    let bare = |id: &ServiceId| service(id, None);
    let with = |id: &ServiceId, at: &SocketAddr, d: &Dest| bare(id).nested(top::DEST, &dest(at, d));
    let (command, body) = match op {
        Op::AddService(id, s) => (command::NEW_SERVICE, service(id, Some(s))),
        Op::EditService(id, s) => (command::SET_SERVICE, service(id, Some(s))),
        Op::DelService(id) => (command::DEL_SERVICE, bare(id)),
        Op::AddDest(id, at, d) => (command::NEW_DEST, with(id, at, d)),
        Op::EditDest(id, at, d) => (command::SET_DEST, with(id, at, d)),
        Op::DelDest(id, at) => (command::DEL_DEST, with(id, at, &Dest { weight: 1, ..Dest::default() })),
    };
    message(family, command, 0, &body)
}

/// Every virtual service.
pub fn list_services(family: u16) -> Vec<u8> {
    message(family, command::GET_SERVICE, NLM_F_DUMP, &Attributes::default())
}

/// Every server of a virtual service.
pub fn list_dests(family: u16, id: &ServiceId) -> Vec<u8> {
    let body = Attributes::default().nested(top::SERVICE, &called(id));
    message(family, command::GET_DEST, NLM_F_DUMP, &body)
}

/// Version and size.
pub fn get_info(family: u16) -> Vec<u8> {
    message(family, command::GET_INFO, 0, &Attributes::default())
}

/// The sync daemons that run.
pub fn list_daemons(family: u16) -> Vec<u8> {
    message(family, command::GET_DAEMON, NLM_F_DUMP, &Attributes::default())
}

/// A new sync daemon.
pub fn start_daemon(family: u16, daemon: &SyncDaemon) -> Vec<u8> {
    let some = |n: u16| (n > 0).then_some(n);
    let body = Attributes::default()
        .u32(sync::STATE, role(daemon.role))
        .text(sync::INTERFACE, &daemon.interface)
        .u32(sync::ID, daemon.sync_id)
        .maybe(some(daemon.max_length), |a, n| a.u16(sync::MAX_LENGTH, n))
        .maybe(some(daemon.port), |a, n| a.u16(sync::PORT, n))
        .maybe(some(u16::from(daemon.ttl)), |a, _| a.u8(sync::TTL, daemon.ttl))
        .maybe(daemon.group, |a, group| match group {
            IpAddr::V4(ip) => a.bytes(sync::GROUP, &ip.octets()),
            IpAddr::V6(ip) => a.bytes(sync::GROUP6, &ip.octets()),
        });
    message(family, command::NEW_DAEMON, 0, &Attributes::default().nested(top::DAEMON, &body))
}

/// No such sync daemon any more.
pub fn stop_daemon(family: u16, which: Role) -> Vec<u8> {
    let body = Attributes::default().u32(sync::STATE, role(which)).text(sync::INTERFACE, "").u32(sync::ID, 0);
    message(family, command::DEL_DAEMON, 0, &Attributes::default().nested(top::DAEMON, &body))
}

/// The timeouts.
pub fn get_timeouts(family: u16) -> Vec<u8> {
    message(family, command::GET_CONFIG, 0, &Attributes::default())
}

/// Other timeouts.
pub fn set_timeouts(family: u16, timeouts: &Timeouts) -> Vec<u8> {
    let some = |n: u32| (n > 0).then_some(n);
    let body = Attributes::default()
        .maybe(some(timeouts.tcp), |a, n| a.u32(top::TIMEOUT_TCP, n))
        .maybe(some(timeouts.tcp_fin), |a, n| a.u32(top::TIMEOUT_TCP_FIN, n))
        .maybe(some(timeouts.udp), |a, n| a.u32(top::TIMEOUT_UDP, n));
    message(family, command::SET_CONFIG, 0, &body)
}

/// Counters of a virtual service, or of all, back to zero.
pub fn zero(family: u16, id: Option<&ServiceId>) -> Vec<u8> {
    let body = id.map(|id| service(id, None)).unwrap_or_default();
    message(family, command::ZERO, 0, &body)
}

fn role(role: Role) -> u32 {
    match role {
        Role::Master => 1,
        Role::Backup => 2,
    }
}

/// What a service is known by.
fn called(id: &ServiceId) -> Attributes {
    let family = if id.family() == Family::V4 { AF_INET } else { AF_INET6 };
    let named = Attributes::default().u16(svc::FAMILY, family);
    match id {
        ServiceId::Mark { mark, .. } => named.u32(svc::MARK, *mark),
        ServiceId::Address { protocol, at } => {
            let protocol = match protocol {
                Protocol::Tcp => IPPROTO_TCP,
                Protocol::Udp => IPPROTO_UDP,
                Protocol::Sctp => IPPROTO_SCTP,
            };
            let named = named.u16(svc::PROTOCOL, protocol);
            named.bytes(svc::ADDRESS, &address(at.ip())).port(svc::PORT, at.port())
        }
    }
}

/// A service with all that is to be said of it; with nothing where only the service is meant.
fn service(id: &ServiceId, said: Option<&Service>) -> Attributes {
    let persistence = said.and_then(|s| s.persistence);
    let netmask = persistence.map_or_else(|| Netmask::single(id.family()), |p| p.netmask);
    let netmask = match netmask {
        Netmask::V4(mask) => mask.octets(),
        Netmask::V6(bits) => u32::from(bits).to_ne_bytes(),
    };
    let flags: Vec<u8> = [said.map_or(0, flags), FLAG_MASK].iter().flat_map(|n| n.to_ne_bytes()).collect();
    let body = called(id)
        .text(svc::SCHEDULER, said.map_or("", |s| &s.scheduler))
        .maybe(said.and_then(|s| s.engine.as_deref()), |a, name| a.text(svc::ENGINE, name))
        .bytes(svc::FLAGS, &flags)
        .u32(svc::TIMEOUT, persistence.map_or(0, |p| p.timeout))
        .bytes(svc::NETMASK, &netmask);
    Attributes::default().nested(top::SERVICE, &body)
}

fn flags(service: &Service) -> u32 {
    let bit = |is: bool, bit: u32| if is { bit } else { 0 };
    bit(service.persistence.is_some(), FLAG_PERSISTENT)
        | bit(service.one_packet, FLAG_ONE_PACKET)
        | u32::from(service.flags.0) << FLAG_SCHED_SHIFT
}

fn dest(at: &SocketAddr, dest: &Dest) -> Attributes {
    let family = if at.is_ipv4() { AF_INET } else { AF_INET6 };
    let forward = match dest.forward {
        Forward::Masq => 0,
        Forward::Local => 1,
        Forward::Tunnel => 2,
        Forward::Route => 3,
        Forward::Bypass => 4,
    };
    let (kind, port, flags) = match dest.tunnel {
        Tunnel::Ipip => (0, 0, 0),
        Tunnel::Gue { port, flags } => (1, port, flags),
        Tunnel::Gre { flags } => (2, 0, flags),
    };
    Attributes::default()
        .u16(dst::FAMILY, family)
        .bytes(dst::ADDRESS, &address(at.ip()))
        .port(dst::PORT, at.port())
        .u32(dst::FORWARD, forward)
        .u32(dst::WEIGHT, dest.weight)
        .u8(dst::TUNNEL, kind)
        .port(dst::TUNNEL_PORT, port)
        .u16(dst::TUNNEL_FLAGS, flags)
        .u32(dst::UPPER, dest.upper)
        .u32(dst::LOWER, dest.lower)
}

/// Sixteen bytes, of which IPv4 uses four.
fn address(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V6(ip) => ip.octets(),
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
    }
}

/// A whole message: the two headers and what they announce.
fn message(kind: u16, command: u8, flags: u16, body: &Attributes) -> Vec<u8> {
    let length = u32::try_from(20 + body.0.len()).unwrap_or(u32::MAX);
    let flags = NLM_F_REQUEST | NLM_F_ACK | flags;
    let mut bytes = Vec::with_capacity(20 + body.0.len());
    bytes.extend(length.to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([command, GENL_VERSION, 0, 0]);
    bytes.extend(&body.0);
    bytes
}
