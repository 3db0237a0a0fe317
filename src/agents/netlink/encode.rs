//! Requests to the kernel, as bytes.

use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NetlinkMessage};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope, CacheInfo,
};
use netlink_packet_route::link::{LinkFlags, LinkMessage};
use netlink_packet_route::route::{RouteHeader, RouteMessage, RouteType};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use crate::agents::plan::{Addr, Op};

/// All interfaces.
pub(super) fn dump_links() -> Vec<u8> {
    bytes(RouteNetlinkMessage::GetLink(LinkMessage::default()), NLM_F_DUMP)
}

/// All addresses of both families.
pub(super) fn dump_addresses() -> Vec<u8> {
    bytes(RouteNetlinkMessage::GetAddress(AddressMessage::default()), NLM_F_DUMP)
}

/// The unicast IPv4 routes of the main table.
pub(super) fn dump_routes_v4() -> Vec<u8> {
    dump_routes(AddressFamily::Inet)
}

/// The unicast IPv6 routes of the main table.
pub(super) fn dump_routes_v6() -> Vec<u8> {
    dump_routes(AddressFamily::Inet6)
}

fn dump_routes(family: AddressFamily) -> Vec<u8> {
    let mut message = RouteMessage::default();
    message.header.address_family = family;
    message.header.table = RouteHeader::RT_TABLE_MAIN;
    message.header.kind = RouteType::Unicast;
    bytes(RouteNetlinkMessage::GetRoute(message), NLM_F_DUMP)
}

/// An operation.
pub(super) fn op(op: &Op) -> Vec<u8> {
    match op {
        Op::Add(a) => {
            bytes(RouteNetlinkMessage::NewAddress(address(a)), NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL)
        }
        Op::Remove(a) => bytes(RouteNetlinkMessage::DelAddress(address(a)), NLM_F_ACK),
        Op::LinkUp(index) => bytes(RouteNetlinkMessage::SetLink(link_up(*index)), NLM_F_ACK),
    }
}

fn link_up(index: u32) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message.header.flags = LinkFlags::Up;
    message.header.change_mask = LinkFlags::Up;
    message
}

fn address(a: &Addr) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = if a.ip.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    message.header.prefix_len = a.bits;
    message.header.scope = AddressScope::from(a.scope);
    message.header.index = a.index;
    let [low, ..] = a.flags.to_le_bytes();
    message.header.flags = AddressHeaderFlags::from_bits_retain(low);
    let attributes = &mut message.attributes;
    attributes.push(AddressAttribute::Local(a.ip));
    attributes.push(AddressAttribute::Address(a.peer.unwrap_or(a.ip)));
    attributes.extend(a.broadcast.map(AddressAttribute::Broadcast));
    attributes.extend(a.label.clone().map(AddressAttribute::Label));
    if a.flags != 0 {
        attributes.push(AddressAttribute::Flags(AddressFlags::from_bits_retain(a.flags)));
    }
    attributes.extend(a.metric.map(AddressAttribute::RoutePriority));
    attributes.extend(a.lifetimes.map(lifetimes));
    message
}

fn lifetimes((preferred, valid): (u32, u32)) -> AddressAttribute {
    let mut info = CacheInfo::default();
    info.ifa_preferred = preferred;
    info.ifa_valid = valid;
    AddressAttribute::CacheInfo(info)
}

fn bytes(message: RouteNetlinkMessage, flags: u16) -> Vec<u8> {
    let mut packet = NetlinkMessage::from(message);
    packet.header.flags = NLM_F_REQUEST | flags;
    packet.finalize();
    let mut bytes = vec![0; packet.buffer_len()];
    packet.serialize(&mut bytes);
    bytes
}
