//! Orderly stop, restart after a partition, reload (7.7, 7.10, 7.11, 8.10).

use super::{Leaving, Phase, Reference, State, Wish};
use heartbeat::engine::{Ending, Hold, Job};
use heartbeat::level::Level;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

impl Reference {
    pub(super) fn restart_soon(&mut self) {
        if !self.is_leaving() && self.restart_at.is_none() {
            self.restart_at = Some(self.now.mono + 2 * SECOND);
        }
    }

    pub(super) fn want_to_leave(&mut self, ending: Ending) {
        if self.is_leaving() {
            return;
        }
        self.ending = ending;
        self.leaving = Leaving::Wanted;
        if self.phase != Phase::Up {
            return self.log(Level::Warn, format_args!("Shutdown delayed until Communication is up."));
        }
        if !self.is_stable() {
            self.log(Level::Warn, format_args!("Shutdown delayed until current resource activity finishes."));
        }
        self.leave_on();
    }

    /// After each event that may have brought calm, and by the clock.
    pub(super) fn leave_on(&mut self) {
        let now = self.now.mono;
        if self.restart_at.is_some_and(|at| now >= at) {
            self.restart_at = None;
            self.want_to_leave(Ending::Restart);
        }
        if self.reload_wanted {
            self.reload();
        }
        match self.leaving {
            Leaving::Wanted if self.phase == Phase::Up && self.is_stable() => {
                self.leaving = Leaving::GivingUp;
                self.i_hold = Hold::None;
                self.state = State::Shutdown;
                self.send_held(false, Some("shutdown"));
                self.log(Level::Info, format_args!("Heartbeat shutdown in progress. (1)"));
                self.run(Job::GiveUpAll);
            }
            Leaving::Phase(phase, at) if now >= at => self.next_phase(phase),
            _ => {}
        }
    }

    pub(super) fn gave_up(&mut self) {
        if self.leaving == Leaving::GivingUp {
            self.leaving = Leaving::Phase(0, self.now.mono + SECOND);
        }
    }

    fn next_phase(&mut self, phase: u8) {
        if phase == 0 {
            self.restart_grace |= self.ending != Ending::Stop;
            self.send_status();
            self.leaving = Leaving::Phase(1, self.now.mono + SECOND);
            return;
        }
        self.ended = true;
        let ending = match self.ending {
            Ending::Reload { .. } => Ending::Reload { held: self.i_hold, failed: false },
            other => other,
        };
        self.out.push(Wish::End(ending));
    }

    /// 7.10. What a reload does to what is in motion nobody has looked at: here it waits for its end.
    pub(super) fn reload(&mut self) {
        if self.is_leaving() || self.restart_at.is_some() || self.phase != Phase::Up {
            return;
        }
        self.reload_wanted = !self.is_still();
        if self.reload_wanted {
            return;
        }
        self.log(Level::Info, format_args!("Heartbeat restart triggered."));
        self.ending = Ending::Reload { held: Hold::None, failed: false };
        self.restart_grace = true;
        self.leaving = Leaving::Phase(1, self.now.mono + SECOND);
        self.send_status();
    }
}
