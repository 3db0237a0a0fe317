//! Leaving: orderly stop, restart after a partition, reload (sections 7.7, 7.10, 7.11, 8.10).

use super::negotiation::State;
use super::node::Node;
use super::standby::StandbyState;
use super::{Action, Ending, Engine, Hold, Job, Note};
use std::time::Duration;

/// From the end of giving up to the end of the clients, and from there to silence.
const PHASE: Duration = Duration::from_secs(1);
/// A peer that has said nothing about resources in this life, and does not within this time, has nothing to say: it runs
/// without them, or by the old protocol.
const SPEAKS_WITHIN: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Stage {
    /// Nobody asked.
    #[default]
    Running,
    /// Asked; waiting for calm, until then also for those who say nothing.
    Waiting { patience: Duration },
    /// The scripts run, and stop this.
    GivingUp(Hold),
    /// All was given up; clients stop at `at`.
    GaveUp { at: Duration },
    /// Clients are stopping.
    Clients,
    /// The end comes at `at`.
    Last { at: Duration },
}

#[derive(Default)]
pub(super) struct Shutdown {
    stage: Stage,
    ending: Option<Ending>,
    said_delayed: bool,
    /// A reload waits for what is in motion.
    reload_wanted: bool,
}

impl Engine {
    /// Whether somebody asked for the end of this life, be it a stop or a restart.
    pub fn is_shutting_down(&self) -> bool {
        self.shutdown.stage != Stage::Running
    }

    /// Whether the next life of this process is at hand. What is agreed upon now it would not know.
    pub(super) fn is_reloading(&self) -> bool {
        matches!(self.shutdown.ending, Some(Ending::Reload { .. }))
    }

    pub(super) fn request_shutdown(&mut self) {
        let reloading = self.is_reloading();
        self.shutdown.ending = Some(Ending::Stop);
        if reloading {
            // A reload gives nothing up; to stop instead is to begin from the beginning.
            self.shutdown.stage = Stage::Running;
            self.pulse.restarting = false;
        }
        self.start_leaving();
    }

    /// The cluster was split, and in legacy mode nobody can say who holds what: everything is given up, at
    /// once (the reference runs it twice for two seconds more), and this node begins anew.
    pub(super) fn request_restart(&mut self) {
        if !self.is_shutting_down() {
            self.shutdown.ending = Some(Ending::Restart);
            self.start_leaving();
        }
    }

    /// Nothing is given up: tell the peer to be patient, stop the clients, begin anew.
    ///
    /// What is in motion ends first: the next life would believe that what is being taken is held. After a
    /// partition everything must be given up, and both reread the configuration then.
    pub(super) fn request_reload(&mut self) {
        if self.is_shutting_down() {
            return;
        }
        self.shutdown.reload_wanted = !self.nothing_moves() || self.fencing.is_running();
        if self.shutdown.reload_wanted {
            return;
        }
        self.note(Note::RestartTriggered);
        self.shutdown.ending = Some(Ending::Reload { held: Hold::None, failed: false });
        self.pulse.restarting = true;
        self.send_status();
        self.shutdown.stage = Stage::GaveUp { at: self.now.mono };
    }

    fn start_leaving(&mut self) {
        if self.is_shutting_down() {
            return;
        }
        self.shutdown.stage = Stage::Waiting { patience: self.now.mono + SPEAKS_WITHIN };
        match self.startup.is_up() {
            true => self.retry_shutdown(),
            false => self.note(Note::ShutdownDelayedComm),
        }
    }

    /// Goes on with a delayed stop as soon as nothing is in motion.
    pub(super) fn retry_shutdown(&mut self) {
        if self.shutdown.reload_wanted {
            self.request_reload();
        }
        let Stage::Waiting { patience } = self.shutdown.stage else { return };
        if !self.startup.is_up() {
            return;
        }
        if !self.may_leave(self.now.mono >= patience) {
            if !self.shutdown.said_delayed {
                self.shutdown.said_delayed = true;
                self.note(Note::ShutdownDelayed);
            }
            return;
        }
        self.shutdown.stage = Stage::GivingUp(self.resources.i_hold);
        self.resources.i_hold = Hold::None;
        self.resources.state = State::Shutdown;
        if self.settings.manages {
            self.send_held(false, Some("shutdown"));
        }
        self.note(Note::ShutdownBegins(self.settings.pid));
        if self.settings.manages {
            self.run(Job::GiveUpAll);
        } else {
            self.gave_up_everything();
        }
    }

    /// What scripts are still stopping, although this node does not hold it any more.
    pub(super) fn still_here(&self) -> Hold {
        match self.shutdown.stage {
            Stage::GivingUp(held) => held,
            _ => Hold::None,
        }
    }

    /// Calm, or nobody left to be calm with.
    fn may_leave(&self, waited: bool) -> bool {
        let silent = |n: &Node| waited && n.state_seq == 0;
        let alone = self.other_nodes().all(|n| n.is_dead() || !n.may_hold || silent(n));
        !self.settings.manages || self.resources_stable() || (alone && self.nothing_moves())
    }

    /// No script runs and none is about to.
    fn nothing_moves(&self) -> bool {
        let r = &self.resources;
        self.jobs.idle() && r.standby == StandbyState::Not && !r.takeover_in_progress
    }

    /// Own `shutdone`: the peer may take over from now on.
    pub(super) fn gave_up_everything(&mut self) {
        self.resources.state = State::Shutdown;
        self.resources.i_hold = Hold::None;
        if matches!(self.shutdown.stage, Stage::GivingUp(_)) {
            self.shutdown.stage = Stage::GaveUp { at: self.now.mono + PHASE };
        }
    }

    pub(super) fn clients_stopped(&mut self) {
        if self.shutdown.stage != Stage::Clients {
            return;
        }
        self.pulse.restarting |= self.shutdown.ending != Some(Ending::Stop);
        self.send_status();
        self.shutdown.stage = Stage::Last { at: self.now.mono + PHASE };
    }

    pub(super) fn shutdown_deadline(&self) -> Option<Duration> {
        match self.shutdown.stage {
            Stage::Waiting { patience } => Some(patience).filter(|at| self.now.mono < *at),
            Stage::GaveUp { at } => Some(at),
            Stage::Last { at } if self.jobs.idle() => Some(at),
            _ => None,
        }
    }

    pub(super) fn shutdown_tick(&mut self) {
        let now = self.now.mono;
        match self.shutdown.stage {
            Stage::Waiting { patience } if now >= patience => self.retry_shutdown(),
            Stage::GaveUp { at } if now >= at => {
                self.shutdown.stage = Stage::Clients;
                self.send_status();
                self.actions.push(Action::StopClients);
            }
            Stage::Last { at } if now >= at && self.jobs.idle() => self.end(),
            _ => {}
        }
    }

    fn end(&mut self) {
        self.ended = true;
        let ending = match self.shutdown.ending {
            Some(Ending::Reload { .. }) => {
                Ending::Reload { held: self.handed_down(), failed: self.failed.again_at.is_some() }
            }
            Some(ending) => ending,
            None => Ending::Stop,
        };
        self.actions.push(Action::End(ending));
    }
}
