//! `IPaddr2`: an IPv4 address on an interface, with an optional label.

use std::net::{IpAddr, Ipv4Addr};

use super::loopback;
use super::outcome::Outcome;
use super::plan::{Addr, Link, Op, Request, Schedule, Snapshot, Wanted, choose, ops, prefix};
use super::task::{Start, Stop};
use super::voice::Voice;

/// The word in pieces, where they make sense at all.
fn read(word: &str, voice: &dyn Voice) -> Result<Request, Outcome> {
    let request = Request::v4(word);
    if request.ip.contains(':') {
        return Err(voice.fail(Outcome::Configured, "The IPv6 does not support lvs_support"));
    }
    if let Some(label) = request.label.as_ref().filter(|l| l.len() > choose::LABEL_MAX) {
        let text = format!("Interface label [{label}] exceeds maximum character limit of 15");
        return Err(voice.fail(Outcome::Configured, &text));
    }
    Ok(request)
}

/// Running when the interface has the address, with whatever prefix. Without interface in the word
/// that is the one `start` would choose; if there is no choice (its link is down, say), any.
pub(super) fn status(word: &str, now: &Snapshot, voice: &dyn Voice) -> Outcome {
    let request = match read(word, voice) {
        Ok(request) => request,
        Err(outcome) => return outcome,
    };
    let Ok(ip) = request.ip.parse::<Ipv4Addr>() else {
        if request.ip.is_empty() {
            return voice.fail(Outcome::Configured, "IP address (the ip parameter) is mandatory");
        }
        return Outcome::Stopped;
    };
    if held(&request, ip, now).is_some() { Outcome::Success } else { Outcome::Stopped }
}

/// What `status` takes for running.
pub(super) fn running<'a>(word: &str, now: &'a Snapshot) -> Option<&'a Addr> {
    let request = Request::v4(word);
    held(&request, request.ip.parse().ok()?, now)
}

fn held<'a>(request: &Request, ip: Ipv4Addr, now: &'a Snapshot) -> Option<&'a Addr> {
    match &request.nic {
        Some(nic) => now.on(now.link(nic)?, ip.into()),
        None => match choose::for_ipaddr2(now, ip, bits(request)) {
            Some(choice) => now.on(choice.link, ip.into()),
            None => now.serving(ip.into()).next(),
        },
    }
}

pub(super) fn stop(word: &str, now: &Snapshot, voice: &dyn Voice) -> Result<Stop, Outcome> {
    let request = read(word, voice)?;
    let ip = request.ip.parse::<Ipv4Addr>().map_err(|_| Outcome::Success)?;
    let ops = match request.nic.as_ref().map(|nic| now.link(nic)) {
        Some(Some(link)) => ops::down(now, ip.into(), Some(link)),
        Some(None) => Vec::new(),
        None => ops::down(now, ip.into(), None),
    };
    let held = if ops.is_empty() { "no" } else { "ok" };
    voice.info(&format!("IP status = {held}, IP_CIP="));
    Ok(Stop { ip: ip.into(), nic: request.nic, unpark: !ops.is_empty(), ops })
}

pub(super) fn start(word: &str, now: &Snapshot, voice: &dyn Voice) -> Result<Start, Outcome> {
    let request = read(word, voice)?;
    if request.ip.is_empty() {
        return Err(voice.fail(Outcome::Configured, "IP address (the ip parameter) is mandatory"));
    }
    let parsed = request.ip.parse::<Ipv4Addr>().ok().filter(|ip| ip.octets()[0] != 0);
    let Some(ip) = parsed else {
        return Err(voice.fail(Outcome::Configured, &format!("IP address [{}] not valid.", request.ip)));
    };
    let (wanted, link) = resolve(&request, ip, now, voice)?;
    let ops = ops::up(now, &wanted, link, request.mask.is_none());
    if ops.is_empty() {
        return Err(Outcome::Success);
    }
    let adding = ops.iter().any(|op| matches!(op, Op::Add(_)));
    let park = if adding && !link.is_loopback() { park(now, ip.into(), voice) } else { Vec::new() };
    Ok(Start { wanted, link: link.clone(), park, ops, schedule: Schedule::IPADDR2 })
}

/// The word made whole: prefix, interface and broadcast.
fn resolve<'a>(
    request: &Request,
    ip: Ipv4Addr,
    now: &'a Snapshot,
    voice: &dyn Voice,
) -> Result<(Wanted, &'a Link), Outcome> {
    let written = bits(request);
    if let (Some(mask), None) = (&request.mask, written) {
        return Err(voice.fail(Outcome::Configured, &format!("Invalid netmask specification [{mask}].")));
    }
    warn_of_dotted_mask(request, written, voice);
    let (link, bits) = match &request.nic {
        Some(nic) => {
            let missing = || {
                let text = format!("Invalid interface name [{nic}]: Device \"{nic}\" does not exist.");
                voice.fail(Outcome::Configured, &text)
            };
            (now.link(nic).ok_or_else(missing)?, written.unwrap_or(32))
        }
        None => {
            let missing = || voice.fail(Outcome::Generic, "Unable to find nic or netmask.");
            let choice = choose::for_ipaddr2(now, ip, written).ok_or_else(missing)?;
            (choice.link, written.unwrap_or(choice.bits))
        }
    };
    let broadcast = match &request.broadcast {
        Some(text) => Some(broadcast(text, ip, bits).ok_or_else(|| {
            voice.fail(Outcome::Configured, &format!("Invalid broadcast address [{text}]."))
        })?),
        None => choose::broadcast_like_neighbours(now, ip, bits, link),
    };
    // `:web` is that of the interface.
    let whole =
        |label: &String| if label.starts_with(':') { format!("{}{label}", link.name) } else { label.clone() };
    let label = request.label.as_ref().map(whole);
    Ok((Wanted { ip: ip.into(), bits, broadcast, label }, link))
}

fn bits(request: &Request) -> Option<u8> {
    request.mask.as_deref().and_then(prefix::parse_v4)
}

fn warn_of_dotted_mask(request: &Request, bits: Option<u8>, voice: &dyn Voice) {
    if let (Some(mask), Some(bits)) = (request.mask.as_ref().filter(|m| m.contains('.')), bits) {
        voice.warn(&format!("Please convert dotted quad netmask {mask} to CIDR notation {bits}!"));
    }
}

/// A written broadcast: an address, or `+` and `-` for the host bits all set or all clear.
fn broadcast(text: &str, ip: Ipv4Addr, bits: u8) -> Option<Ipv4Addr> {
    match (text, prefix::network(ip.into(), bits)) {
        ("+", _) => Some(prefix::broadcast(ip, bits)),
        ("-", IpAddr::V4(network)) => Some(network),
        _ => text.parse().ok().filter(|broadcast: &Ipv4Addr| !broadcast.is_unspecified()),
    }
}

/// What takes the address off the loopback, where LVS parks it; noted, to be put back there.
fn park(now: &Snapshot, ip: IpAddr, voice: &dyn Voice) -> Vec<Op> {
    let mut ops = Vec::new();
    for (op, link) in loopback::conflicts(now, ip) {
        voice.info(&format!("Removing conflicting loopback {}.", link.name));
        if let Err(error) = loopback::note(ip, link) {
            let text = format!(
                "Could not save conflicting loopback {}. it will not be restored: {error}",
                link.name
            );
            let _ = voice.fail(Outcome::Generic, &text);
        }
        ops.push(op);
    }
    ops
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_broadcasts() {
        let ip = Ipv4Addr::new(10, 0, 0, 5);
        assert_eq!(broadcast("10.0.0.99", ip, 24), Some(Ipv4Addr::new(10, 0, 0, 99)));
        assert_eq!(broadcast("+", ip, 24), Some(Ipv4Addr::new(10, 0, 0, 255)));
        assert_eq!(broadcast("-", ip, 24), Some(Ipv4Addr::new(10, 0, 0, 0)));
        assert_eq!(broadcast("bad", ip, 24), None);
        assert_eq!(broadcast("0.0.0.0", ip, 24), None);
    }
}
