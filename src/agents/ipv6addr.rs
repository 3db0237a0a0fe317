//! `IPv6addr`: an IPv6 address on an interface, usable at once.

use std::net::Ipv6Addr;

use super::common;
use super::face::{Context, Operation};
use super::netlink::{Conversation, Error};
use super::outcome::Outcome;
use super::plan::{Link, Op, Request, Schedule, Snapshot, Wanted, choose, ops};

/// What the reference prints on standard output before it says `Illegal argument`.
const USAGE: &str =
    "usage: /usr/lib/ocf/resource.d//heartbeat/IPv6addr {start|stop|status|monitor|validate-all|meta-data}";

pub(super) fn run(operation: Operation, word: &str, cx: &Context<'_>) -> Outcome {
    let request = Request::v6(word);
    let (Ok(ip), Ok(bits)) = (request.ip.parse::<Ipv6Addr>(), bits(request.mask.as_deref())) else {
        (cx.out)(USAGE);
        return cx.fail(Outcome::Arguments, &format!("{word}: not an IPv6 address with prefix length"));
    };
    let answer = match operation {
        Operation::Start => start(&request, ip, bits, cx),
        Operation::Stop => stop(&request, ip, cx),
        Operation::Status => status(&request, ip),
    };
    answer.unwrap_or_else(|error| cx.fail(Outcome::Generic, &error.to_string()))
}

/// The leading digits count; none or zero means "as the route has it".
fn bits(text: Option<&str>) -> Result<Option<u8>, ()> {
    let digits: String = text.unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
    match digits.parse::<u32>() {
        Err(_) if digits.is_empty() => Ok(None),
        Ok(0) => Ok(None),
        Ok(bits) if bits <= 128 => Ok(u8::try_from(bits).ok()),
        _ => Err(()),
    }
}

/// Running when any interface serves the address: interface and prefix of the word do not matter,
/// except that a loopback counts only when it is written.
fn status(request: &Request, ip: Ipv6Addr) -> Result<Outcome, Error> {
    let now = Conversation::open()?.holdings()?;
    Ok(if removals(&now, request, ip).is_empty() { Outcome::Stopped } else { Outcome::Success })
}

/// What takes the address off wherever it counts as running.
fn removals(now: &Snapshot, request: &Request, ip: Ipv6Addr) -> Vec<Op> {
    let written = request.nic.as_ref().and_then(|nic| now.link(nic));
    ops::down(now, ip.into(), written.filter(|l| l.is_loopback()))
}

fn stop(request: &Request, ip: Ipv6Addr, cx: &Context<'_>) -> Result<Outcome, Error> {
    common::end_announcements(&ip.to_string(), cx);
    let mut talk = Conversation::open()?;
    let now = talk.holdings()?;
    let todo = removals(&now, request, ip);
    for gone in todo.iter().filter_map(Op::removed) {
        let nic = now.link_at(gone.index).map_or("?", |l| l.name.as_str());
        cx.info(&format!("Removing inet6 address {ip}/{} from device {nic}", gone.bits));
    }
    Ok(common::remove(&mut talk, &now, &todo, cx))
}

fn start(request: &Request, ip: Ipv6Addr, bits: Option<u8>, cx: &Context<'_>) -> Result<Outcome, Error> {
    let mut talk = Conversation::open()?;
    let now = talk.snapshot(ip.into())?;
    if !removals(&now, request, ip).is_empty() {
        return Ok(Outcome::Success);
    }
    let Some((link, bits)) = place(request, ip, bits, &now) else {
        return Ok(cx.fail(Outcome::Generic, &format!("no interface found for {ip}")));
    };
    let wanted = Wanted { ip: ip.into(), bits, broadcast: None, label: None };
    let todo = ops::up(&now, &wanted, link, true);
    let outcome = common::bring_up(&mut talk, &wanted, link, &todo, cx);
    if outcome == Outcome::Success {
        common::announce(&wanted, link, Schedule::IPV6ADDR, cx);
    }
    Ok(outcome)
}

fn place<'a>(request: &Request, ip: Ipv6Addr, bits: Option<u8>, now: &'a Snapshot) -> Option<(&'a Link, u8)> {
    let written = match &request.nic {
        Some(nic) => Some(now.link(nic)?),
        None => None,
    };
    let choice = choose::for_ipv6addr(now, ip.into(), written);
    let link = written.or(choice.map(|c| c.link))?;
    Some((link, bits.or(choice.map(|c| c.bits))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefix_lengths_are_read_leniently() {
        assert_eq!(bits(None), Ok(None));
        assert_eq!(bits(Some("64")), Ok(Some(64)));
        assert_eq!(bits(Some("64x")), Ok(Some(64)));
        assert_eq!(bits(Some("0")), Ok(None));
        assert_eq!(bits(Some("129")), Err(()));
        assert_eq!(bits(Some("99999999999999")), Err(()));
    }
}
