//! A world of values around the core: servers, a kernel, and a clock that stands still unless it is moved.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::*;
use crate::config::Source;
use crate::director::config::{self, FakeMachine};
use crate::director::daemon::record::Record;
use crate::director::daemon::run::record;
use crate::director::ipvs::{Fake, Ipvs};

pub(super) fn config(text: &str) -> Arc<Config> {
    let source = Source::new("ldirectord.cf", text.as_bytes(), 0o600);
    let checked = config::read(&source, &FakeMachine::with_hosts(&[]));
    Arc::new(checked.config.unwrap_or_else(|| panic!("{:?}", checked.diagnostics)))
}

pub(super) fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// How long a check of a server that hangs takes.
pub(super) const HANG: Duration = Duration::from_secs(5);

pub(super) struct World {
    pub(super) core: Core,
    pub(super) kernel: Fake,
    /// Why the kernel cannot be reached.
    pub(super) broken: Option<String>,
    /// Changes that the kernel refuses, by their beginning.
    pub(super) refused: Option<&'static str>,
    /// How long the kernel takes for an answer.
    pub(super) pace: Duration,
    /// How long a server that does not hang takes.
    pub(super) answer: Duration,
    pub(super) down: BTreeSet<IpAddr>,
    pub(super) hanging: BTreeSet<IpAddr>,
    pub(super) maintained: BTreeSet<IpAddr>,
    pub(super) now: Duration,
    /// What is written down.
    pub(super) record: Record,
    coming: BTreeMap<(Duration, u64), Input>,
    count: u64,
    turns: u64,
    pub(super) log: Vec<String>,
    /// Whom was checked, and when.
    pub(super) checked: Vec<(Duration, IpAddr)>,
    pub(super) looks: usize,
    pub(super) mails: Vec<(String, Status)>,
    /// How often a server was noticed to be up, or down.
    pub(super) noticed: usize,
    pub(super) commands: Vec<(usize, Verb)>,
    pub(super) serving: Vec<(Duration, Mode)>,
    pub(super) ended: Option<Duration>,
    /// Whether nothing was left behind.
    pub(super) clean: bool,
}

impl World {
    pub(super) fn new(text: &str, mode: Mode, kernel: Fake, once: Vec<ServiceId>) -> World {
        let once = once.into_iter().collect();
        let record = record(&config(text), mode, &once);
        let core = Core::new(config(text), mode, 10_000, once);
        World {
            record,
            core,
            kernel,
            broken: None,
            refused: None,
            pace: ms(1),
            answer: ms(3),
            down: BTreeSet::new(),
            hanging: BTreeSet::new(),
            maintained: BTreeSet::new(),
            now: Duration::ZERO,
            coming: BTreeMap::new(),
            count: 0,
            turns: 0,
            log: Vec::new(),
            checked: Vec::new(),
            looks: 0,
            mails: Vec::new(),
            noticed: 0,
            commands: Vec::new(),
            serving: Vec::new(),
            ended: None,
            clean: false,
        }
    }

    /// With an empty kernel, serving.
    pub(super) fn active(text: &str) -> World {
        World::new(text, Mode::Active, Fake::default(), Vec::new())
    }

    pub(super) fn put_down(mut self, ips: &[&str]) -> World {
        self.down.extend(ips.iter().map(|ip| ip.parse::<IpAddr>().unwrap()));
        self
    }

    /// Lets so much time go by.
    pub(super) fn go(&mut self, time: Duration) {
        let until = self.now + time;
        if self.now.is_zero() {
            self.give(Input::Tick);
        }
        while self.ended.is_none() {
            self.turns += 1;
            assert!(self.turns < 2_000_000, "it turns and turns at {:?}", self.now);
            let tick = self.core.next_deadline().map(|at| at.max(self.now));
            let next = self.coming.keys().next().copied();
            let first = next.map(|(at, _)| at).into_iter().chain(tick).min();
            let Some(at) = first.filter(|at| *at <= until) else { break };
            self.now = at;
            match next.filter(|(due, _)| *due <= at) {
                Some(key) => {
                    let input = self.coming.remove(&key).unwrap();
                    self.give(input);
                }
                None => self.give(Input::Tick),
            }
        }
        self.now = until;
    }

    /// Hands something in now.
    pub(super) fn give(&mut self, input: Input) {
        for action in self.core.handle(self.now, input) {
            self.carry_out(action);
        }
    }

    fn later(&mut self, after: Duration, input: Input) {
        self.count += 1;
        self.coming.insert((self.now + after, self.count), input);
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Check { ticket, target, .. } => self.check(ticket, target),
            Action::Forget => self.coming.retain(|_, input| !matches!(input, Input::Answer(..))),
            Action::Look => {
                self.looks += 1;
                let table = self.broken.clone().map_or_else(|| Ok(self.kernel.table.clone()), Err);
                self.later(self.pace, Input::Table(table));
            }
            Action::Change(ops) => {
                self.record.add(&ops);
                let results = ops.iter().map(|op| self.change(op)).collect();
                self.later(self.pace, Input::Done(results));
            }
            Action::Log(line) => self.log.push(line),
            Action::Happened(event, status) => self.mails.push((event.log_line(), status)),
            Action::Noticed => self.noticed += 1,
            Action::Fallback(index, verb) => self.commands.push((index, verb)),
            Action::Serving(mode) => {
                self.serving.push((self.now, mode));
                self.record = record(self.core.config(), mode, self.core.once());
            }
            Action::End { clean } => (self.ended, self.clean) = (Some(self.now), clean),
        }
    }

    fn change(&mut self, op: &Op) -> Result<(), String> {
        if let Some(why) = &self.broken {
            return Err(why.clone());
        }
        match self.refused {
            Some(begin) if op.to_string().starts_with(begin) => Err(format!("no: {op}")),
            _ => self.kernel.apply(op).map_err(|error| error.to_string()),
        }
    }

    fn check(&mut self, ticket: Ticket, (index, real): (usize, usize)) {
        let ip = self.core.config().virtuals[index].reals[real].at.ip();
        self.checked.push((self.now, ip));
        let verdict = match () {
            () if self.maintained.contains(&ip) => Verdict::Maintenance,
            () if self.down.contains(&ip) || self.hanging.contains(&ip) => Verdict::Down,
            () => Verdict::Up,
        };
        let time = if self.hanging.contains(&ip) { HANG } else { self.answer };
        self.later(time, Input::Answer(ticket, verdict));
    }

    /// What the kernel was told since the last time.
    pub(super) fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut self.kernel.told).iter().map(ToString::to_string).collect()
    }

    /// The servers in the table, with their weights.
    pub(super) fn rows(&self) -> String {
        let services = self.kernel.table.entries.iter();
        let row = |(at, dest): (&std::net::SocketAddr, &crate::director::table::Dest)| {
            format!(" {at}/{}", dest.weight)
        };
        services
            .map(|(id, entry)| format!("{id}:{}", entry.dests.iter().map(row).collect::<String>()))
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// The longest pause between two checks of a server since then.
    pub(super) fn longest_pause(&self, ip: &str, since: Duration) -> Duration {
        let ip: IpAddr = ip.parse().unwrap();
        let times: Vec<Duration> =
            self.checked.iter().filter(|(at, who)| *who == ip && *at >= since).map(|(at, _)| *at).collect();
        times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(Duration::MAX)
    }
}
