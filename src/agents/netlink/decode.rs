//! Answers of the kernel, from bytes.
//!
//! Only the few attributes we need are looked at, so that an attribute a newer kernel invents can
//! not make an interface invisible. What is too short to be understood is skipped.

use std::net::{IpAddr, Ipv4Addr};

use crate::agents::plan::{Addr, Link, Route};
use crate::netlink::frame::{Frame, attributes, text, u16_at, u32_at};

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_NEWROUTE: u16 = 24;
const RTN_UNICAST: u8 = 1;
const SCOPE_LINK: u8 = 253;
const TABLE_MAIN: u32 = 254;

/// Whether an address went, or a link changed.
pub(super) fn may_be_a_loss(frame: Frame<'_>) -> bool {
    matches!(frame.kind, RTM_DELADDR | RTM_NEWLINK | RTM_DELLINK)
}

/// An interface, if the frame is one.
pub(super) fn link(frame: Frame<'_>) -> Option<Link> {
    let body = frame.body;
    let attributes = of_kind(frame, RTM_NEWLINK, 16)?;
    let mut link =
        Link { index: u32_at(body, 4)?, kind: u16_at(body, 2)?, flags: u32_at(body, 8)?, ..Link::default() };
    for (kind, value) in attributes {
        match kind {
            1 => link.mac = value.to_vec(),
            3 => link.name = text(value),
            52 => link.altnames = other_names(value),
            _ => {}
        }
    }
    Some(link)
}

/// Those in a list of properties.
fn other_names(properties: &[u8]) -> Vec<String> {
    attributes(properties).filter(|(kind, _)| *kind == 53).map(|(_, name)| text(name)).collect()
}

/// An IP address, if the frame is one.
pub(super) fn address(frame: Frame<'_>) -> Option<Addr> {
    let body = frame.body;
    let attributes = of_kind(frame, RTM_NEWADDR, 8)?;
    let (mut local, mut address) = (None, None);
    let mut addr = Addr {
        index: u32_at(body, 4)?,
        ip: Ipv4Addr::UNSPECIFIED.into(),
        peer: None,
        bits: *body.get(1)?,
        broadcast: None,
        label: None,
        scope: *body.get(3)?,
        flags: u32::from(*body.get(2)?),
        metric: None,
        lifetimes: None,
    };
    for (kind, value) in attributes {
        match kind {
            1 => address = ip(value),
            2 => local = ip(value),
            3 => addr.label = Some(text(value)),
            4 => addr.broadcast = v4(value),
            6 => addr.lifetimes = u32_at(value, 0).zip(u32_at(value, 4)),
            8 => addr.flags = u32_at(value, 0).unwrap_or(addr.flags),
            9 => addr.metric = u32_at(value, 0),
            _ => {}
        }
    }
    addr.ip = local.or(address)?;
    addr.peer = address.filter(|a| *a != addr.ip);
    Some(addr)
}

/// A unicast route of the main table, if the frame is one. A multipath route counts by its first
/// hop.
pub(super) fn route(frame: Frame<'_>) -> Option<Route> {
    let body = frame.body;
    let attributes = of_kind(frame, RTM_NEWROUTE, 12)?;
    let v6 = *body.first()? == 10;
    let (mut table, mut index, mut metric, mut gateway) = (u32::from(*body.get(4)?), None, 0, false);
    let mut net: IpAddr = if v6 { IpAddr::from([0u8; 16]) } else { IpAddr::from([0u8; 4]) };
    for (kind, value) in attributes {
        match kind {
            1 => net = ip(value).unwrap_or(net),
            4 => index = u32_at(value, 0),
            5 | 18 => gateway = true,
            6 => metric = u32_at(value, 0).unwrap_or(0),
            9 => index = index.or(u32_at(value, 4)),
            15 => table = u32_at(value, 0).unwrap_or(table),
            _ => {}
        }
    }
    let wanted = *body.get(7)? == RTN_UNICAST && table == TABLE_MAIN;
    let on_link = if v6 { !gateway } else { *body.get(6)? == SCOPE_LINK };
    wanted.then_some(Route { net, bits: *body.get(1)?, index: index?, on_link, metric })
}

/// The attributes of the frame, if it is of that kind.
fn of_kind(frame: Frame<'_>, kind: u16, header: usize) -> Option<impl Iterator<Item = (u16, &[u8])>> {
    (frame.kind == kind).then(|| frame.body.get(header..)).flatten().map(attributes)
}

fn ip(value: &[u8]) -> Option<IpAddr> {
    v4(value).map(IpAddr::V4).or_else(|| <[u8; 16]>::try_from(value).ok().map(IpAddr::from))
}

fn v4(value: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(value).ok().map(Ipv4Addr::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::plan::Op;
    use crate::netlink::frame::frames;

    /// What we ask for is what we would read: encode an addition, read it back.
    #[test]
    fn an_address_survives_the_wire() {
        let addr = Addr {
            index: 7,
            ip: "10.0.0.5".parse().unwrap(),
            peer: Some("10.0.0.6".parse().unwrap()),
            bits: 32,
            broadcast: Some(Ipv4Addr::new(10, 0, 0, 255)),
            label: Some("eth0:web".into()),
            scope: 0,
            flags: 0x201,
            metric: Some(50),
            lifetimes: Some((u32::MAX, u32::MAX)),
        };
        let bytes = super::super::encode::op(&Op::Add(addr.clone()));
        let frame = frames(&bytes).next().unwrap();
        assert_eq!(address(frame), Some(addr));
    }

    #[test]
    fn rubbish_is_skipped() {
        for length in 0..64_u32 {
            for kind in [RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE] {
                let head = [&(16 + length).to_ne_bytes()[..], &kind.to_ne_bytes(), &[0; 10]].concat();
                let bytes = [head, vec![0xff; length as usize]].concat();
                let frame = frames(&bytes).next().unwrap();
                let _ = (link(frame), address(frame), route(frame));
            }
        }
    }
}
