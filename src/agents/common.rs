//! Steps the address agents share, each with its log lines.

use super::address;
use super::announce::helper::{self, Ended};
use super::announce::{Announcement, Begun};
use super::face::Context;
use super::netlink::Conversation;
use super::outcome::Outcome;
use super::plan::{Link, Op, Schedule, Snapshot, Wanted};

/// Adds the address and sets the link up, saying so.
pub(super) fn bring_up(
    talk: &mut Conversation,
    wanted: &Wanted,
    link: &Link,
    todo: &[Op],
    cx: &Context<'_>,
) -> Outcome {
    if todo.iter().any(|op| matches!(op, Op::Add(_))) {
        cx.info(&adding(wanted, link));
    }
    for answer in talk.apply(todo) {
        if let Err(error) = answer {
            return cx.fail(Outcome::Generic, &format!("Failed to add {}: {error}", wanted.ip));
        }
    }
    cx.info(&format!("Bringing device {} up", link.name));
    Outcome::Success
}

fn adding(wanted: &Wanted, link: &Link) -> String {
    let family = if wanted.ip.is_ipv4() { "inet" } else { "inet6" };
    let mut text = format!("Adding {family} address {}/{}", wanted.ip, wanted.bits);
    if let Some(broadcast) = wanted.broadcast {
        text += &format!(" with broadcast address {broadcast}");
    }
    text += &format!(" to device {}", link.name);
    if let Some(label) = &wanted.label {
        text += &format!(" (with label {label})");
    }
    text
}

/// Takes addresses away, saying what failed.
pub(super) fn remove(talk: &mut Conversation, now: &Snapshot, todo: &[Op], cx: &Context<'_>) -> Outcome {
    let mut outcome = Outcome::Success;
    for answer in address::remove(talk, now, todo) {
        if let Err(error) = answer {
            outcome = cx.fail(Outcome::Generic, &format!("Unable to remove IP: {error}"));
        }
    }
    outcome
}

/// Tells the neighbourhood: the first round now, the others from the background.
pub(super) fn announce(wanted: &Wanted, link: &Link, schedule: Schedule, cx: &Context<'_>) {
    if link.is_loopback() {
        return;
    }
    let what = Announcement { ip: wanted.ip, nic: link.name.clone(), schedule, while_held: true };
    let begun = what.begin(link);
    // Where the link is only coming up, the helper will have its turn.
    if let Err(error) = &begun.told
        && link.is_operational()
    {
        let _ =
            cx.fail(Outcome::Generic, &format!("Could not announce {} on {}: {error}", wanted.ip, link.name));
    }
    in_background(begun, cx);
}

/// Leaves the remaining rounds to the crew, or to a helper, in place of any older ones for the address.
pub(super) fn in_background(begun: Begun, cx: &Context<'_>) {
    let ip = begun.rest.ip.to_string();
    let _ = helper::end(&ip);
    if let Some(crew) = cx.crew {
        return crew.go_on(begun.rest);
    }
    if let Err(error) = helper::detach(begun) {
        let _ = cx.fail(Outcome::Generic, &format!("Could not repeat the announcement of {ip}: {error}"));
    }
}

/// Ends the background announcements of an address about to go.
pub(super) fn end_announcements(ip: &str, cx: &Context<'_>) {
    if let (Some(crew), Ok(ip)) = (cx.crew, ip.parse()) {
        crew.end(ip);
    }
    match helper::end(ip) {
        Ended::None => {}
        Ended::Killed => cx.info(&format!("killed previously running send_arp for {ip}")),
        Ended::Stale => cx.warn(&format!("Could not kill previously running send_arp for {ip}")),
    }
}
