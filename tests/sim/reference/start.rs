//! From the first packet to "communication is up" (7.3).

use super::{Phase, Reference, State};
use heartbeat::engine::NodeKind;
use heartbeat::level::Level;
use heartbeat::wire::Message;
use std::time::Duration;

impl Reference {
    /// On each packet and every 250 ms.
    pub(super) fn check_links_pending(&mut self) {
        if self.phase == Phase::LinksPending && self.peers.iter().all(|p| p.heard || p.is_dead()) {
            self.phase = Phase::LinksUp;
            self.ask_for_nodes();
        }
    }

    pub(super) fn ask_for_nodes(&mut self) {
        if self.phase != Phase::LinksUp {
            return;
        }
        let peer = self.others().find(|p| !p.is_dead()).map(|p| p.name.clone());
        match peer.filter(|_| self.flow_control) {
            Some(peer) => {
                self.ask_nodes_at = Some(self.now.mono + Duration::from_secs(1));
                self.send(Message::of("reqnodes").with("dest", &peer));
            }
            None => self.comm_now_up(),
        }
    }

    pub(super) fn on_reqnodes(&mut self, from: usize) {
        let names = self.peers.iter().filter(|p| p.kind == NodeKind::Normal).map(|p| format!("{} ", p.name));
        let list: String = names.collect();
        let dest = self.peers[from].name.clone();
        let message = Message::new().with("dest", &dest).with("t", "repnodes");
        self.send(message.with("nodelist", &list).with("delnodelist", " "));
    }

    pub(super) fn on_repnodes(&mut self) {
        if self.phase == Phase::LinksUp {
            self.comm_now_up();
        }
    }

    fn comm_now_up(&mut self) {
        self.phase = Phase::Up;
        self.ask_nodes_at = None;
        self.log(Level::Info, format_args!("Comm_now_up(): updating status to active"));
        self.set_status("active");
        match self.nice() {
            true => {
                if self.state == State::Init {
                    self.state = State::Starting;
                }
                self.send(Message::of("starting"));
            }
            false => self.acquire_local(true),
        }
        // What died unheard is dealt with now.
        for at in 0..self.peers.len() {
            if self.peers[at].kind == NodeKind::Normal && self.peers[at].is_dead() {
                self.after_death(at);
            }
        }
        self.leave_on();
    }
}
