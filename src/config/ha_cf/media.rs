//! Nodes, and the media that are not multicast (configuration.md 1.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::draft::Draft;
use crate::config::host::FileKind;
use crate::config::model::{Medium, NodeKind};
use crate::config::text::At;
use crate::config::value::{Refusal, looks_dotted};

/// Significant characters of a node name.
const NAME_LENGTH: usize = 99;

/// One node name.
pub(super) fn node(draft: &mut Draft<'_>, at: &At<'_>) {
    let name: String = at.text().to_lowercase().chars().take(NAME_LENGTH).collect();
    draft.add_node("node", name, NodeKind::Normal, at);
}

/// One interface of `bcast`.
pub(super) fn bcast(draft: &mut Draft<'_>, at: &At<'_>) {
    let iface = at.text();
    let illegal = format!("Illegal bcast [UDP/IP broadcast] in config file [{iface}]");
    match draft.host.interface(&iface) {
        None => {
            let refusal = no_interface(&iface)
                .says(format!(
                    "glib: Get broadcast for interface {iface} failed: No such device"
                ))
                .says(format!("glib: IP interface [{iface}] does not exist"))
                .says(illegal);
            draft.refuse("bcast", at, refusal);
        }
        Some(known) if known.broadcast.is_none() => {
            let message =
                format!("interface {iface} has no broadcast address; no peer would hear us");
            let allowed = "an interface with an IPv4 broadcast address, or ucast or mcast";
            draft.refuse("bcast", at, Refusal::new(message, allowed));
        }
        Some(_) => {
            let port = draft.port;
            draft.add_medium(Medium::Bcast { iface, port }, at);
        }
    }
}

/// What is said of an interface that is not there.
pub(super) fn no_interface(iface: &str) -> Refusal {
    Refusal::new(
        format!("there is no interface {iface:?}"),
        "an interface of this machine (ip link)",
    )
}

/// Checks the interface of a medium that 3.0.6 opens only after it has forked.
fn interface(draft: &mut Draft<'_>, name: &'static str, at: &At<'_>, refusal: Refusal) -> bool {
    let known = draft.host.interface(&at.text()).is_some();
    if !known {
        draft.refuse(name, at, refusal);
    }
    known
}

/// `ucast INTERFACE ADDRESS`.
pub(super) fn ucast<'a>(draft: &mut Draft<'a>, whole: &At<'a>, words: &[At<'a>]) {
    let name = "ucast";
    let iface = words.first().map(At::text).unwrap_or_default();
    let (Some(device), Some(peer_at)) = (words.first(), words.get(1)) else {
        let said = format!("glib: ucast: [{iface}] missing target IP address/hostname");
        return draft.refuse(name, whole, missing("ucast INTERFACE ADDRESS").says(said));
    };
    surplus(draft, name, words, 2);
    let known = interface(draft, name, device, no_interface(&iface));
    let Some(peer) = resolve4(draft, &peer_at.text()) else {
        let refusal = no_address(&peer_at.text(), "IPv4")
            .says("glib: ucast: cannot resolve hostname")
            .says(format!("glib: ucast: interface [{iface}] does not exist"));
        return draft.refuse(name, peer_at, refusal);
    };
    if known && usable_peer(draft, name, peer.into(), peer_at) {
        let port = draft.port;
        draft.add_medium(Medium::Ucast { iface, peer, port }, whole);
    }
}

/// `ucast6 INTERFACE ADDRESS`.
pub(super) fn ucast6<'a>(draft: &mut Draft<'a>, whole: &At<'a>, words: &[At<'a>]) {
    let name = "ucast6";
    let iface = words.first().map(At::text).unwrap_or_default();
    let (Some(device), Some(peer_at)) = (words.first(), words.get(1)) else {
        let said = match words.is_empty() {
            true => "glib: ucast6 statement without device".to_owned(),
            false => format!("glib: ucast6 [{iface}] missing ucast6 address"),
        };
        return draft.refuse(name, whole, missing("ucast6 INTERFACE ADDRESS").says(said));
    };
    surplus(draft, name, words, 2);
    let said = format!("glib: ucast6 device [{iface}] is invalid or not set up properly");
    let known = interface(draft, name, device, no_interface(&iface).says(said));
    let text = peer_at.text();
    let Some(peer) = resolve6(draft, &text) else {
        let refusal = no_address(&text, "IPv6");
        let said = format!("glib: ucast6 [{iface}] bad addr [{text}]");
        return draft.refuse(name, peer_at, refusal.says(said));
    };
    if known && usable_peer(draft, name, peer.into(), peer_at) {
        let port = draft.port;
        draft.add_medium(Medium::Ucast6 { iface, peer, port }, whole);
    }
}

/// Refuses addresses that no single host can have.
fn usable_peer(draft: &mut Draft<'_>, name: &'static str, peer: IpAddr, at: &At<'_>) -> bool {
    let everybody = peer == IpAddr::V4(Ipv4Addr::BROADCAST);
    let bad = peer.is_multicast() || peer.is_unspecified() || everybody;
    if bad {
        let message = format!("{peer} is not the address of one host");
        draft.refuse(
            name,
            at,
            Refusal::new(message, "the address of the other node"),
        );
    }
    !bad
}

/// One device of `serial`. Its speed is filled in when all of the file is known.
pub(super) fn serial(draft: &mut Draft<'_>, at: &At<'_>) {
    let device = at.text();
    let illegal = format!("Illegal serial [serial ring] in config file [{device}]");
    let allowed = "the full path of a serial line, such as /dev/ttyS0";
    if !device.starts_with('/') {
        let said = format!("glib: Serial port not full pathname [{device}] in config file");
        let refusal = Refusal::new(format!("{device:?} is not a full path"), allowed);
        return draft.refuse("serial", at, refusal.says(said).says(illegal));
    }
    match draft.host.file_kind(&device) {
        Some(FileKind::Tty) => draft.add_medium(
            Medium::Serial {
                device,
                baud: 19200,
            },
            at,
        ),
        Some(_) => {
            let refusal = Refusal::new(format!("{device} is no serial line"), allowed);
            draft.refuse("serial", at, refusal);
        }
        None => {
            let said = format!("glib: Nonexistent serial port [{device}] in config file");
            let refusal = Refusal::new(format!("{device} does not exist"), allowed);
            draft.refuse("serial", at, refusal.says(said).says(illegal));
        }
    }
}

/// One address of `ping`.
pub(super) fn ping(draft: &mut Draft<'_>, at: &At<'_>) {
    let name = at.text();
    let Some(peer) = resolve4(draft, &name) else {
        let refusal = no_address(&name, "IPv4")
            .says(format!("glib: unknown host: {name}: Success"))
            .says(format!(
                "Illegal ping [ping membership] in config file [{name}]"
            ));
        return draft.refuse("ping", at, refusal);
    };
    if draft.add_node("ping", name.clone(), NodeKind::Ping, at) {
        draft.add_medium(Medium::Ping { name, peer }, at);
    }
}

/// One address of `ping6`.
pub(super) fn ping6(draft: &mut Draft<'_>, at: &At<'_>) {
    let name = at.text();
    let Some(peer) = resolve6(draft, &name) else {
        let said = format!("Illegal ping6 [ping6 membership] in config file [{name}]");
        return draft.refuse("ping6", at, no_address(&name, "IPv6").says(said));
    };
    if draft.add_node("ping6", name.clone(), NodeKind::Ping, at) {
        draft.add_medium(Medium::Ping6 { name, peer }, at);
    }
}

/// `ping_group NAME ADDRESS ...`.
pub(super) fn ping_group<'a>(draft: &mut Draft<'a>, whole: &At<'a>, words: &[At<'a>]) {
    let Some((name_at, members)) = words.split_first().filter(|(_, rest)| !rest.is_empty()) else {
        return draft.refuse(
            "ping_group",
            whole,
            missing("ping_group NAME ADDRESS [ADDRESS ...]"),
        );
    };
    let peers = reachable(draft, members);
    let name = name_at.text();
    if !peers.is_empty() && draft.add_node("ping_group", name.clone(), NodeKind::Ping, name_at) {
        draft.add_medium(Medium::PingGroup { name, peers }, whole);
    }
}

/// The members of a group. A name that cannot be resolved now is left out as long as another member
/// remains, as in 3.0.6; an address that cannot be is refused.
fn reachable(draft: &mut Draft<'_>, members: &[At<'_>]) -> Vec<Ipv4Addr> {
    let found: Vec<_> = members
        .iter()
        .map(|at| (at, resolve4(draft, &at.text())))
        .collect();
    let any = found.iter().any(|(_, peer)| peer.is_some());
    for (at, _) in found.iter().filter(|(_, peer)| peer.is_none()) {
        let text = at.text();
        let said = format!("glib: unknown host: {text}: Success");
        let refusal = no_address(&text, "IPv4").says(said);
        match any && !looks_dotted(&text) {
            true => draft.warn("ping_group", at, refusal),
            false => draft.refuse("ping_group", at, refusal),
        }
    }
    found.into_iter().filter_map(|(_, peer)| peer).collect()
}

/// What is said when arguments are missing.
pub(super) fn missing(form: &str) -> Refusal {
    Refusal::new("an argument is missing", form)
}

/// Warns of arguments that nobody reads.
pub(super) fn surplus(draft: &mut Draft<'_>, name: &'static str, words: &[At<'_>], wanted: usize) {
    if let Some(extra) = words.get(wanted) {
        let message = format!("{:?} and what follows is ignored", extra.text());
        draft.warn(
            name,
            extra,
            Refusal::new(message, format!("{wanted} arguments")),
        );
    }
}

fn no_address(text: &str, family: &str) -> Refusal {
    let allowed = format!("an {family} address, or a host name that can be resolved now");
    if looks_dotted(text) {
        return Refusal::new(format!("{text:?} is no possible address"), allowed);
    }
    Refusal::new(format!("{text:?} has no {family} address"), allowed)
}

/// The IPv4 address a text stands for.
pub(super) fn resolve4(draft: &Draft<'_>, text: &str) -> Option<Ipv4Addr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    draft
        .host
        .resolve(text)
        .into_iter()
        .find_map(|address| match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
}

/// The IPv6 address a text stands for. A zone such as `%eth0` adds nothing: the interface is given.
pub(super) fn resolve6(draft: &Draft<'_>, text: &str) -> Option<Ipv6Addr> {
    let bare = text.split('%').next().unwrap_or_default();
    if let Ok(address) = bare.parse() {
        return Some(address);
    }
    draft
        .host
        .resolve(text)
        .into_iter()
        .find_map(|address| match address {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        })
}
