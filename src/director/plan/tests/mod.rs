//! Recorded scenarios of the reference, rules one by one, and properties of any plan.

mod properties;
mod rules;
mod scenarios;

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::*;
use crate::config::Source;
use crate::director::config::{self, FakeMachine};
use crate::director::ipvs::{Fake, Ipvs};

fn config(text: &str) -> Option<Config> {
    let hosts: [(&str, &[&str]); 1] = [("vip", &["192.168.1.10"])];
    config::read(&Source::new("ldirectord.cf", text.as_bytes(), 0o600), &FakeMachine::with_hosts(&hosts))
        .config
}

/// A director without a network: it is told which servers are down.
struct Director {
    config: Config,
    state: State,
    kernel: Fake,
    /// Servers that fail, by the number of their service and their address.
    down: BTreeSet<(usize, IpAddr)>,
    /// Servers under maintenance.
    maintained: BTreeSet<(usize, IpAddr)>,
    /// What the fallback commands were run with.
    commands: Vec<String>,
    /// Lines of the log.
    log: Vec<String>,
}

impl Director {
    fn prepared(text: &str, kernel: Fake, down: &[(usize, &str)]) -> Director {
        let config = config(text).expect("a good configuration");
        let state = State::new(&config);
        let down = down.iter().map(|(i, ip)| (*i, ip.parse().unwrap())).collect();
        let (maintained, commands, log) = Default::default();
        Director { config, state, kernel, down, maintained, commands, log }
    }

    fn started(text: &str, kernel: Fake, down: &[(usize, &str)]) -> Director {
        let mut director = Director::prepared(text, kernel, down);
        director.start();
        director
    }

    fn start(&mut self) {
        self.state.adopt(&self.config, &self.kernel.table);
        self.carry_out(begin(&self.config, &self.state, &self.kernel.table, None));
        self.rounds();
    }

    fn carry_out(&mut self, steps: Vec<Step>) {
        for step in steps {
            self.kernel.apply(&step.op).unwrap();
            self.log.extend(step.events.iter().map(Event::log_line));
        }
    }

    /// Every server is checked until a failure counts.
    fn rounds(&mut self) {
        let limits = self.config.virtuals.iter().map(|virt| virt.check.failure_count);
        for _ in 0..limits.max().unwrap_or(1) {
            self.round();
        }
    }

    fn round(&mut self) {
        for index in 0..self.config.virtuals.len() {
            for real in 0..self.config.virtuals[index].reals.len() {
                self.check(index, real);
            }
        }
    }

    fn check(&mut self, index: usize, real: usize) {
        let virt = &self.config.virtuals[index];
        let (at, id) = (virt.reals[real].at, virt.id);
        let place = (index, at.ip());
        let verdict = if self.maintained.contains(&place) {
            Verdict::Maintenance
        } else if self.down.contains(&place) {
            Verdict::Down
        } else {
            Verdict::Up
        };
        let news = self.state.judge(&self.config, index, real, verdict);
        self.log.extend(news.iter().filter_map(|news| news.log_line(&id, &at)));
        if verdict == Verdict::Maintenance || news.iter().any(|n| matches!(n, News::Up | News::Down)) {
            self.carry_out(change(&self.config, &self.state, index, &self.kernel.table));
            self.state.applied(index);
        }
        let verb = self.state.fallback_command(&self.config, index);
        self.commands.extend(verb.map(|verb| format!("{} {id}", verb.word())));
    }

    fn fail(&mut self, index: usize, ip: &str) {
        self.down.insert((index, ip.parse().unwrap()));
        self.rounds();
    }

    fn recover(&mut self, index: usize, ip: &str) {
        self.down.remove(&(index, ip.parse().unwrap()));
        self.rounds();
    }

    /// False when the new configuration is refused.
    fn reload(&mut self, text: &str) -> bool {
        let Some(new) = config(text) else { return false };
        let old = std::mem::replace(&mut self.config, new);
        self.state = State::carried(&self.config, &old, &self.state);
        self.state.adopt(&self.config, &self.kernel.table);
        self.carry_out(begin(&self.config, &self.state, &self.kernel.table, Some(&old)));
        for index in 0..self.config.virtuals.len() {
            self.state.applied(index);
        }
        self.rounds();
        true
    }

    fn stop(&mut self) {
        self.carry_out(stop(&self.config, &self.state, &self.kernel.table));
    }

    /// What was told since the last time.
    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.kernel.told).iter().map(ToString::to_string).collect()
    }
}
