//! Steps the address agents share, each with its log lines.

use super::announce::helper::{self, Ended};
use super::announce::{Announcement, Begun};
use super::batch;
use super::netlink::Error;
use super::outcome::Outcome;
use super::plan::{Link, Op, Snapshot, Wanted};
use super::task::{Patron, Start, Task};
use super::voice::Voice;

/// What became of adding the address and setting the link up.
pub(super) fn brought_up(
    wanted: &Wanted,
    link: &Link,
    todo: &[Op],
    answers: Vec<Result<(), Error>>,
    voice: &dyn Voice,
) -> Outcome {
    if todo.iter().any(|op| matches!(op, Op::Add(_))) {
        voice.info(&adding(wanted, link));
    }
    for answer in answers {
        if let Err(error) = answer {
            return voice.fail(Outcome::Generic, &format!("Failed to add {}: {error}", wanted.ip));
        }
    }
    voice.info(&format!("Bringing device {} up", link.name));
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

/// Tells the neighbourhood of these: once now, then again from the background.
pub(super) fn announce(fresh: &[(Task<'_>, Start)], patron: Patron<'_>) {
    let mut told = Vec::new();
    for (task, start) in fresh.iter().filter(|(_, start)| !start.link.is_loopback()) {
        if task.agent == super::Agent::IPaddr {
            let Wanted { ip, label, .. } = &start.wanted;
            let alias = label.as_deref().unwrap_or(&start.link.name);
            task.voice.debug(&format!("Sending Gratuitous Arp for {ip} on {alias} [{}]", start.link.name));
        }
        let what = Announcement {
            ip: start.wanted.ip,
            nic: start.link.name.clone(),
            schedule: start.schedule,
            while_held: true,
        };
        match patron.crew {
            Some(_) => told.push((what, &start.link)),
            None => announce_alone(&what, &start.link, patron, task.voice),
        }
    }
    let Some(crew) = patron.crew else { return };
    if !told.is_empty() && batch::helpers_about() {
        for (what, _) in &told {
            let _ = helper::end(what.ip, Some(&what.nic));
        }
    }
    for (what, error) in crew.announce(told) {
        let its = |start: &Start| (start.wanted.ip, start.link.name.as_str()) == what.key();
        if let Some((task, start)) = fresh.iter().find(|(_, start)| its(start)) {
            unannounced(&start.wanted, &start.link, &error, task.voice);
        }
    }
}

fn announce_alone(what: &Announcement, link: &Link, patron: Patron<'_>, voice: &dyn Voice) {
    let begun = what.begin(link);
    // Where the link is only coming up, the helper will have its turn.
    if let Err(error) = &begun.told
        && link.is_operational()
    {
        let text = format!("Could not announce {} on {}: {error}", what.ip, link.name);
        let _ = voice.fail(Outcome::Generic, &text);
    }
    in_background(begun, patron, voice);
}

fn unannounced(wanted: &Wanted, link: &Link, error: &std::io::Error, voice: &dyn Voice) {
    let text = format!("Could not announce {} on {}: {error}", wanted.ip, link.name);
    let _ = voice.fail(Outcome::Generic, &text);
}

/// Leaves the remaining rounds to the crew, or to a helper, in place of any older ones for the address there.
pub(super) fn in_background(begun: Begun, patron: Patron<'_>, voice: &dyn Voice) {
    let ip = begun.rest.ip;
    let _ = helper::end(ip, Some(&begun.rest.nic));
    if let Some(crew) = patron.crew {
        return crew.go_on(begun.rest);
    }
    if let Err(error) = helper::detach(begun) {
        let _ = voice.fail(Outcome::Generic, &format!("Could not repeat the announcement of {ip}: {error}"));
    }
}

/// Ends the background announcements of addresses about to go.
pub(super) fn end_announcements(tasks: &[Task<'_>], patron: Patron<'_>, now: &Snapshot) {
    if let Some(crew) = patron.crew {
        crew.end_all(&tasks.iter().filter_map(|task| task.place(now)).collect::<Vec<_>>());
    }
    if !batch::helpers_about() {
        return;
    }
    for (task, (ip, nic)) in tasks.iter().filter_map(|task| Some((task, task.place(now)?))) {
        match helper::end(ip, nic.as_deref()) {
            Ended::None => {}
            Ended::Killed => task.voice.info(&format!("killed previously running send_arp for {ip}")),
            Ended::Stale => task.voice.warn(&format!("Could not kill previously running send_arp for {ip}")),
        }
    }
}
