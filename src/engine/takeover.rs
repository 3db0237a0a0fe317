//! What follows from a death: fencing decision, take-over, acquisition of own groups (8.6, 8.7).

use super::standby::StandbyState;
use super::{Engine, Hold, Job, Note};
use crate::wire::Message;

impl Engine {
    /// The dead-node procedure of 8.6. `speaks`: it is known to have been dead by a word that just came.
    pub(super) fn after_death(&mut self, at: usize, speaks: bool) {
        let Some(node) = self.nodes.get(at) else {
            return;
        };
        let name = node.name.clone();
        let (member, heard, may_hold) = (node.is_normal(), node.heard, node.may_hold);
        self.tell_death(&name, (!member).then_some("ping"));
        if !member {
            return self.queue_death_hook(&name, Some("ping"));
        }
        if !self.settings.manages {
            return self.retry_shutdown();
        }
        self.cancel_standby();
        self.nobody_is_beside();
        if self.is_shutting_down() {
            return self.retry_shutdown();
        }
        self.resources.needs_failback = true;
        let holds = if self.nice() { self.resources.other_holds != Hold::None } else { may_hold };
        // A node that held nothing a moment ago may take everything behind a broken cable. The reference trusts
        // it; with a device at hand only its goodbye is trusted, as long as there is anything to take.
        let nothing_to_take = self.nice() && self.resources.i_hold == Hold::All;
        let trusted = !self.fences() || !may_hold || nothing_to_take;
        if heard && !holds && trusted {
            self.fencing.forget(&name);
            self.note(Note::GaveUpResources(name.clone()));
            self.send_fencing_result(&name, "unneeded");
            return self.fill_what_is_missing(at);
        }
        if self.fences() {
            // Who speaks is not to be shot, and not to be robbed.
            return if speaks { self.stop_fencing(&name) } else { self.fence(&name) };
        }
        self.send_fencing_result(&name, "n_stnth");
        self.note(Note::NoStonith);
        self.take_over(at);
    }

    fn send_fencing_result(&mut self, node: &str, result: &str) {
        self.send(Message::of("stonith").with("node", node).with("result", result));
    }

    /// The dead node held nothing: take only what nobody holds.
    fn fill_what_is_missing(&mut self, at: usize) {
        if !self.nice() {
            return self.take_over(at);
        }
        if self.resources.i_hold == Hold::All {
            self.resources.other_stable = true;
            return self.retry_shutdown();
        }
        if !self.resources.i_hold.includes(Hold::Local) {
            self.acquire_local(true);
        }
        if !self.resources.i_hold.includes(Hold::Foreign) {
            self.take_over(at);
        }
    }

    /// Takes everything of a node that is dead or has left.
    pub(super) fn take_over(&mut self, at: usize) {
        let name = self.name_of(at);
        if self.is_shutting_down() {
            return self.note(Note::TakeoverCancelled);
        }
        self.note(Note::BeingAcquired(name.clone()));
        self.nothing_is_double();
        self.peer_is_gone();
        self.queue_death_hook(&name, None);
        if self.nice() {
            let r = &mut self.resources;
            r.i_hold = r.i_hold.with(Hold::Foreign);
            r.other_holds = Hold::None;
            r.other_stable = true;
            r.takeover_in_progress = true;
            // Who left in good order may be back, and stable, before all is taken.
            r.needs_failback = true;
        }
        self.acquire_local(true);
    }

    /// The `status` hook with `st=dead`: the stock one runs mach_down.
    fn queue_death_hook(&mut self, name: &str, info: Option<&str>) {
        let message = self.death_message(name, info);
        self.queue_hook("status", &message);
    }

    /// "req_our_resources" (8.7).
    pub(super) fn acquire_local(&mut self, force: bool) {
        if self.is_shutting_down() {
            return;
        }
        if self.fencing.is_pending() {
            // Done after the reset, by the take-over; or when the node is back.
            self.resources.wants_local |= !self.nice();
            return;
        }
        let r = &mut self.resources;
        let taken = r.other_holds.includes(Hold::Foreign) || r.i_hold.includes(Hold::Local);
        if self.settings.failback.nice() {
            if !force && taken && r.standby == StandbyState::Not {
                return self.note(Note::LocalAcquisitionNone);
            }
            r.i_hold = r.i_hold.with(Hold::Local);
        }
        let dont_ask = self.nodes.iter().filter(|n| n.is_normal() && n.status == "active").count() < 2;
        self.run_taking(Job::AcquireLocal { nice: self.nice(), dont_ask });
    }
}
