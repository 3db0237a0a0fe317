//! What the daemon does next: the answers of checks, the kernel's table and the wishes of people come in, actions go
//! out. Pure: time is an argument, everything outside is somebody else's.
//!
//! | file | what it knows |
//! |---|---|
//! | `parting` | servers that are named no more, while their connections end |
//! | `talk` | the conversation with the kernel: look, change, one thing after the other, again after a failure |
//! | `turns` | configurations that come, serving that begins and ends, the end |
//!
//! Checks and the kernel do not wait for each other. What checks make known is gathered; whenever the kernel is free
//! its table is looked at once and brought up to date for all of it.

mod parting;
mod talk;
mod turns;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::record::Mode;
use crate::director::alert::plan::Status;
use crate::director::config::{Config, WarmStandby};
use crate::director::plan::{Event, Health, News, Schedule, State, Verb, Verdict};
use crate::director::table::{Op, ServiceId, Table};
use talk::{Leaving, Talk};

/// After so long the first round of checks is not waited for any more: fallbacks may come.
const PATIENCE: Duration = Duration::from_secs(3);

/// A check, by its number, of a configuration, by its number: who answers late is not mistaken for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    /// The configuration.
    pub(super) generation: u64,
    /// The check.
    pub(super) number: usize,
}

/// What comes in.
#[derive(Debug)]
pub(super) enum Input {
    /// It is so late.
    Tick,
    /// A check has come to its end.
    Answer(Ticket, Verdict),
    /// The kernel's table, or why it cannot be had.
    Table(Result<Table, String>),
    /// What came of the changes, one by one.
    Done(Vec<Result<(), String>>),
    /// A good new configuration.
    Reload(Arc<Config>),
    /// Serve from now on.
    Activate,
    /// Only check from now on.
    Release,
    /// End. With `keep` the table stays as it is.
    Stop {
        /// Whether it does.
        keep: bool,
    },
}

/// What goes out.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// Check a server: number of the service, number of the server. A connection may be enough.
    Check {
        /// To be given back with the answer.
        ticket: Ticket,
        /// The service and the server.
        target: (usize, usize),
        /// Whether a connection is enough.
        connect: bool,
    },
    /// Forget the checks that run.
    Forget,
    /// Read the kernel's table.
    Look,
    /// Change it.
    Change(Vec<Op>),
    /// Write it down.
    Log(String),
    /// Something was done about a server; somebody may want to know. In this state of the daemon.
    Happened(Event, Status),
    /// A server is up, or down, that was not: somebody may have to be reminded of it.
    Noticed,
    /// Run the fallback command of this service.
    Fallback(usize, Verb),
    /// From now on, this is so.
    Serving(Mode),
    /// There is nothing left to do.
    End {
        /// Nothing of ours is in the table, but what is to stay there.
        clean: bool,
    },
}

/// The whole of it.
#[derive(Debug)]
pub(super) struct Core {
    config: Arc<Config>,
    state: State,
    schedule: Schedule,
    generation: u64,
    status: Status,
    mode: Mode,
    /// When the first round is not waited for any more; `None` when it is over.
    settles: Option<Duration>,
    /// Checks are held until the table was looked at once, or until then: who is found serving there is not to be
    /// mistaken for somebody new. `None` when they are not held.
    held: Option<Duration>,
    /// So many checks may run at the same time.
    limit: usize,
    talk: Talk,
    /// Whether it was said what it does, since it began to.
    told_serving: bool,
    out: Vec<Action>,
}

impl Core {
    /// Nothing is known, everything is due. `once`: services that an earlier life has left in the kernel's table.
    pub(super) fn new(config: Arc<Config>, mode: Mode, limit: usize, once: BTreeSet<ServiceId>) -> Core {
        let mut talk = Talk::new(config.virtuals.len());
        let mut out = Vec::new();
        let loads = loads(mode, &config);
        if loads {
            talk.begin(once);
        } else if once.is_empty() {
            out.push(Action::Serving(mode));
        } else {
            talk.once.extend(once);
            talk.leave(Leaving::Standby);
        }
        Core {
            state: State::new(&config),
            schedule: Schedule::new(&config, 0).limited(limit),
            generation: 0,
            status: Status::Starting,
            settles: Some(PATIENCE),
            held: loads.then_some(PATIENCE),
            limit,
            mode,
            talk,
            told_serving: false,
            config,
            out,
        }
    }

    /// Takes what came in, and says what is to be done, in this order.
    pub(super) fn handle(&mut self, now: Duration, input: Input) -> Vec<Action> {
        match input {
            Input::Tick => self.lose_patience(now),
            Input::Answer(ticket, verdict) => self.answer(now, ticket, verdict),
            Input::Table(table) => self.table(now, table),
            Input::Done(results) => self.done(now, &results),
            Input::Reload(config) => self.reload(now, config),
            Input::Activate => self.activate(now),
            Input::Release => self.release(),
            Input::Stop { keep } => self.stop(now, keep),
        }
        if self.held.is_some_and(|until| now >= until) {
            self.let_go(now);
        }
        self.settle(now);
        self.proceed();
        self.advance(now);
        std::mem::take(&mut self.out)
    }

    /// When a tick is wanted at the latest.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let checks = self.schedule.next_deadline().filter(|_| self.may_check());
        let kernel = self.talk.next_deadline(self.touches_kernel());
        checks.into_iter().chain(kernel).chain(self.settles).chain(self.held).min()
    }

    /// The configuration in force.
    pub(super) fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Services that are ours no more and may still be in the table.
    pub(super) fn once(&self) -> &BTreeSet<ServiceId> {
        &self.talk.once
    }

    /// What is known of the servers.
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// What it is doing.
    pub(super) fn status(&self) -> Status {
        self.status
    }

    /// Whom the answer of a check counts for; nobody, of a configuration that is no longer in force.
    pub(super) fn targets(&self, ticket: Ticket) -> &[(usize, usize)] {
        let check =
            self.schedule.checks().get(ticket.number).filter(|_| ticket.generation == self.generation);
        check.map_or(&[], |check| &check.targets)
    }

    /// Servers that are up, and all.
    pub(super) fn census(&self) -> (usize, usize) {
        let servers = self.state.virtuals.iter().flat_map(|watched| &watched.servers);
        servers.fold((0, 0), |(up, all), s| (up + usize::from(s.health == Health::Up), all + 1))
    }

    fn is_ending(&self) -> bool {
        self.status == Status::Stopping
    }

    fn may_check(&self) -> bool {
        !self.is_ending() && self.held.is_none()
    }

    /// Checks begin. Their first round has all its time.
    fn let_go(&mut self, now: Duration) {
        if self.held.take().is_some() {
            self.settles = self.settles.map(|_| now + PATIENCE);
        }
    }

    /// Whether the kernel's table is to have our services.
    fn loads(&self) -> bool {
        loads(self.mode, &self.config)
    }

    fn touches_kernel(&self) -> bool {
        self.loads() || self.talk.leaving.is_some()
    }

    fn answer(&mut self, now: Duration, ticket: Ticket, verdict: Verdict) {
        if ticket.generation != self.generation {
            return;
        }
        let targets = self.schedule.end(ticket.number, now, verdict == Verdict::Up).to_vec();
        for (index, real) in targets {
            self.judge(index, real, verdict);
        }
    }

    fn judge(&mut self, index: usize, real: usize, verdict: Verdict) {
        let news = self.state.judge(&self.config, index, real, verdict);
        let config = Arc::clone(&self.config);
        let Some(virt) = config.virtuals.get(index) else { return };
        let Some(server) = virt.reals.get(real) else { return };
        for news in &news {
            let line = news.log_line(&virt.id, &server.at);
            self.out
                .extend(line.or_else(|| self.told_in_standby(*news, virt.id, server.at)).map(Action::Log));
        }
        let turned = news.iter().any(|news| matches!(news, News::Up | News::Down));
        if turned {
            self.out.push(Action::Noticed);
        }
        if turned || verdict == Verdict::Maintenance && config.global.readd_quiescent {
            self.talk.dirty(index);
        }
    }

    /// Who keeps the table tells of servers by what is done about them. Who only checks does nothing about them.
    fn told_in_standby(&self, news: News, id: ServiceId, at: std::net::SocketAddr) -> Option<String> {
        let word = if news == News::Up { "up" } else { "down" };
        (!self.loads()).then(|| format!("Standby: real server {at} ({id}) is {word}"))
    }

    /// Once the first round is over fallbacks may come.
    fn settle(&mut self, now: Duration) {
        let over = self.schedule.is_first_round_over();
        if self.is_ending() || !self.settles.is_some_and(|at| over || now >= at) {
            return;
        }
        self.settles = None;
        self.state.settle();
        self.talk.dirty_all();
    }

    /// What the first round has made known belongs to the start, or to the reload, until it is in the table.
    fn proceed(&mut self) {
        let waits = self.loads() && self.talk.leaving.is_none() && self.talk.owes_first_round();
        if !self.is_ending() && self.settles.is_none() && !waits {
            self.status = Status::Running;
        }
    }

    /// Begins whatever can be begun.
    fn advance(&mut self, now: Duration) {
        if self.may_check() {
            for number in self.schedule.begin(now) {
                let Some(check) = self.schedule.checks().get(number) else { continue };
                let Some(target) = check.targets.first().copied() else { continue };
                let ticket = Ticket { generation: self.generation, number };
                self.out.push(Action::Check { ticket, target, connect: check.is_connect() });
            }
        }
        if self.touches_kernel() && self.talk.wants_to_look(now) {
            self.out.push(Action::Look);
        }
    }
}

/// Whether who does this, with this configuration, keeps its services in the kernel's table.
pub(super) fn loads(mode: Mode, config: &Config) -> bool {
    mode == Mode::Active || config.global.warm_standby == WarmStandby::Loaded
}

#[cfg(test)]
mod tests;
