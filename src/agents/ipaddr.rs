//! `IPaddr`: an IPv4 address under the first free alias label of its interface.

use std::net::Ipv4Addr;

use super::outcome::Outcome;
use super::plan::{Addr, Link, Op, Request, Schedule, Snapshot, Wanted, choose, ops, prefix};
use super::task::{Start, Stop};
use super::voice::Voice;

/// Running when the written interface has the address, or any that serves it. On another interface
/// than the written one is an error of its own.
pub(super) fn status(word: &str, now: &Snapshot, voice: &dyn Voice) -> Outcome {
    let request = Request::v4(word);
    let Ok(ip) = request.ip.parse::<Ipv4Addr>() else {
        return Outcome::Stopped;
    };
    if held(&request, ip, now).is_some() {
        return Outcome::Success;
    }
    let elsewhere = now.serving(ip.into()).find_map(|a| now.link_at(a.index));
    match (elsewhere, &request.nic) {
        (Some(other), Some(nic)) => {
            let text = format!(
                "{ip} is running an interface ({}) instead of the configured one ({nic})",
                other.name
            );
            voice.fail(Outcome::Generic, &text)
        }
        _ => Outcome::Stopped,
    }
}

/// What `status` takes for running.
pub(super) fn running<'a>(word: &str, now: &'a Snapshot) -> Option<&'a Addr> {
    let request = Request::v4(word);
    held(&request, request.ip.parse().ok()?, now)
}

fn held<'a>(request: &Request, ip: Ipv4Addr, now: &'a Snapshot) -> Option<&'a Addr> {
    match &request.nic {
        Some(nic) => now.on(now.link(nic)?, ip.into()),
        None => now.serving(ip.into()).next(),
    }
}

/// Takes the address off the written interface; if it is not there, or none is written, off every
/// interface that serves it: the reference looks for it everywhere, too.
pub(super) fn stop(word: &str, now: &Snapshot, voice: &dyn Voice) -> Result<Stop, Outcome> {
    let request = Request::v4(word);
    let ip = request.ip.parse::<Ipv4Addr>().map_err(|_| Outcome::Success)?;
    let written = request.nic.as_ref().and_then(|nic| now.link(nic));
    let mut ops = written.map_or_else(Vec::new, |link| ops::down(now, ip.into(), Some(link)));
    if ops.is_empty() {
        ops = ops::down(now, ip.into(), None);
    }
    for gone in ops.iter().filter_map(Op::removed) {
        let label = gone.label.as_deref().unwrap_or_default();
        voice.info(&format!("Removing inet address {ip}/{} from device {label}", gone.bits));
    }
    Ok(Stop { ip: ip.into(), nic: request.nic, ops, unpark: false })
}

pub(super) fn start(word: &str, now: &Snapshot, voice: &dyn Voice) -> Result<Start, Outcome> {
    let request = Request::v4(word);
    let ip = parse_ip(&request.ip, voice)?;
    let (mut wanted, link) = resolve(&request, ip, now, voice)?;
    wanted.label = choose::free_alias(now, link);
    let ops = ops::up(now, &wanted, link, true);
    if ops.is_empty() {
        return Err(Outcome::Success);
    }
    Ok(Start { wanted, link: link.clone(), park: Vec::new(), ops, schedule: Schedule::IPADDR })
}

/// The address, or the exit code of a wrong one: what does not even look like one is a matter of
/// configuration, what looks like one is found wanting later.
fn parse_ip(text: &str, voice: &dyn Voice) -> Result<Ipv4Addr, Outcome> {
    if text.is_empty() {
        return Err(voice.fail(Outcome::Configured, "Required parameter OCF_RESKEY_ip is missing"));
    }
    if !looks_like_an_address(text) {
        return Err(
            voice.fail(Outcome::Configured, &format!("Parameter OCF_RESKEY_ip [{text}] not an IP address"))
        );
    }
    text.parse().map_err(|_| voice.fail(Outcome::Generic, &format!("IP address [{text}] not valid.")))
}

fn looks_like_an_address(text: &str) -> bool {
    let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
    let pieces: Vec<_> = text.split('.').map(str::as_bytes).collect();
    pieces.len() >= 4 && pieces.iter().take(3).all(|p| digit(p.first())) && digit(text.as_bytes().last())
}

/// The word made whole: prefix, interface and broadcast.
fn resolve<'a>(
    request: &Request,
    ip: Ipv4Addr,
    now: &'a Snapshot,
    voice: &dyn Voice,
) -> Result<(Wanted, &'a Link), Outcome> {
    let refuse = |text: String| voice.fail(Outcome::Generic, &text);
    let written = request.mask.as_deref().and_then(prefix::parse_v4);
    if let (Some(mask), None) = (&request.mask, written) {
        return Err(refuse(format!("Invalid netmask specification [{mask}]")));
    }
    let (link, bits) = match &request.nic {
        Some(nic) => {
            let link =
                now.link(nic).ok_or_else(|| refuse(format!("{nic}: unknown interface: No such device")))?;
            (link, written.unwrap_or(32))
        }
        None => {
            let choice = choose::for_ipaddr(now, ip, written)
                .ok_or_else(|| refuse("No interface found.".to_owned()))?;
            (choice.link, written.unwrap_or(choice.bits))
        }
    };
    let mask = prefix::mask_v4(bits);
    if request.mask.as_deref() != Some(mask.to_string().as_str()) {
        voice.info(&format!("Using calculated netmask for {ip}: {mask}"));
    }
    let broadcast = match &request.broadcast {
        Some(text) => text.parse().map_err(|_| refuse(format!("Invalid broadcast address [{text}].")))?,
        None => prefix::broadcast(ip, bits),
    };
    Ok((Wanted { ip: ip.into(), bits, broadcast: Some(broadcast), label: None }, link))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_an_address() {
        for yes in ["10.0.0.5", "10.0.0.300", "1.2.3.4.5"] {
            assert!(looks_like_an_address(yes), "{yes}");
        }
        for no in ["", "hello", "10.0.0", "10.0.0.", "a.b.c.d", "10.0.0.x"] {
            assert!(!looks_like_an_address(no), "{no}");
        }
    }
}
