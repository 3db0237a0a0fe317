//! Fencing: nothing of a dead node is taken before a device has reset it (8.6, 11).
//!
//! A reset that fails is tried again for ever. It ends with success, with the shutdown, or when the node is
//! heard again: the reference goes on, resets a node that works and takes over from it at success. What a
//! reset does is not here but behind [`Job::Reset`].

use super::{Engine, Job, JobId, Note};
use std::collections::BTreeMap;
use std::time::Duration;

/// From a reset that failed to the next one.
const RETRY: Duration = Duration::from_secs(5);
/// How often the device is asked how it is.
const CHECK: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The device is at it. `outdated`: the node was heard since, so that this reset says nothing about a
    /// later death.
    Running { id: JobId, outdated: bool },
    /// The next reset begins then.
    Waiting { until: Duration },
}

/// The nodes to be reset, and the health of the device.
#[derive(Default)]
pub(super) struct Fencing {
    nodes: BTreeMap<String, Stage>,
    check_at: Option<Duration>,
    checking: bool,
}

impl Fencing {
    /// Some node may still run what this one would take.
    pub(super) fn is_pending(&self) -> bool {
        self.nodes.values().any(|stage| !matches!(stage, Stage::Running { outdated: true, .. }))
    }

    /// A program of the device runs.
    pub(super) fn is_running(&self) -> bool {
        self.checking || self.nodes.values().any(|stage| matches!(stage, Stage::Running { .. }))
    }

    /// Its death needs no reset, or none any more.
    pub(super) fn forget(&mut self, node: &str) {
        self.nodes.remove(node);
    }

    /// Whose reset this job was, and whether it is outdated.
    fn take_reset(&mut self, job: JobId) -> Option<(String, bool)> {
        let (name, outdated) = self.nodes.iter().find_map(|(name, stage)| match stage {
            Stage::Running { id, outdated } if *id == job => Some((name.clone(), *outdated)),
            _ => None,
        })?;
        self.nodes.remove(&name);
        Some((name, outdated))
    }
}

impl Engine {
    /// Has a dead node reset. One that runs already and is good for this death goes on.
    pub(super) fn fence(&mut self, node: &str) {
        if matches!(self.fencing.nodes.get(node), Some(Stage::Running { .. })) {
            return;
        }
        let id = self.run_beside(Job::Reset { node: node.to_owned() });
        self.fencing.nodes.insert(node.to_owned(), Stage::Running { id, outdated: false });
    }

    /// Communication is about to come up: what died unheard will be mourned next, and until then too
    /// nothing may be taken.
    pub(super) fn expect_fencing(&mut self) {
        if !self.fences() || self.is_shutting_down() {
            return;
        }
        self.fencing.check_at = Some(self.now.mono);
        let until = self.now.mono;
        let dead = self.nodes.iter().filter(|n| n.is_normal() && n.is_dead());
        self.fencing.nodes.extend(dead.map(|n| (n.name.clone(), Stage::Waiting { until })));
    }

    pub(super) fn fences(&self) -> bool {
        self.settings.fencing && self.settings.manages
    }

    /// The job of a reset has ended.
    pub(super) fn reset_done(&mut self, job: JobId, well: bool) {
        let Some((name, outdated)) = self.fencing.take_reset(job) else { return };
        let Some(at) = self.nodes.iter().position(|n| n.name == name && n.is_dead()) else { return };
        match (well, outdated) {
            (true, false) => self.take_over(at),
            _ if self.is_shutting_down() => {}
            (_, true) => self.fence(&name),
            (false, false) => {
                self.note(Note::ResetFailed(name.clone()));
                let until = self.now.mono + RETRY;
                self.fencing.nodes.insert(name, Stage::Waiting { until });
            }
        }
    }

    pub(super) fn device_checked(&mut self) {
        self.fencing.checking = false;
    }

    /// A node that was dead is heard: whatever it runs, it runs on.
    pub(super) fn stop_fencing(&mut self, node: &str) {
        match self.fencing.nodes.get_mut(node) {
            None | Some(Stage::Running { outdated: true, .. }) => return,
            Some(Stage::Running { outdated, .. }) => *outdated = true,
            Some(Stage::Waiting { .. }) => self.fencing.forget(node),
        }
        self.note(Note::ResetNoMore(node.to_owned()));
    }

    pub(super) fn fencing_deadline(&self) -> Option<Duration> {
        if self.is_shutting_down() {
            return None;
        }
        let resets = self.fencing.nodes.values().filter_map(|stage| match stage {
            Stage::Waiting { until } => Some(*until),
            Stage::Running { .. } => None,
        });
        resets.chain(self.fencing.check_at).min()
    }

    pub(super) fn fencing_tick(&mut self) {
        if self.is_shutting_down() {
            return;
        }
        let now = self.now.mono;
        let due = |stage: &Stage| matches!(stage, Stage::Waiting { until } if *until <= now);
        let due: Vec<String> =
            self.fencing.nodes.iter().filter(|(_, stage)| due(stage)).map(|(name, _)| name.clone()).collect();
        for name in due {
            match self.nodes.iter().any(|n| n.name == name && n.is_dead()) {
                true => self.fence(&name),
                false => self.fencing.forget(&name),
            }
        }
        self.check_device();
    }

    fn check_device(&mut self) {
        let now = self.now.mono;
        if self.fencing.check_at.is_none_or(|at| now < at) {
            return;
        }
        self.fencing.check_at = Some(now + CHECK);
        if !self.fencing.checking {
            self.fencing.checking = true;
            self.run_beside(Job::CheckDevice);
        }
    }
}
