//! The conversation with the kernel: look, work out what is to be changed, change it, hear what came of it. One thing
//! after the other; what becomes known meanwhile is for the next look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::parting::Parting;
use super::{Action, Core, Mode};
use crate::director::plan::{self, Step};
use crate::director::table::{Op, ServiceId, Table};

/// So often the table is looked at although nothing happened: others may have changed it.
const ROUND: Duration = Duration::from_secs(10);
/// After a failure it is tried again this soon, and later and later.
const AGAIN: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(30);
/// Who is to take everything out tries it again this soon: somebody else may be about to serve.
const SOON: Duration = Duration::from_millis(500);
/// So many changes go out at once. Then there is another look, for what has become more urgent meanwhile.
const PORTION: usize = 256;

/// Where the conversation stands.
#[derive(Debug)]
pub(super) struct Talk {
    doing: Doing,
    /// A start or a reload has not come to the kernel yet.
    begin: bool,
    /// Services that are ours no more, and may still be there.
    pub(super) once: BTreeSet<ServiceId>,
    /// What else is to be brought to the kernel before anything: taking everything out.
    pub(super) leaving: Option<Leaving>,
    /// Services of whose servers something became known.
    dirty: BTreeSet<usize>,
    /// How often something became known of each service.
    epochs: Vec<u64>,
    /// The services of which the kernel has not been told what the first round made known, with their epochs then.
    first_round: BTreeMap<usize, u64>,
    /// When the whole table is to be compared.
    correct_at: Duration,
    /// Nothing before this time: the way to the kernel is broken.
    not_before: Duration,
    pause: Duration,
    /// What failed last time, and why. It is told once.
    failed: BTreeMap<String, String>,
    /// Servers that are waited for before they are taken out.
    parting: Parting,
    /// Whether the table was ever read.
    seen: bool,
    /// Services that failed, and after how many changes: who failed last comes last.
    fell: BTreeMap<ServiceId, u64>,
    changes: u64,
}

#[derive(Debug)]
enum Doing {
    Nothing,
    Looking,
    Changing { steps: Vec<Step>, covered: Vec<(usize, u64)>, why: Why, generation: u64 },
}

/// Why the kernel is told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    Begin { whole: bool },
    Correct { whole: bool },
    Change,
    Leave,
}

/// Why everything is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaving {
    /// To go on checking only. It is tried until it is so, or until somebody changes his mind.
    Standby,
    /// For good, and at this time at the latest.
    Stop {
        /// The latest time.
        until: Duration,
    },
}

impl Why {
    /// The same, of all services or of some.
    fn of_all(self, whole: bool) -> Why {
        match self {
            Why::Begin { .. } => Why::Begin { whole },
            Why::Correct { .. } => Why::Correct { whole },
            other => other,
        }
    }
}

impl Talk {
    pub(super) fn new(virtuals: usize) -> Talk {
        Talk {
            doing: Doing::Nothing,
            begin: false,
            once: BTreeSet::new(),
            leaving: None,
            dirty: BTreeSet::new(),
            epochs: vec![0; virtuals],
            first_round: BTreeMap::new(),
            correct_at: Duration::ZERO,
            not_before: Duration::ZERO,
            pause: AGAIN,
            failed: BTreeMap::new(),
            parting: Parting::default(),
            seen: false,
            fell: BTreeMap::new(),
            changes: 0,
        }
    }

    /// Everything is to be brought to the kernel; these services were ours once.
    pub(super) fn begin(&mut self, once: impl IntoIterator<Item = ServiceId>) {
        self.begin = true;
        self.once.extend(once);
        self.fell.clear();
        self.not_before = Duration::ZERO;
    }

    /// The services have other numbers from now on.
    pub(super) fn renumber(&mut self, virtuals: usize) {
        self.dirty.clear();
        self.first_round.clear();
        self.epochs = vec![0; virtuals];
    }

    /// Something became known of this service.
    pub(super) fn dirty(&mut self, index: usize) {
        self.dirty.insert(index);
        if let Some(epoch) = self.epochs.get_mut(index) {
            *epoch += 1;
        }
    }

    /// The first round of checks is over: something became known of every service.
    pub(super) fn dirty_all(&mut self) {
        (0..self.epochs.len()).for_each(|index| self.dirty(index));
        self.first_round = self.epochs.iter().copied().enumerate().collect();
    }

    /// Whether the kernel is still to be told what the first round made known.
    pub(super) fn owes_first_round(&self) -> bool {
        !self.first_round.is_empty()
    }

    /// The kernel was told of this service what was known at this epoch.
    fn was_told(&mut self, index: usize, epoch: u64) {
        if self.first_round.get(&index).is_some_and(|since| *since <= epoch) {
            self.first_round.remove(&index);
        }
    }

    /// Nothing is left to be told, but that all goes; at once.
    pub(super) fn leave(&mut self, leaving: Leaving) {
        self.begin = false;
        self.dirty.clear();
        self.leaving = Some(leaving);
        self.not_before = Duration::ZERO;
    }

    /// The table was read. What is not there any more is forgotten: it may come again, and be another's.
    fn saw(&mut self, table: &Table) {
        self.seen = true;
        self.once.retain(|id| table.get(id).is_some());
    }

    /// Nothing of ours can be in a table that nobody has ever seen, not even an earlier life.
    fn has_nothing_there(&self) -> bool {
        !self.seen && self.once.is_empty()
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.doing, Doing::Nothing)
    }

    pub(super) fn next_deadline(&self, active: bool) -> Option<Duration> {
        let until = match self.leaving {
            Some(Leaving::Stop { until }) => Some(until),
            _ => None,
        };
        let look = (active && self.is_idle()).then_some(if self.is_pressing() {
            self.not_before
        } else {
            self.correct_at.max(self.not_before)
        });
        until.into_iter().chain(look).min()
    }

    fn is_pressing(&self) -> bool {
        self.begin || self.leaving.is_some() || !self.dirty.is_empty()
    }

    /// Whether to look now. Who is told so is looking from then on.
    pub(super) fn wants_to_look(&mut self, now: Duration) -> bool {
        let wants =
            self.is_idle() && now >= self.not_before && (self.is_pressing() || now >= self.correct_at);
        if wants {
            self.doing = Doing::Looking;
        }
        wants
    }

    /// Something did not work. What is to be told of it: nothing, when that is known.
    fn failure(&mut self, what: String, why: &str) -> Option<String> {
        let before = self.failed.insert(what, why.to_owned());
        (before.as_deref() != Some(why)).then(|| why.to_owned())
    }

    /// When it is to be tried again.
    fn back_off(&mut self, now: Duration) -> Duration {
        let again = now + self.pause;
        self.pause = (self.pause * 2).min(SELDOM);
        again
    }

    /// These are all the steps: a service without one is as it should be, whoever has brought that about.
    fn forgive(&mut self, steps: &[Step]) {
        let wanting: BTreeSet<ServiceId> = steps.iter().map(|step| *step.op.service()).collect();
        self.fell.retain(|id, _| wanting.contains(id));
    }

    /// Who failed does not hold up the others: he comes last.
    fn sort(&self, steps: &mut [Step]) {
        // stable: a service stays in one piece, and in its order
        steps.sort_by_key(|step| self.fell.get(step.op.service()));
    }

    /// Of these, who has not failed yet: the others have been tried.
    fn untried(&self, later: &BTreeSet<ServiceId>) -> bool {
        later.iter().any(|id| !self.fell.contains_key(id))
    }

    /// Remembers who failed.
    fn note(&mut self, tried: &BTreeSet<ServiceId>, failed: &BTreeSet<ServiceId>) {
        self.changes += 1;
        self.fell.retain(|id, _| !tried.contains(id));
        self.fell.extend(failed.iter().map(|id| (*id, self.changes)));
    }

    /// The whole table, or a part of it, is as it should be; but for the services that failed.
    fn conclude(&mut self, now: Duration, why: Why, failed: &BTreeSet<ServiceId>) {
        if let Why::Begin { whole: true } | Why::Correct { whole: true } = why {
            self.begin = false;
            self.once.retain(|id| failed.contains(id) || self.fell.contains_key(id));
            self.correct_at = now + ROUND;
        }
        if failed.is_empty() {
            self.pause = AGAIN;
            self.failed.clear();
        } else {
            self.correct_at = self.back_off(now);
        }
        self.correct_at = self.parting.next_look(now).into_iter().fold(self.correct_at, Duration::min);
    }
}

/// The first steps, as many as a portion holds, but no service by halves; and whether these are all.
fn portion(mut steps: Vec<Step>) -> (Vec<Step>, BTreeSet<ServiceId>) {
    let mut end = steps.len().min(PORTION);
    while end < steps.len()
        && steps.get(end).map(|s| *s.op.service()) == steps.get(end - 1).map(|s| *s.op.service())
    {
        end += 1;
    }
    let rest = steps.split_off(end);
    (steps, rest.iter().map(|step| *step.op.service()).collect())
}

impl Core {
    /// The table as it is, or why it cannot be had.
    pub(super) fn table(&mut self, now: Duration, table: Result<Table, String>) {
        self.talk.doing = Doing::Nothing;
        match table {
            Ok(table) => {
                self.talk.saw(&table);
                self.work_out(now, &table);
            }
            Err(why) => self.blind(now, &why),
        }
        self.let_go(now);
    }

    fn blind(&mut self, now: Duration, why: &str) {
        let told = self.talk.failure(String::new(), why);
        self.out.extend(told.map(Action::Log));
        self.talk.not_before = self.talk.back_off(now);
        self.talk.first_round.clear();
        self.run_fallback_commands();
        match self.talk.leaving {
            None => self.tried(),
            Some(_) if self.talk.has_nothing_there() => self.left(),
            Some(_) => self.talk.not_before = now + SOON,
        }
    }

    /// Whether a fallback is on is told to people even where it cannot be told to the kernel.
    fn run_fallback_commands(&mut self) {
        (0..self.config.virtuals.len()).for_each(|index| self.run_fallback_command(index));
    }

    /// Who does not serve runs none.
    fn run_fallback_command(&mut self, index: usize) {
        if self.mode == Mode::Active {
            let verb = self.state.fallback_command(&self.config, index);
            self.out.extend(verb.map(|verb| Action::Fallback(index, verb)));
        }
    }

    /// Nobody waits longer than for a first try: what failed is tried again, and told in the log.
    fn tried(&mut self) {
        if !self.told_serving {
            self.told_serving = true;
            self.out.push(Action::Serving(self.mode));
        }
    }

    fn work_out(&mut self, now: Duration, table: &Table) {
        let why = self.why(now);
        let steps = self.steps(why, table);
        let mut steps = self.talk.parting.gently(now, steps, table, why != Why::Change);
        if why != Why::Change {
            self.talk.forgive(&steps);
        }
        self.talk.sort(&mut steps);
        // Who leaves leaves everything: there is no other look.
        let (steps, later) = if why == Why::Leave { (steps, BTreeSet::new()) } else { portion(steps) };
        let why = why.of_all(!self.talk.untried(&later));
        let covered = self.covered(why, &later);
        let ops: Vec<Op> = steps.iter().map(|step| step.op.clone()).collect();
        self.talk.doing = Doing::Changing { steps, covered, why, generation: self.generation };
        if ops.is_empty() {
            self.done(now, &[]);
        } else {
            self.out.push(Action::Change(ops));
        }
    }

    fn why(&self, now: Duration) -> Why {
        match (self.talk.leaving, self.talk.begin) {
            (Some(_), _) => Why::Leave,
            (None, true) => Why::Begin { whole: true },
            (None, false) if now >= self.talk.correct_at => Why::Correct { whole: true },
            (None, false) => Why::Change,
        }
    }

    fn steps(&mut self, why: Why, table: &Table) -> Vec<Step> {
        let mut steps = match why {
            Why::Leave => plan::stop(&self.config, &self.state, table),
            Why::Change => {
                let of = |index: &usize| plan::change(&self.config, &self.state, *index, table);
                return self.talk.dirty.iter().flat_map(of).collect();
            }
            Why::Begin { .. } => {
                self.state.adopt(&self.config, table);
                plan::begin(&self.config, &self.state, table, None)
            }
            Why::Correct { .. } => plan::correct(&self.config, &self.state, table),
        };
        steps.extend(plan::clear(&self.config, table, &self.talk.once));
        steps
    }

    /// The services that are as they should be after this, by what is known now. They are not dirty any more.
    fn covered(&mut self, why: Why, later: &BTreeSet<ServiceId>) -> Vec<(usize, u64)> {
        let whole = |index: &usize| self.config.virtuals.get(*index).is_some_and(|v| !later.contains(&v.id));
        let all: Vec<usize> = match why {
            Why::Leave => Vec::new(),
            Why::Change => self.talk.dirty.iter().copied().filter(whole).collect(),
            Why::Begin { .. } | Why::Correct { .. } => {
                (0..self.config.virtuals.len()).filter(whole).collect()
            }
        };
        all.iter().for_each(|index| {
            self.talk.dirty.remove(index);
        });
        let epoch = |index: &usize| self.talk.epochs.get(*index).copied().unwrap_or_default();
        all.iter().map(|index| (*index, epoch(index))).collect()
    }

    /// What came of the changes.
    pub(super) fn done(&mut self, now: Duration, results: &[Result<(), String>]) {
        let doing = std::mem::replace(&mut self.talk.doing, Doing::Nothing);
        let Doing::Changing { steps, covered, why, generation } = doing else { return };
        let tried = steps.iter().map(|step| *step.op.service()).collect();
        let failed = self.tell(steps, results);
        self.talk.note(&tried, &failed);
        if generation == self.generation {
            self.settled(&covered, &failed);
            self.talk.conclude(now, why, &failed);
        }
        match why {
            Why::Leave if failed.is_empty() => self.left(),
            Why::Leave => self.talk.not_before = now + SOON,
            Why::Begin { whole: false } => {}
            // Another configuration has come meanwhile: it has not been tried yet.
            _ if generation != self.generation => {}
            _ => self.tried(),
        }
    }

    /// Tells what was done, and what could not be. The services of the latter.
    fn tell(&mut self, steps: Vec<Step>, results: &[Result<(), String>]) -> BTreeSet<ServiceId> {
        let mut failed = BTreeSet::new();
        let lost = Err("nobody answers".to_owned());
        let results = results.iter().chain(std::iter::repeat(&lost));
        for (step, result) in steps.into_iter().zip(results) {
            match result {
                Ok(()) => {
                    self.talk.failed.remove(&step.op.to_string());
                    for event in step.events {
                        self.out.push(Action::Log(event.log_line()));
                        if self.mode == Mode::Active {
                            self.out.push(Action::Happened(event, self.status));
                        }
                    }
                }
                Err(reason) => {
                    failed.insert(*step.op.service());
                    let told = self.talk.failure(step.op.to_string(), reason);
                    self.out.extend(told.map(Action::Log));
                }
            }
        }
        failed
    }

    fn settled(&mut self, covered: &[(usize, u64)], failed: &BTreeSet<ServiceId>) {
        for (index, epoch) in covered {
            self.talk.was_told(*index, *epoch);
            let clean = self.config.virtuals.get(*index).is_some_and(|virt| !failed.contains(&virt.id));
            if clean && self.talk.epochs.get(*index) == Some(epoch) {
                self.state.applied(*index);
            }
            self.run_fallback_command(*index);
        }
    }
}
