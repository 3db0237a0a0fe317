//! `SendArp`: announces an address on an interface without having it.
//!
//! Whether it "runs" is a marker file, as in the reference: after the announcements there is
//! nothing left to look at.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::announce::Announcement;
use super::announce::helper::{self, Ended};
use super::common;
use super::face::Operation;
use super::netlink::Conversation;
use super::outcome::Outcome;
use super::plan::{Request, Schedule};
use super::task::Patron;
use super::voice::Voice;
use crate::paths::RSCTMP;

pub(super) fn run(operation: Operation, word: &str, patron: Patron<'_>, voice: &dyn Voice) -> Outcome {
    let request = Request::send_arp(word);
    match operation {
        Operation::Start => start(&request, patron, voice),
        Operation::Stop => stop(&request, patron, voice),
        Operation::Status if runs(&request.ip) => Outcome::Success,
        Operation::Status => Outcome::Stopped,
    }
}

fn start(request: &Request, patron: Patron<'_>, voice: &dyn Voice) -> Outcome {
    let Some(nic) = request.nic.as_ref().filter(|_| !request.ip.is_empty()) else {
        return voice.fail(Outcome::Configured, "an address and an interface are needed");
    };
    if runs(&request.ip) {
        return Outcome::Success;
    }
    // What cannot be announced is logged and counts as started, as in the reference.
    if let Err(reason) = announce(&request.ip, nic, patron, voice) {
        let _ = voice.fail(Outcome::Generic, &format!("Could not send gratuitous arps: {reason}"));
    }
    let marked = fs::create_dir_all(RSCTMP).and_then(|()| fs::write(marker(&request.ip), ""));
    match marked {
        Ok(()) => Outcome::Success,
        Err(error) => voice.fail(Outcome::Generic, &format!("{}: {error}", marker(&request.ip).display())),
    }
}

fn announce(ip: &str, nic: &str, patron: Patron<'_>, voice: &dyn Voice) -> Result<(), String> {
    let ip: IpAddr = ip.parse().map_err(|_| format!("Cannot resolve IP address [{ip}]"))?;
    let now = Conversation::open().and_then(|mut talk| talk.holdings()).map_err(|e| e.to_string())?;
    let link = now.link(nic).ok_or_else(|| format!("Cannot find mac address for {nic}"))?;
    let what = Announcement { ip, nic: nic.to_owned(), schedule: Schedule::IPADDR2, while_held: false };
    let begun = what.begin(link);
    let told = begun.told.as_ref().map_err(|e| format!("{ip} on {nic}: {e}")).copied();
    common::in_background(begun, patron, voice);
    told
}

fn stop(request: &Request, patron: Patron<'_>, voice: &dyn Voice) -> Outcome {
    if !runs(&request.ip) {
        return Outcome::Success;
    }
    // The marker names no interface.
    if let Ok(ip) = request.ip.parse() {
        let by_crew = patron.crew.is_some_and(|crew| crew.end_all(&[(ip, None)]));
        if helper::end(ip, None) == Ended::Killed || by_crew {
            voice.info(&format!("killed previously running send_arp for {ip}"));
        }
    }
    let _ = fs::remove_file(marker(&request.ip));
    voice.info(&format!(
        "SendArp for {}/{} released",
        request.ip,
        request.nic.as_deref().unwrap_or_default()
    ));
    Outcome::Success
}

fn runs(ip: &str) -> bool {
    helper::pid_file(ip).exists() || marker(ip).exists()
}

fn marker(ip: &str) -> PathBuf {
    Path::new(RSCTMP).join(format!("SendArp_SendArp_{ip}"))
}
