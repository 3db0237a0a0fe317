//! One change to the table.

use std::collections::btree_map::Entry as Slot;
use std::fmt;
use std::net::SocketAddr;

use super::{Dest, Entry, Service, ServiceId, Table};

/// One thing to tell the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A new virtual service.
    AddService(ServiceId, Service),
    /// Another way to spread its connections.
    EditService(ServiceId, Service),
    /// No such service any more, nor its servers.
    DelService(ServiceId),
    /// A new server behind a virtual service.
    AddDest(ServiceId, SocketAddr, Dest),
    /// Another way to use it.
    EditDest(ServiceId, SocketAddr, Dest),
    /// No such server any more.
    DelDest(ServiceId, SocketAddr),
}

/// Why a change cannot be made; the table is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What is to be added is there.
    Exists,
    /// The virtual service is not there.
    NoService,
    /// The server is not there.
    NoDest,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Exists => "it is there already",
            Fault::NoService => "there is no such virtual service",
            Fault::NoDest => "there is no such server behind this virtual service",
        })
    }
}

impl std::error::Error for Fault {}

impl Op {
    /// The virtual service it is about.
    pub fn service(&self) -> &ServiceId {
        match self {
            Op::AddService(id, _) | Op::EditService(id, _) | Op::DelService(id) => id,
            Op::AddDest(id, ..) | Op::EditDest(id, ..) | Op::DelDest(id, _) => id,
        }
    }

    /// The command line of ipvsadm that does it.
    pub fn arguments(&self) -> Vec<String> {
        let (option, rest) = match self {
            Op::AddService(_, service) => ("-A", service.arguments()),
            Op::EditService(_, service) => ("-E", service.arguments()),
            Op::DelService(_) => ("-D", Vec::new()),
            Op::AddDest(_, at, dest) => ("-a", dest.arguments(&at.to_string())),
            Op::EditDest(_, at, dest) => ("-e", dest.arguments(&at.to_string())),
            Op::DelDest(_, at) => ("-d", vec!["-r".to_owned(), at.to_string()]),
        };
        let mut words = vec![option.to_owned()];
        words.extend(self.service().arguments());
        // ldirectord puts -o before, -6 with the mark; ipvsadm does not care.
        words.extend(rest);
        words
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arguments().join(" "))
    }
}

impl Table {
    /// What the kernel makes of the table when it is told so.
    pub fn apply(&mut self, op: &Op) -> Result<(), Fault> {
        match op {
            Op::AddService(id, service) => match self.entries.entry(*id) {
                Slot::Occupied(_) => Err(Fault::Exists),
                Slot::Vacant(slot) => {
                    slot.insert(Entry { service: service.clone(), ..Entry::default() });
                    Ok(())
                }
            },
            Op::EditService(id, service) => self.entry(id).map(|entry| entry.service = service.clone()),
            Op::DelService(id) => self.entries.remove(id).map(|_| ()).ok_or(Fault::NoService),
            Op::AddDest(id, at, dest) => match self.entry(id)?.dests.entry(*at) {
                Slot::Occupied(_) => Err(Fault::Exists),
                Slot::Vacant(slot) => {
                    slot.insert(*dest);
                    Ok(())
                }
            },
            Op::EditDest(id, at, dest) => {
                let there = self.entry(id)?.dests.get_mut(at).ok_or(Fault::NoDest)?;
                *there = *dest;
                Ok(())
            }
            Op::DelDest(id, at) => {
                let entry = self.entry(id)?;
                entry.connected.remove(at);
                entry.dests.remove(at).map(|_| ()).ok_or(Fault::NoDest)
            }
        }
    }

    fn entry(&mut self, id: &ServiceId) -> Result<&mut Entry, Fault> {
        self.entries.get_mut(id).ok_or(Fault::NoService)
    }
}
