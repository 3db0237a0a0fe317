//! A table as `ipvsadm -L -n` shows it, in the order of addresses as text. For people and for tests: the
//! reference's recordings are such listings.

use std::net::SocketAddr;

use super::{Dest, Entry, Family, Protocol, ServiceId, Table};

const HEAD: &str = "Prot LocalAddress:Port Scheduler Flags\n  \
                    -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n";

/// The listing without its first line, which names the kernel's version. Nothing is connected.
pub fn listing(table: &Table) -> String {
    let mut blocks: Vec<String> = table.entries.iter().map(|(id, entry)| block(id, entry)).collect();
    blocks.sort();
    HEAD.to_owned() + &blocks.concat()
}

fn block(id: &ServiceId, entry: &Entry) -> String {
    let mut rows: Vec<String> = entry.dests.iter().map(|(at, dest)| row(at, dest)).collect();
    rows.sort();
    format!("{}{}\n{}", called(id), options(entry), rows.concat())
}

fn called(id: &ServiceId) -> String {
    match id {
        ServiceId::Mark { mark, family: Family::V4 } => format!("FWM  {mark}"),
        ServiceId::Mark { mark, family: Family::V6 } => format!("FWM  {mark} IPv6"),
        ServiceId::Address { protocol: Protocol::Tcp, at } => format!("TCP  {at}"),
        ServiceId::Address { protocol: Protocol::Udp, at } => format!("UDP  {at}"),
        ServiceId::Address { protocol: Protocol::Sctp, at } => format!("SCTP {at}"),
    }
}

fn options(entry: &Entry) -> String {
    let service = &entry.service;
    let mut out = format!(" {}", service.scheduler);
    let flags = service.flags.names(&service.scheduler);
    if !flags.is_empty() {
        out += &format!(" ({})", flags.join(","));
    }
    if let Some(persistence) = service.persistence {
        out += &format!(" persistent {}", persistence.timeout);
        if !persistence.netmask.is_single() {
            out += &format!(" mask {}", persistence.netmask);
        }
    }
    if let Some(engine) = &service.engine {
        out += &format!(" pe {engine}");
    }
    if service.one_packet {
        out += " ops";
    }
    out
}

fn row(at: &SocketAddr, dest: &Dest) -> String {
    let Dest { forward, weight, .. } = dest;
    format!("  -> {:<28} {:<7} {weight:<6} {:<10} 0\n", at.to_string(), forward.word(), 0)
}
