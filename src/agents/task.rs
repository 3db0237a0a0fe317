//! What the address agents have in common, and what each of them plans: values that [`batch`](super::batch) carries
//! out, many of them at once.

use std::net::IpAddr;

use super::announce::Crew;
use super::face::Agent;
use super::outcome::Outcome;
use super::plan::{Entry, Gone, Link, Op, Request, Schedule, Snapshot, Wanted};
use super::voice::Voice;
use super::{ipaddr, ipaddr2, ipv6addr};

/// Who is behind an agent.
#[derive(Clone, Copy, Default)]
pub(super) struct Patron<'a> {
    /// Who goes on with announcements; a process of its own where there is nobody.
    pub(super) crew: Option<&'a Crew>,
    /// Whether what is put up is written down: it is the cluster's.
    pub(super) cluster: bool,
}

/// One address to be moved.
#[derive(Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) agent: Agent,
    pub(super) word: &'a str,
    pub(super) voice: &'a dyn Voice,
}

/// What brings an address up.
pub(super) struct Start {
    pub(super) wanted: Wanted,
    pub(super) link: Link,
    /// What takes it off loopback interfaces first.
    pub(super) park: Vec<Op>,
    pub(super) ops: Vec<Op>,
    pub(super) schedule: Schedule,
}

/// What takes an address down.
pub(super) struct Stop {
    pub(super) ip: IpAddr,
    /// The interface in the word.
    pub(super) nic: Option<String>,
    pub(super) ops: Vec<Op>,
    /// Whether it goes back to the loopback interface where [`Start::park`] found it.
    pub(super) unpark: bool,
}

impl Stop {
    /// What is gone with that: where it was, and where it was to be, though nothing was there.
    pub(super) fn gone(&self, before: &Snapshot) -> Vec<Gone> {
        let removed = self.ops.iter().filter_map(Op::removed);
        let was = removed.filter_map(|addr| before.link_at(addr.index)).map(|link| Some(link.name.clone()));
        let own_name = |nic: &String| before.link(nic).map_or(nic, |link| &link.name).clone();
        was.chain([self.nic.as_ref().map(own_name)])
            .map(|nic| Gone { ip: self.ip, nic, index: None })
            .collect()
    }
}

impl Task<'_> {
    /// Whether its status depends on routes: the interface is not written.
    pub(super) fn asks_routes(&self) -> bool {
        self.agent == Agent::IPaddr2 && Request::v4(self.word).nic.is_none()
    }

    /// Whether it is up.
    pub(super) fn status(&self, now: &Snapshot) -> Outcome {
        match self.agent {
            Agent::IPaddr => ipaddr::status(self.word, now, self.voice),
            Agent::IPaddr2 => ipaddr2::status(self.word, now, self.voice),
            Agent::IPv6addr => ipv6addr::status(self.word, now, self.voice),
            Agent::SendArp => Outcome::Unimplemented,
        }
    }

    /// What is running where that is so, and where.
    pub(super) fn running(&self, now: &Snapshot) -> Option<Entry> {
        let place = match self.agent {
            Agent::IPaddr => ipaddr::running(self.word, now),
            Agent::IPaddr2 => ipaddr2::running(self.word, now),
            Agent::IPv6addr => ipv6addr::running(self.word, now),
            Agent::SendArp => None,
        };
        Entry::of(place?, now)
    }

    /// What there is to do; or how it ended, if that is nothing.
    pub(super) fn start(&self, now: &Snapshot) -> Result<Start, Outcome> {
        match self.agent {
            Agent::IPaddr => ipaddr::start(self.word, now, self.voice),
            Agent::IPaddr2 => ipaddr2::start(self.word, now, self.voice),
            Agent::IPv6addr => ipv6addr::start(self.word, now, self.voice),
            Agent::SendArp => Err(Outcome::Unimplemented),
        }
    }

    /// As [`Task::start`].
    pub(super) fn stop(&self, now: &Snapshot) -> Result<Stop, Outcome> {
        match self.agent {
            Agent::IPaddr => ipaddr::stop(self.word, now, self.voice),
            Agent::IPaddr2 => ipaddr2::stop(self.word, now, self.voice),
            Agent::IPv6addr => ipv6addr::stop(self.word, now, self.voice),
            Agent::SendArp => Err(Outcome::Unimplemented),
        }
    }

    /// The address in the word, and the interface that is written there, by its own name. `None`: everywhere. None is
    /// written, or it is not there, and may be taken from where it is.
    pub(super) fn place(&self, now: &Snapshot) -> Option<(IpAddr, Option<String>)> {
        let ip = self.ip()?;
        let request = match self.agent {
            Agent::IPaddr | Agent::IPaddr2 => Request::v4(self.word),
            Agent::IPv6addr => Request::v6(self.word),
            Agent::SendArp => Request::send_arp(self.word),
        };
        let link = request.nic.and_then(|nic| now.link(&nic)).filter(|link| now.on(link, ip).is_some());
        Some((ip, link.map(|link| link.name.clone())))
    }

    /// The address in the word, where that is one.
    pub(super) fn ip(&self) -> Option<IpAddr> {
        self.word.split('/').next()?.parse().ok()
    }
}
