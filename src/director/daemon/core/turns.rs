//! A configuration that takes the place of another, serving that begins and ends, the end.

use std::sync::Arc;
use std::time::Duration;

use super::talk::Leaving;
use super::{Action, Core, Mode, PATIENCE, Status, loads};
use crate::director::config::Config;
use crate::director::plan::{Schedule, State};
use crate::director::table::ServiceId;

/// How long the end may wait for the kernel.
const FAREWELL: Duration = Duration::from_secs(5);

impl Core {
    /// What is known of servers stays known; all are checked at once.
    pub(super) fn reload(&mut self, now: Duration, config: Arc<Config>) {
        if self.is_ending() {
            return;
        }
        let gone: Vec<ServiceId> = self.config.virtuals.iter().map(|virt| virt.id).collect();
        let gone = gone.into_iter().filter(|id| !config.virtuals.iter().any(|virt| virt.id == *id)).collect();
        self.state = State::carried(&config, &self.config, &self.state);
        self.generation += 1;
        self.schedule = Schedule::new(&config, self.generation).limited(self.limit);
        self.status = Status::Reloading;
        self.settles = Some(now + PATIENCE);
        self.held = None;
        self.talk.renumber(config.virtuals.len());
        let loaded = self.loads();
        self.config = config;
        self.out.push(Action::Forget);
        self.load_as_before(loaded, gone);
    }

    /// With another configuration. `loaded`: whether the table had the services of the old one; `gone`: those of them
    /// that are not in the new one.
    fn load_as_before(&mut self, loaded: bool, gone: Vec<ServiceId>) {
        if self.is_loaded_standby() && self.talk.leaving.take().is_some() {
            self.mode = Mode::Standby;
        }
        if self.loads() {
            self.held = self.settles;
            self.told_serving = false;
            self.talk.begin(gone);
        } else if loaded || self.talk.leaving.is_some() {
            self.talk.once.extend(gone);
            self.talk.leave(Leaving::Standby);
        } else {
            self.stand_by();
        }
    }

    fn is_loaded_standby(&self) -> bool {
        loads(Mode::Standby, &self.config)
    }

    /// What the checks have made known is brought to the kernel at once.
    pub(super) fn activate(&mut self, now: Duration) {
        if self.is_ending() {
            return;
        }
        if self.talk.leaving.take_if(|leaving| *leaving == Leaving::Standby).is_none()
            && self.mode == Mode::Active
        {
            return;
        }
        self.mode = Mode::Active;
        self.told_serving = false;
        self.fresh();
        self.held = Some(now + PATIENCE);
        self.talk.begin([]);
    }

    /// Everything is taken out, unless the table is to stay loaded; checks go on.
    pub(super) fn release(&mut self) {
        if self.is_ending() {
            return;
        }
        if self.is_loaded_standby() {
            // What the administrator's programs are told next time does not follow from what they were told this time.
            self.state.forget_commands();
            self.stand_by();
        } else if self.touches_kernel() {
            self.talk.leave(Leaving::Standby);
        } else {
            self.stand_by();
        }
    }

    fn stand_by(&mut self) {
        self.mode = Mode::Standby;
        self.out.push(Action::Serving(Mode::Standby));
    }

    /// The end. Checks are no longer of interest.
    pub(super) fn stop(&mut self, now: Duration, keep: bool) {
        if self.is_ending() {
            return;
        }
        self.status = Status::Stopping;
        self.generation += 1;
        self.settles = None;
        self.held = None;
        let stays = keep || !self.touches_kernel();
        self.talk.leave(Leaving::Stop { until: now + FAREWELL });
        self.out.push(Action::Forget);
        if stays {
            self.left();
        }
    }

    /// Everything was taken out.
    pub(super) fn left(&mut self) {
        self.talk.once.clear();
        match self.talk.leaving.take() {
            Some(Leaving::Stop { .. }) => self.out.push(Action::End { clean: true }),
            Some(Leaving::Standby) => {
                self.fresh();
                self.stand_by();
            }
            None => {}
        }
    }

    /// The kernel has not done in time as it was told.
    pub(super) fn lose_patience(&mut self, now: Duration) {
        if let Some(Leaving::Stop { until }) = self.talk.leaving
            && now >= until
        {
            self.talk.leaving = None;
            let what = if self.talk.is_idle() { "refuses" } else { "does not answer" };
            self.out.push(Action::Log(format!("the kernel {what}: its table stays as it is")));
            self.out.push(Action::End { clean: false });
        }
    }

    /// As after a reload of the same configuration: what is known stays known, nothing of it is in the table.
    fn fresh(&mut self) {
        self.state = State::carried(&self.config, &self.config, &self.state);
        if self.settles.is_none() {
            self.state.settle();
        }
    }
}
