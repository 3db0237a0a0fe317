//! From the first packet to "communication is up" (section 7.3).

use super::{Action, Engine, Note};
use crate::wire::Message;
use std::time::Duration;

/// Interval of repeated `reqnodes`.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Phase {
    /// Some node was neither heard from nor declared dead, or something of an earlier life still runs here.
    #[default]
    LinksPending,
    /// Waiting for a peer's list of nodes.
    LinksUp,
    /// Communication is up; for good.
    Up,
}

/// How far the start has come.
#[derive(Default)]
pub(super) struct Startup {
    phase: Phase,
    /// The peer asked last, and when to ask again.
    asked: Option<(String, Duration)>,
}

impl Startup {
    pub(super) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    pub(super) fn is_pending(&self) -> bool {
        self.phase == Phase::LinksPending
    }
}

impl Engine {
    /// Moves on when the last node was heard from or given up.
    pub(super) fn check_startup(&mut self) {
        let known = self.nodes.iter().all(|n| n.heard || n.is_dead());
        if self.startup.phase == Phase::LinksPending && known && !self.jobs.cleaning() {
            self.startup.phase = Phase::LinksUp;
        }
        if self.startup.phase == Phase::LinksUp {
            self.ask_for_nodes();
        }
    }

    /// Asks the first live peer for its list; without one, or one that knows no such list, goes up.
    fn ask_for_nodes(&mut self) {
        let peer = self.other_nodes().find(|n| !n.is_dead()).map(|n| n.name.clone());
        let Some(peer) = peer.filter(|_| self.flow_control) else {
            return self.comm_now_up();
        };
        let now = self.now.mono;
        if self.startup.asked.as_ref().is_some_and(|(asked, again)| *asked == peer && now < *again) {
            return;
        }
        self.startup.asked = Some((peer.clone(), now + RETRY));
        self.send(Message::of("reqnodes").with("dest", &peer));
    }

    pub(super) fn startup_deadline(&self) -> Option<Duration> {
        let waiting = self.startup.phase == Phase::LinksUp;
        self.startup.asked.as_ref().filter(|_| waiting).map(|(_, again)| *again)
    }

    pub(super) fn startup_tick(&mut self) {
        self.check_startup();
    }

    pub(super) fn on_reqnodes(&mut self, from: usize) {
        let mut list = String::new();
        for node in self.nodes.iter().filter(|n| n.is_normal()) {
            list.push_str(&node.name);
            list.push(' ');
        }
        let dest = self.name_of(from);
        let mut message = Message::new().with("dest", &dest).with("t", "repnodes");
        let mut gone: String = self.deleted.iter().map(|node| format!("{} ", node.name)).collect();
        if gone.is_empty() {
            gone.push(' ');
        }
        message = message.with("nodelist", &list).with("delnodelist", &gone);
        self.send(message);
    }

    /// The answer. A different list is reported, not adopted: a stray file must not rename the cluster.
    pub(super) fn on_repnodes(&mut self, from: usize, message: &Message) {
        let mut theirs: Vec<&str> = message.text("nodelist").unwrap_or("").split_whitespace().collect();
        let mut ours: Vec<&str> =
            self.nodes.iter().filter(|n| n.is_normal()).map(|n| n.name.as_str()).collect();
        theirs.sort_unstable();
        ours.sort_unstable();
        if theirs != ours {
            let (theirs, ours) = (theirs.join(" "), ours.join(" "));
            let node = self.name_of(from);
            self.note_rarely("nodelist", Note::NodeListDiffers { node, theirs, ours });
        }
        if self.startup.phase == Phase::LinksUp {
            self.comm_now_up();
        }
    }

    /// What follows from a member's death waits until communication is up: before that nobody listens to what
    /// the scripts say, and a group would be lost.
    fn mourn(&mut self) {
        for at in 0..self.nodes.len() {
            if self.nodes.get(at).is_some_and(|n| n.is_normal() && n.is_dead()) {
                self.after_death(at, false);
            }
        }
    }

    fn comm_now_up(&mut self) {
        if self.startup.phase == Phase::Up {
            return;
        }
        self.startup.phase = Phase::Up;
        self.startup.asked = None;
        self.note(Note::CommNowUp);
        self.set_status("active");
        self.note(Note::LocalStatus("active".to_owned()));
        self.actions.push(Action::StartClients);
        self.expect_fencing();
        self.begin_negotiation();
        self.mourn();
        // One of ours need not wait for the next beat to hear what came of it.
        self.send_status();
        self.retry_shutdown();
    }
}
