//! Reminders of servers that are still down. Time is counted from any beginning, and given in.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::{Mail, Status, about};
use crate::director::config::Config;
use crate::director::plan::{Health, State};
use crate::director::table::ServiceId;

/// When somebody was told last of each server that is down. Lives on through reloads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reminders(BTreeMap<(ServiceId, SocketAddr), Duration>);

impl Reminders {
    /// The e-mails due now, of all virtual services. To be asked after each change of `state`, and at
    /// [`Reminders::next_deadline`]; asking more often does no harm.
    pub fn due(&mut self, now: Duration, config: &Config, state: &State, status: Status) -> Vec<Mail> {
        let mut mails = Vec::new();
        let mut told = BTreeMap::new();
        for (virt, watched) in config.virtuals.iter().zip(&state.virtuals) {
            let every = virt.alert.every;
            if every.is_zero() || virt.alert.to.is_empty() {
                continue;
            }
            let servers = virt.reals.iter().zip(&watched.servers);
            for (real, _) in servers.filter(|(_, server)| server.health == Health::Down) {
                let key = (virt.id, real.at);
                let mut last = self.0.get(&key).copied().unwrap_or(now);
                if now.saturating_sub(last) >= every {
                    last = now;
                    let line = format!("Inaccessible real server: {} ({})", real.at, virt.id);
                    mails.extend(about(&config.global, virt, &line, status));
                }
                told.insert(key, last);
            }
        }
        self.0 = told;
        mails
    }

    /// When the next one is due, if nothing changes.
    pub fn next_deadline(&self, config: &Config) -> Option<Duration> {
        let every = |id: &ServiceId| config.virtuals.iter().find(|v| v.id == *id).map(|v| v.alert.every);
        self.0.iter().filter_map(|((id, _), last)| Some(*last + every(id)?)).min()
    }
}
