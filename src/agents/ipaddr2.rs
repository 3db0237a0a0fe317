//! `IPaddr2`: an IPv4 address on an interface, with an optional label.

use std::net::{IpAddr, Ipv4Addr};

use super::face::{Context, Operation};
use super::netlink::{Conversation, Error};
use super::outcome::Outcome;
use super::plan::{Link, Op, Request, Schedule, Snapshot, Wanted, choose, ops, prefix};
use super::{common, loopback, turn};

pub(super) fn run(operation: Operation, word: &str, cx: &Context<'_>) -> Outcome {
    let request = Request::v4(word);
    if request.ip.contains(':') {
        return cx.fail(Outcome::Configured, "The IPv6 does not support lvs_support");
    }
    if let Some(label) = request.label.as_ref().filter(|l| l.len() > choose::LABEL_MAX) {
        let text = format!("Interface label [{label}] exceeds maximum character limit of 15");
        return cx.fail(Outcome::Configured, &text);
    }
    let answer = match operation {
        Operation::Start => start(&request, cx),
        Operation::Stop => stop(&request, cx),
        Operation::Status => status(&request, cx),
    };
    answer.unwrap_or_else(|error| cx.fail(Outcome::Generic, &error.to_string()))
}

/// Running when the interface has the address, with whatever prefix. Without interface in the word
/// that is the one `start` would choose; if there is no choice (its link is down, say), any.
fn status(request: &Request, cx: &Context<'_>) -> Result<Outcome, Error> {
    let Ok(ip) = request.ip.parse::<Ipv4Addr>() else {
        if request.ip.is_empty() {
            return Ok(cx.fail(Outcome::Configured, "IP address (the ip parameter) is mandatory"));
        }
        return Ok(Outcome::Stopped);
    };
    let mut talk = Conversation::open()?;
    let now = talk.snapshot(ip.into())?;
    let on = |link: &Link| now.holders(ip.into()).any(|a| a.index == link.index);
    let held = match &request.nic {
        Some(nic) => now.link(nic).is_some_and(on),
        None => match choose::for_ipaddr2(&now, ip, bits(request)) {
            Some(choice) => on(choice.link),
            None => now.serving(ip.into()).next().is_some(),
        },
    };
    Ok(if held { Outcome::Success } else { Outcome::Stopped })
}

fn stop(request: &Request, cx: &Context<'_>) -> Result<Outcome, Error> {
    let Ok(ip) = request.ip.parse::<Ipv4Addr>() else {
        return Ok(Outcome::Success);
    };
    common::end_announcements(&request.ip, cx);
    let mut talk = Conversation::open()?;
    let _turn = turn::take();
    let now = talk.holdings()?;
    let ops = match request.nic.as_ref().map(|nic| now.link(nic)) {
        Some(Some(link)) => ops::down(&now, ip.into(), Some(link)),
        Some(None) => Vec::new(),
        None => ops::down(&now, ip.into(), None),
    };
    let held = if ops.is_empty() { "no" } else { "ok" };
    cx.info(&format!("IP status = {held}, IP_CIP="));
    if ops.is_empty() {
        return Ok(Outcome::Success);
    }
    let outcome = common::remove(&mut talk, &now, &ops, cx);
    if outcome == Outcome::Success {
        unpark(&mut talk, &now, ip.into(), cx);
    }
    Ok(outcome)
}

fn start(request: &Request, cx: &Context<'_>) -> Result<Outcome, Error> {
    if request.ip.is_empty() {
        return Ok(cx.fail(Outcome::Configured, "IP address (the ip parameter) is mandatory"));
    }
    let Ok(ip) = request.ip.parse::<Ipv4Addr>() else {
        return Ok(cx.fail(Outcome::Configured, &format!("IP address [{}] not valid.", request.ip)));
    };
    let mut talk = Conversation::open()?;
    let now = talk.snapshot(ip.into())?;
    let (wanted, link) = match resolve(request, ip, &now, cx) {
        Ok(found) => found,
        Err(outcome) => return Ok(outcome),
    };
    let todo = ops::up(&now, &wanted, link, request.mask.is_none());
    if todo.is_empty() {
        return Ok(Outcome::Success);
    }
    let adding = todo.iter().any(|op| matches!(op, Op::Add(_)));
    let parked = adding && !link.is_loopback() && park(&mut talk, &now, ip.into(), cx);
    let outcome = common::bring_up(&mut talk, &wanted, link, &todo, cx);
    if outcome != Outcome::Success {
        if parked {
            unpark(&mut talk, &now, ip.into(), cx);
        }
        return Ok(outcome);
    }
    common::announce(&wanted, link, Schedule::IPADDR2, cx);
    Ok(Outcome::Success)
}

/// The word made whole: prefix, interface and broadcast.
fn resolve<'a>(
    request: &Request,
    ip: Ipv4Addr,
    now: &'a Snapshot,
    cx: &Context<'_>,
) -> Result<(Wanted, &'a Link), Outcome> {
    let written = bits(request);
    if let (Some(mask), None) = (&request.mask, written) {
        return Err(cx.fail(Outcome::Configured, &format!("Invalid netmask specification [{mask}].")));
    }
    warn_of_dotted_mask(request, written, cx);
    let (link, bits) = match &request.nic {
        Some(nic) => {
            let missing = || {
                let text = format!("Invalid interface name [{nic}]: Device \"{nic}\" does not exist.");
                cx.fail(Outcome::Configured, &text)
            };
            (now.link(nic).ok_or_else(missing)?, written.unwrap_or(32))
        }
        None => {
            let missing = || cx.fail(Outcome::Generic, "Unable to find nic or netmask.");
            let choice = choose::for_ipaddr2(now, ip, written).ok_or_else(missing)?;
            (choice.link, written.unwrap_or(choice.bits))
        }
    };
    let broadcast =
        match &request.broadcast {
            Some(text) => Some(broadcast(text, ip, bits).ok_or_else(|| {
                cx.fail(Outcome::Configured, &format!("Invalid broadcast address [{text}]."))
            })?),
            None => choose::broadcast_like_neighbours(now, ip, bits, link),
        };
    Ok((Wanted { ip: ip.into(), bits, broadcast, label: request.label.clone() }, link))
}

fn bits(request: &Request) -> Option<u8> {
    request.mask.as_deref().and_then(prefix::parse_v4)
}

fn warn_of_dotted_mask(request: &Request, bits: Option<u8>, cx: &Context<'_>) {
    if let (Some(mask), Some(bits)) = (request.mask.as_ref().filter(|m| m.contains('.')), bits) {
        cx.warn(&format!("Please convert dotted quad netmask {mask} to CIDR notation {bits}!"));
    }
}

/// A written broadcast: an address, or `+` and `-` for the host bits all set or all clear.
fn broadcast(text: &str, ip: Ipv4Addr, bits: u8) -> Option<Ipv4Addr> {
    match (text, prefix::network(ip.into(), bits)) {
        ("+", _) => Some(prefix::broadcast(ip, bits)),
        ("-", IpAddr::V4(network)) => Some(network),
        _ => text.parse().ok(),
    }
}

/// Takes the address off the loopback, where LVS parks it. Whether it was there.
fn park(talk: &mut Conversation, now: &Snapshot, ip: IpAddr, cx: &Context<'_>) -> bool {
    let conflicts = loopback::conflicts(now, ip);
    for (op, link) in &conflicts {
        cx.info(&format!("Removing conflicting loopback {}.", link.name));
        if let Err(error) = loopback::note(ip, link) {
            let text = format!(
                "Could not save conflicting loopback {}. it will not be restored: {error}",
                link.name
            );
            let _ = cx.fail(Outcome::Generic, &text);
        }
        let _ = common::remove(talk, now, std::slice::from_ref(op), cx);
    }
    !conflicts.is_empty()
}

/// Puts the address back where [`park`] found it.
fn unpark(talk: &mut Conversation, now: &Snapshot, ip: IpAddr, cx: &Context<'_>) {
    let Some((wanted, nic)) = loopback::noted(ip) else {
        return;
    };
    cx.info(&format!("Restoring loopback IP Address  {ip} {} 255.255.255.255 {nic}.", wanted.bits));
    if let Some(link) = now.link(&nic) {
        let _ = common::bring_up(talk, &wanted, link, &[Op::Add(wanted.on(link))], cx);
    }
    loopback::forget(ip);
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
    }
}
