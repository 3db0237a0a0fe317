//! What the kernel answers. What is too short or unknown is skipped: a newer kernel may say more.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::attribute::{counter, port_at};
use super::names::*;
use crate::director::table::{
    Connected, Counters, Dest, DestCounters, Family, Forward, Info, Netmask, Persistence, Protocol, Role,
    SchedFlags, Service, ServiceId, SyncDaemon, Timeouts, Tunnel,
};
use crate::netlink::frame::{Frame, attributes, text, u16_at, u32_at};

/// A server as the kernel lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its address.
    pub at: SocketAddr,
    /// How it is used.
    pub dest: Dest,
    /// Its connections.
    pub connected: Connected,
}

/// The attributes of a message, if it is of that command.
fn of<'a>(frame: Frame<'a>, command: u8) -> Option<impl Iterator<Item = (u16, &'a [u8])>> {
    let answers = frame.verdict().is_none() && frame.body.first() == Some(&command);
    answers.then(|| frame.body.get(4..)).flatten().map(attributes)
}

/// What stands in the attribute of that kind.
fn inside<'a>(frame: Frame<'a>, command: u8, kind: u16) -> Option<&'a [u8]> {
    of(frame, command)?.find(|(k, _)| *k == kind).map(|(_, value)| value)
}

/// The number of the family that was asked for.
pub fn family(frame: Frame<'_>) -> Option<u16> {
    let value = frame.body.get(4..).map(attributes)?.find(|(kind, _)| *kind == CTRL_ATTR_FAMILY_ID)?.1;
    (frame.kind == GENL_ID_CTRL).then(|| u16_at(value, 0)).flatten()
}

/// Version and size.
pub fn info(frame: Frame<'_>) -> Option<Info> {
    let (mut version, mut connections) = (None, 0);
    for (kind, value) in of(frame, command::SET_INFO)? {
        match kind {
            INFO_VERSION => version = u32_at(value, 0),
            INFO_SIZE => connections = u32_at(value, 0)?,
            _ => {}
        }
    }
    let [patch, minor, major, _] = version?.to_le_bytes();
    Some(Info { version: (major, minor, patch), connections })
}

/// A virtual service.
pub fn service(frame: Frame<'_>) -> Option<(ServiceId, Service)> {
    let body = inside(frame, command::NEW_SERVICE, top::SERVICE)?;
    let mut raw = RawService::default();
    for (kind, value) in attributes(body) {
        raw.take(kind, value);
    }
    Some((raw.id()?, raw.service()))
}

/// What went through a virtual service.
pub fn counted(frame: Frame<'_>) -> Option<Counters> {
    let body = inside(frame, command::NEW_SERVICE, top::SERVICE)?;
    Some(counters(body, svc::STATS, svc::STATS64))
}

#[derive(Default)]
struct RawService<'a> {
    family: u16,
    protocol: u16,
    address: &'a [u8],
    port: u16,
    mark: u32,
    scheduler: String,
    engine: Option<String>,
    flags: u32,
    timeout: u32,
    netmask: [u8; 4],
}

impl<'a> RawService<'a> {
    fn take(&mut self, kind: u16, value: &'a [u8]) {
        let short = u16_at(value, 0).unwrap_or(0);
        let long = u32_at(value, 0).unwrap_or(0);
        match kind {
            svc::FAMILY => self.family = short,
            svc::PROTOCOL => self.protocol = short,
            svc::ADDRESS => self.address = value,
            svc::PORT => self.port = port_at(value).unwrap_or(0),
            svc::MARK => self.mark = long,
            svc::SCHEDULER => self.scheduler = text(value),
            svc::ENGINE => self.engine = Some(text(value)).filter(|name| !name.is_empty()),
            svc::FLAGS => self.flags = long,
            svc::TIMEOUT => self.timeout = long,
            svc::NETMASK => self.netmask = long.to_ne_bytes(),
            _ => {}
        }
    }

    fn id(&self) -> Option<ServiceId> {
        if self.mark != 0 {
            let family = if self.family == AF_INET6 { Family::V6 } else { Family::V4 };
            return Some(ServiceId::Mark { mark: self.mark, family });
        }
        let protocol = match self.protocol {
            IPPROTO_TCP => Protocol::Tcp,
            IPPROTO_UDP => Protocol::Udp,
            IPPROTO_SCTP => Protocol::Sctp,
            _ => return None,
        };
        Some(ServiceId::address(protocol, SocketAddr::new(ip(self.family, self.address)?, self.port)))
    }

    fn service(self) -> Service {
        let netmask = match self.family {
            AF_INET6 => Netmask::V6(u8::try_from(u32::from_ne_bytes(self.netmask)).unwrap_or(128)),
            _ => Netmask::V4(self.netmask.into()),
        };
        let persistence = Persistence { timeout: self.timeout, netmask };
        let [sched, ..] = (self.flags >> FLAG_SCHED_SHIFT & 7).to_le_bytes();
        Service {
            scheduler: self.scheduler,
            flags: SchedFlags(sched),
            persistence: (self.flags & FLAG_PERSISTENT != 0).then_some(persistence),
            one_packet: self.flags & FLAG_ONE_PACKET != 0,
            engine: self.engine,
        }
    }
}

/// A server of a virtual service. A kernel that knows no families of servers takes that of the service.
pub fn dest(frame: Frame<'_>, of_service: Family) -> Option<Row> {
    let body = inside(frame, command::NEW_DEST, top::DEST)?;
    let mut raw = RawDest::default();
    for (kind, value) in attributes(body) {
        raw.take(kind, value);
    }
    let usual = if of_service == Family::V4 { AF_INET } else { AF_INET6 };
    let family = if raw.family == 0 { usual } else { raw.family };
    let at = SocketAddr::new(ip(family, raw.address)?, raw.port);
    Some(Row { at, dest: raw.dest()?, connected: raw.connected })
}

/// What goes on at a server.
pub fn dest_counters(frame: Frame<'_>, of_service: Family) -> Option<DestCounters> {
    let Row { at, connected, .. } = dest(frame, of_service)?;
    let body = inside(frame, command::NEW_DEST, top::DEST)?;
    let number =
        |kind| attributes(body).find(|(k, _)| *k == kind).and_then(|(_, v)| u32_at(v, 0)).unwrap_or(0);
    Some(DestCounters {
        at,
        connected,
        persistent: number(dst::PERSISTENT),
        through: counters(body, dst::STATS, dst::STATS64),
    })
}

#[derive(Default)]
struct RawDest<'a> {
    family: u16,
    address: &'a [u8],
    port: u16,
    forward: u32,
    weight: u32,
    upper: u32,
    lower: u32,
    tunnel: u8,
    tunnel_port: u16,
    tunnel_flags: u16,
    connected: Connected,
}

impl<'a> RawDest<'a> {
    fn take(&mut self, kind: u16, value: &'a [u8]) {
        let short = u16_at(value, 0).unwrap_or(0);
        let long = u32_at(value, 0).unwrap_or(0);
        match kind {
            dst::FAMILY => self.family = short,
            dst::ADDRESS => self.address = value,
            dst::PORT => self.port = port_at(value).unwrap_or(0),
            dst::FORWARD => self.forward = long,
            dst::WEIGHT => self.weight = long,
            dst::UPPER => self.upper = long,
            dst::LOWER => self.lower = long,
            dst::ACTIVE => self.connected.active = long,
            dst::INACTIVE => self.connected.inactive = long,
            dst::TUNNEL => self.tunnel = value.first().copied().unwrap_or(0),
            dst::TUNNEL_PORT => self.tunnel_port = port_at(value).unwrap_or(0),
            dst::TUNNEL_FLAGS => self.tunnel_flags = short,
            _ => {}
        }
    }

    fn dest(&self) -> Option<Dest> {
        let forward = match self.forward & FORWARD_MASK {
            0 => Forward::Masq,
            1 => Forward::Local,
            2 => Forward::Tunnel,
            3 => Forward::Route,
            4 => Forward::Bypass,
            _ => return None,
        };
        let tunnel = match self.tunnel {
            1 => Tunnel::Gue { port: self.tunnel_port, flags: self.tunnel_flags },
            2 => Tunnel::Gre { flags: self.tunnel_flags },
            _ => Tunnel::Ipip,
        };
        Some(Dest { forward, weight: self.weight, upper: self.upper, lower: self.lower, tunnel })
    }
}

/// The counters of a service or server: the long ones where the kernel has them.
fn counters(body: &[u8], short: u16, long: u16) -> Counters {
    let find = |wanted: u16| attributes(body).find(|(kind, _)| *kind == wanted).map(|(_, value)| value);
    let mut counters = Counters::default();
    for (kind, value) in attributes(find(long).or_else(|| find(short)).unwrap_or_default()) {
        let Some(count) = counter(value) else { continue };
        match kind {
            1 => counters.connections = count,
            2 => counters.packets_in = count,
            3 => counters.packets_out = count,
            4 => counters.bytes_in = count,
            5 => counters.bytes_out = count,
            _ => {}
        }
    }
    counters
}

/// A sync daemon.
pub fn daemon(frame: Frame<'_>) -> Option<SyncDaemon> {
    let body = inside(frame, command::NEW_DAEMON, top::DAEMON)?;
    let mut role = None;
    let mut daemon = SyncDaemon {
        role: Role::Master,
        interface: String::new(),
        sync_id: 0,
        max_length: 0,
        group: None,
        port: 0,
        ttl: 0,
    };
    for (kind, value) in attributes(body) {
        match kind {
            sync::STATE => role = u32_at(value, 0),
            sync::INTERFACE => daemon.interface = text(value),
            sync::ID => daemon.sync_id = u32_at(value, 0)?,
            sync::MAX_LENGTH => daemon.max_length = u16_at(value, 0)?,
            sync::GROUP => daemon.group = ip(AF_INET, value),
            sync::GROUP6 => daemon.group = ip(AF_INET6, value),
            sync::PORT => daemon.port = u16_at(value, 0)?,
            sync::TTL => daemon.ttl = value.first().copied()?,
            _ => {}
        }
    }
    daemon.role = match role? {
        1 => Role::Master,
        2 => Role::Backup,
        _ => return None,
    };
    Some(daemon)
}

/// The timeouts.
pub fn timeouts(frame: Frame<'_>) -> Option<Timeouts> {
    let mut timeouts = Timeouts::default();
    for (kind, value) in of(frame, command::SET_CONFIG)? {
        match kind {
            top::TIMEOUT_TCP => timeouts.tcp = u32_at(value, 0)?,
            top::TIMEOUT_TCP_FIN => timeouts.tcp_fin = u32_at(value, 0)?,
            top::TIMEOUT_UDP => timeouts.udp = u32_at(value, 0)?,
            _ => {}
        }
    }
    Some(timeouts)
}

fn ip(family: u16, value: &[u8]) -> Option<IpAddr> {
    match family {
        AF_INET6 => value.first_chunk::<16>().map(|b| IpAddr::V6(Ipv6Addr::from(*b))),
        _ => value.first_chunk::<4>().map(|b| IpAddr::V4(Ipv4Addr::from(*b))),
    }
}
