//! What else the kernel's IPVS has: the connection sync daemon, timeouts, counters.

use std::net::{IpAddr, SocketAddr};

use super::{Connected, ServiceId};

/// What a sync daemon does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Tells of connections.
    Master,
    /// Listens.
    Backup,
}

/// A daemon that keeps the connections of two directors alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncDaemon {
    /// What it does.
    pub role: Role,
    /// The interface it talks on.
    pub interface: String,
    /// Daemons with another number are not heard; 0 hears all.
    pub sync_id: u32,
    /// Longest message in bytes; 0 leaves it to the kernel.
    pub max_length: u16,
    /// Multicast group; the kernel's own (224.0.0.81) when none.
    pub group: Option<IpAddr>,
    /// UDP port; 0 leaves it to the kernel (8848).
    pub port: u16,
    /// Time to live; 0 leaves it to the kernel (1).
    pub ttl: u8,
}

/// Seconds until an idle connection is forgotten. 0 leaves a value as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeouts {
    /// An established TCP connection.
    pub tcp: u32,
    /// One that has been closed by one side.
    pub tcp_fin: u32,
    /// UDP.
    pub udp: u32,
}

/// The kernel's IPVS itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Version: major, minor, patch.
    pub version: (u8, u8, u8),
    /// Places in the table of connections.
    pub connections: u32,
}

/// What went through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections begun.
    pub connections: u64,
    /// Packets from clients.
    pub packets_in: u64,
    /// Packets to clients, where they come back this way.
    pub packets_out: u64,
    /// Bytes from clients.
    pub bytes_in: u64,
    /// Bytes to clients.
    pub bytes_out: u64,
}

/// What goes on at one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DestCounters {
    /// Its address.
    pub at: SocketAddr,
    /// Its connections.
    pub connected: Connected,
    /// Connections that keep a client here.
    pub persistent: u32,
    /// What went through.
    pub through: Counters,
}

/// What goes on at one virtual service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Which.
    pub service: ServiceId,
    /// What went through.
    pub through: Counters,
    /// Its servers.
    pub dests: Vec<DestCounters>,
}
