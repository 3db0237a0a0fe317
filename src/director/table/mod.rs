//! The kernel's table of virtual services as values, and what can be done to it.
//!
//! | file | what it knows |
//! |---|---|
//! | [`id`] | how a virtual service is called |
//! | [`service`] | how it spreads its connections |
//! | [`dest`] | one server behind it |
//! | [`op`] | one change, and what it makes of a table |
//! | [`daemon`] | the connection sync daemon, timeouts, counters |
//! | [`listing`] | a table as `ipvsadm -L -n` shows it |

pub mod daemon;
pub mod dest;
pub mod id;
pub mod listing;
pub mod op;
pub mod service;

use std::collections::BTreeMap;
use std::net::SocketAddr;

pub use daemon::{Counted, Counters, DestCounters, Info, Role, SyncDaemon, Timeouts};
pub use dest::{Connected, Dest, Forward, Tunnel};
pub use id::{Family, Protocol, ServiceId};
pub use op::{Fault, Op};
pub use service::{Netmask, Persistence, SchedFlags, Service};

/// A virtual service and the servers behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// How it spreads its connections.
    pub service: Service,
    /// The servers, by address.
    pub dests: BTreeMap<SocketAddr, Dest>,
    /// The connections of those that have any.
    pub connected: BTreeMap<SocketAddr, Connected>,
}

impl Entry {
    /// A server has so many connections now. Of who has none nothing is kept.
    pub fn connect(&mut self, at: SocketAddr, connected: Connected) {
        if connected == Connected::default() {
            self.connected.remove(&at);
        } else {
            self.connected.insert(at, connected);
        }
    }
}

/// The whole table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The virtual services.
    pub entries: BTreeMap<ServiceId, Entry>,
}

impl Table {
    /// The entry of a virtual service.
    pub fn get(&self, id: &ServiceId) -> Option<&Entry> {
        self.entries.get(id)
    }
}

#[cfg(test)]
mod tests;
