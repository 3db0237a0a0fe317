//! `IPv6addr`: an IPv6 address on an interface, usable at once.

use std::net::Ipv6Addr;

use super::outcome::Outcome;
use super::plan::{Addr, Link, Op, Request, Schedule, Snapshot, Wanted, choose, ops};
use super::task::{Start, Stop};
use super::voice::Voice;

/// What the reference prints on standard output before it says `Illegal argument`.
const USAGE: &str =
    "usage: /usr/lib/ocf/resource.d//heartbeat/IPv6addr {start|stop|status|monitor|validate-all|meta-data}";

/// The word in pieces: address, prefix length, interface.
struct Asked {
    ip: Ipv6Addr,
    bits: Option<u8>,
    nic: Option<String>,
}

fn read(word: &str, voice: &dyn Voice) -> Result<Asked, Outcome> {
    let request = Request::v6(word);
    match (request.ip.parse(), bits(request.mask.as_deref())) {
        (Ok(ip), Ok(bits)) => Ok(Asked { ip, bits, nic: request.nic }),
        _ => {
            voice.print(USAGE);
            let text = format!("{word}: not an IPv6 address with prefix length");
            Err(voice.fail(Outcome::Arguments, &text))
        }
    }
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
pub(super) fn status(word: &str, now: &Snapshot, voice: &dyn Voice) -> Outcome {
    match read(word, voice) {
        Ok(asked) if removals(now, &asked).is_empty() => Outcome::Stopped,
        Ok(_) => Outcome::Success,
        Err(outcome) => outcome,
    }
}

/// What `status` takes for running; where there are several, the one on the written interface.
pub(super) fn running<'a>(word: &str, now: &'a Snapshot) -> Option<&'a Addr> {
    let request = Request::v6(word);
    let ip = request.ip.parse::<Ipv6Addr>().ok()?.into();
    let written = request.nic.and_then(|nic| now.on(now.link(&nic)?, ip));
    written.or_else(|| now.serving(ip).next())
}

/// What takes the address off wherever it counts as running.
fn removals(now: &Snapshot, asked: &Asked) -> Vec<Op> {
    let written = asked.nic.as_ref().and_then(|nic| now.link(nic));
    ops::down(now, asked.ip.into(), written.filter(|l| l.is_loopback()))
}

pub(super) fn stop(word: &str, now: &Snapshot, voice: &dyn Voice) -> Result<Stop, Outcome> {
    let asked = read(word, voice)?;
    let ops = removals(now, &asked);
    for gone in ops.iter().filter_map(Op::removed) {
        let nic = now.link_at(gone.index).map_or("?", |l| l.name.as_str());
        voice.info(&format!("Removing inet6 address {}/{} from device {nic}", asked.ip, gone.bits));
    }
    Ok(Stop { ip: asked.ip.into(), nic: asked.nic, ops, unpark: false })
}

pub(super) fn start(word: &str, now: &Snapshot, voice: &dyn Voice) -> Result<Start, Outcome> {
    let asked = read(word, voice)?;
    if !removals(now, &asked).is_empty() {
        return Err(Outcome::Success);
    }
    let missing = || voice.fail(Outcome::Generic, &format!("no interface found for {}", asked.ip));
    let (link, bits) = place(&asked, now).ok_or_else(missing)?;
    let wanted = Wanted { ip: asked.ip.into(), bits, broadcast: None, label: None };
    let ops = ops::up(now, &wanted, link, true);
    Ok(Start { wanted, link: link.clone(), park: Vec::new(), ops, schedule: Schedule::IPV6ADDR })
}

fn place<'a>(asked: &Asked, now: &'a Snapshot) -> Option<(&'a Link, u8)> {
    let written = match &asked.nic {
        Some(nic) => Some(now.link(nic)?),
        None => None,
    };
    let choice = choose::for_ipv6addr(now, asked.ip.into(), written);
    let link = written.or(choice.map(|c| c.link))?;
    Some((link, asked.bits.or(choice.map(|c| c.bits))?))
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
