//! A node that did not run: stopped, starved, or asleep together with its machine.
//!
//! It cannot blame its peers for silence: they get the lost time back. And after a pause as long as its dead
//! time they may have buried it and taken what it holds. It looks first: everything that waits is handed in
//! before the next tick. That tells what was, not what is; the peer may have died since. So it decides at the
//! first word that comes afterwards, and until then its own claims count for nothing.

use super::{Engine, Note};
use std::time::Duration;

#[derive(Default)]
pub(super) struct Pause {
    /// Awake again, and not yet through with what waited.
    pub(super) looking: bool,
    /// What this node holds may be held by the peer by now: it was silent for longer than it may be, and has
    /// not heard since what the peer holds.
    pub(super) unsure: bool,
}

impl Engine {
    /// Before each input: how much later than asked for does it come? `before`: when the last one came;
    /// `due`: when a tick was wanted after it.
    pub(super) fn notice_pause(&mut self, before: Duration, due: Option<Duration>) {
        let Some(due) = due else { return };
        let since = due.max(before);
        let gap = self.now.mono.saturating_sub(since);
        if gap < self.settings.deadtime / 4 {
            return;
        }
        for node in &mut self.nodes {
            node.last_status += gap;
            node.gaps.leave_out(gap);
            for link in &mut node.links {
                link.heard += gap;
                link.gaps.leave_out(gap);
            }
        }
        // With timers of milliseconds on a busy machine there are many short ones.
        match gap < self.settings.deadtime {
            true => self.note_rarely("asleep", Note::Asleep(gap)),
            false => self.note(Note::Asleep(gap)),
        }
        if self.silent_for() >= self.own_dead_time() {
            self.doubt();
        }
    }

    /// The peer may have buried this node. Whatever was agreed upon is void, and whatever was about to be
    /// taken unasked waits until the peer is heard or known to be dead.
    fn doubt(&mut self) {
        if !self.startup.is_up() || !self.settings.manages || self.is_shutting_down() {
            return;
        }
        self.pause.looking = true;
        self.pause.unsure = true;
        self.doubt_whereabouts();
        self.forget_hand_over();
        let patience = self.other_nodes().map(|n| n.dead_time).max().unwrap_or_default();
        self.take_nothing_before(self.now.mono + patience);
        self.ask_for_claims();
    }

    /// What waited was heard: the next word is a new one.
    pub(super) fn end_looking(&mut self) {
        self.pause.looking = false;
    }
}
