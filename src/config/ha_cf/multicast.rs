//! `mcast` and `mcast6`: five arguments each, all required (configuration.md 1.2).

use super::draft::Draft;
use super::media::{missing, no_interface, surplus};
use crate::config::model::Medium;
use crate::config::text::At;
use crate::config::value::{Refusal, ipv4, number, port};

/// What both forms have in common.
struct Common {
    iface: String,
    port: u16,
    ttl: u8,
    looped: bool,
}

/// What the number of hops is called.
fn limit(name: &str) -> &'static str {
    if name == "mcast6" { "hops" } else { "ttl" }
}

/// `mcast INTERFACE GROUP PORT TTL LOOP`. Without any argument it is ignored, as in 3.0.6.
pub(super) fn mcast<'a>(draft: &mut Draft<'a>, whole: &At<'a>, words: &[At<'a>]) {
    if words.is_empty() {
        let refusal = Refusal::new(
            "has no argument and no effect",
            "mcast INTERFACE GROUP PORT TTL LOOP",
        );
        return draft.warn("mcast", whole, refusal);
    }
    let iface = words.first().map(At::text).unwrap_or_default();
    let group = words.get(1).and_then(|at| {
        let text = at.text();
        let group = ipv4(&text).ok().filter(|address| address.is_multicast());
        if group.is_none() {
            let refusal = Refusal::new(
                format!("{text:?} is no multicast group"),
                "an address from 224.0.0.0 to 239.255.255.255",
            );
            draft.refuse(
                "mcast",
                at,
                refusal.says(format!("glib: mcast [{iface}] bad addr [{text}]")),
            );
        }
        group
    });
    let common = common(draft, "mcast", whole, words);
    if let (
        Some(group),
        Some(Common {
            iface,
            port,
            ttl,
            looped,
        }),
    ) = (group, common)
    {
        draft.add_medium(
            Medium::Mcast {
                iface,
                group,
                port,
                ttl,
                looped,
            },
            whole,
        );
    }
}

/// `mcast6 INTERFACE GROUP PORT HOPS LOOP`.
pub(super) fn mcast6<'a>(draft: &mut Draft<'a>, whole: &At<'a>, words: &[At<'a>]) {
    let iface = words.first().map(At::text).unwrap_or_default();
    let group = words.get(1).and_then(|at| {
        let text = at.text();
        let bare = text.split('%').next().unwrap_or_default();
        let group = bare
            .parse::<std::net::Ipv6Addr>()
            .ok()
            .filter(|a| a.is_multicast());
        if group.is_none() {
            let refusal = Refusal::new(
                format!("{text:?} is no IPv6 multicast group"),
                "an ff00::/8 address",
            );
            draft.refuse(
                "mcast6",
                at,
                refusal.says(format!("glib:  mcast6 [{iface}] bad addr [{text}]")),
            );
        }
        group
    });
    let common = common(draft, "mcast6", whole, words);
    if let (
        Some(group),
        Some(Common {
            iface,
            port,
            ttl,
            looped,
        }),
    ) = (group, common)
    {
        draft.add_medium(
            Medium::Mcast6 {
                iface,
                group,
                port,
                hops: ttl,
                looped,
            },
            whole,
        );
    }
}

/// Everything but the group. Reports all that is wrong with it.
fn common<'a>(
    draft: &mut Draft<'a>,
    name: &'static str,
    whole: &At<'a>,
    words: &[At<'a>],
) -> Option<Common> {
    let iface = words.first().map(At::text).unwrap_or_default();
    let usable = words.first().is_some_and(|at| device(draft, name, at));
    if words.len() < 5 {
        let missed = match words.len() {
            0 | 1 => format!("{name} address"),
            2 => "port".to_owned(),
            3 => limit(name).to_owned(),
            _ => "loop".to_owned(),
        };
        let form = format!("{name} INTERFACE GROUP PORT TTL LOOP");
        let said = match words.is_empty() {
            true => format!("glib: {name} statement without device"),
            false => format!("glib: {name} [{iface}] missing {missed}"),
        };
        draft.refuse(name, whole, missing(&form).says(said));
        return None;
    }
    surplus(draft, name, words, 5);
    let argument = |n: usize| words.get(n).map(|at| (at, at.text()));
    let port =
        argument(2).and_then(|(at, text)| check(draft, name, &iface, "port", at, port(&text)));
    let ttl = argument(3).and_then(|(at, text)| {
        check(
            draft,
            name,
            &iface,
            limit(name),
            at,
            number(&text, 0..=4, &[]),
        )
    });
    let looped = argument(4)
        .and_then(|(at, text)| check(draft, name, &iface, "loop", at, number(&text, 0..=1, &[])));
    let (port, ttl, looped) = (port?, ttl?, looped?);
    usable.then_some(Common {
        iface,
        port,
        ttl: ttl as u8,
        looped: looped == 1,
    })
}

/// The value, or a complaint in our words and in those of 3.0.6.
fn check<T>(
    draft: &mut Draft<'_>,
    name: &'static str,
    iface: &str,
    argument: &str,
    at: &At<'_>,
    value: Result<T, Refusal>,
) -> Option<T> {
    let said = format!("glib:  {name} [{iface}] bad {argument} [{}]", at.text());
    value
        .map_err(|mut refusal| {
            refusal.message = format!("{argument}: {}", refusal.message);
            draft.refuse(name, at, refusal.says(said));
        })
        .ok()
}

/// Multicast needs an interface, and IPv4 multicast one with an address.
fn device(draft: &mut Draft<'_>, name: &'static str, at: &At<'_>) -> bool {
    let iface = at.text();
    let said = format!("glib: {name} device [{iface}] is invalid or not set up properly");
    let lookup = format!(
        "glib: Unable to retrieve local interface address for interface [{iface}] using \
         ioctl(SIOCGIFADDR): No such device"
    );
    let refusal = match draft.host.interface(&iface) {
        None => no_interface(&iface),
        Some(known) if name == "mcast" && known.ipv4.is_none() => Refusal::new(
            format!("interface {iface} has no IPv4 address"),
            "an interface with an IPv4 address",
        ),
        Some(_) => return true,
    };
    let refusal = if name == "mcast" {
        refusal.says(lookup)
    } else {
        refusal
    };
    draft.refuse(name, at, refusal.says(said));
    false
}
