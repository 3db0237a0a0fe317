//! Many addresses in one short conversation with the kernel: one look, all changes in a few datagrams, then one
//! burst of announcements.
//!
//! What a task finds is what those before it leave behind, as if each had looked for itself. What fails is told to
//! the task it belongs to, and keeps no other one from its work.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::announce::helper;
use super::netlink::{Conversation, Error};
use super::outcome::Outcome;
use super::plan::{Entry, Gone, Op, Snapshot, Spot, Wanted, ops};
use super::task::{Patron, Start, Stop, Task};
use super::turn::{self, Turn};
use super::{address, common, ledger, loopback};

/// `status` of each.
pub(super) fn status(tasks: &[Task<'_>]) -> Vec<Outcome> {
    // A router may have a million routes: they are listed for who needs them.
    let routed: Vec<Task<'_>> = tasks.iter().filter(|task| task.asks_routes()).copied().collect();
    match look(&routed) {
        Ok((_, now)) => tasks.iter().map(|task| task.status(&now)).collect(),
        Err(error) => tasks.iter().map(|task| refused(task, &error)).collect(),
    }
}

/// `start` of each that `wanted` says is to be started, given what the kernel will have when its turn comes. `None`
/// for the others: they are up.
pub(super) fn start(
    tasks: &[Task<'_>],
    patron: Patron<'_>,
    wanted: &mut dyn FnMut(usize, Result<&Snapshot, &Error>) -> bool,
) -> Vec<Option<Outcome>> {
    let turn = turn::take();
    let (mut talk, mut now) = match look(tasks) {
        Ok(seen) => seen,
        Err(error) => {
            let each = tasks.iter().enumerate();
            return each.map(|(n, task)| wanted(n, Err(&error)).then(|| refused(task, &error))).collect();
        }
    };
    let mut steps = Vec::new();
    for (n, task) in tasks.iter().enumerate() {
        let step = wanted(n, Ok(&now)).then(|| task.start(&now));
        if let Some(Ok(start)) = &step {
            start.park.iter().chain(&start.ops).for_each(|op| now.foresee(op));
        }
        steps.push(step);
    }
    let written = if patron.cluster { write_down(&turn, tasks, &steps, &now) } else { Vec::new() };
    let outcomes = Starts { tasks, patron, now: &now }.carry_out(&mut talk, steps);
    let failed =
        written.into_iter().zip(&outcomes).filter(|(_, outcome)| **outcome != Some(Outcome::Success));
    let failed: Vec<Gone> = failed.filter_map(|(new, _)| new).collect();
    // One that failed is not there, and must not be guarded.
    strike(&turn, tasks, &failed);
    outcomes
}

/// `stop` of each.
pub(super) fn stop(tasks: &[Task<'_>], patron: Patron<'_>) -> Vec<Outcome> {
    let turn = turn::take();
    let seen = Conversation::open().and_then(|mut talk| Ok((talk.holdings()?, talk)));
    let (before, mut talk) = match seen {
        Ok(seen) => seen,
        Err(error) => return tasks.iter().map(|task| refused(task, &error)).collect(),
    };
    common::end_announcements(tasks, patron, &before);
    let mut now = before.clone();
    let mut steps = Vec::new();
    // A list that cannot be read cannot be written either, which is told.
    let list = ledger::read().unwrap_or_default();
    for task in tasks {
        let mut step = task.stop(&now);
        if let Ok(stop) = &mut step {
            stop.ops.iter().for_each(|op| now.foresee(op));
            let renamed = list.renamed(&stop.gone(&before), &now);
            renamed.iter().for_each(|op| now.foresee(op));
            stop.ops.extend(renamed);
        }
        steps.push(step);
    }
    let stops = Stops { tasks, before: &before };
    let mut outcomes = stops.take_away(&mut talk, &steps);
    // What is put back after that may fail, and make a failure of one whose own address is gone.
    let gone = gone(&steps, &outcomes, &before);
    strike(&turn, tasks, &gone);
    if !patron.cluster && list.lists(&gone) {
        tasks.iter().for_each(|task| task.voice.warn(BY_HAND));
    }
    stops.restore(&mut talk, &steps, &mut outcomes);
    outcomes
}

/// What a start by hand puts up is not the cluster's.
const BY_HAND: &str = "Stopped by hand, it is not guarded by heartbeat any more, also when it is started by hand: \
    \"ResourceManager takegroup\" has it guarded again";

fn gone(steps: &[Planned<Stop>], outcomes: &[Outcome], before: &Snapshot) -> Vec<Gone> {
    let ended = steps.iter().zip(outcomes).filter(|(_, outcome)| **outcome == Outcome::Success);
    ended.filter_map(|(step, _)| step.as_ref().ok()).flat_map(|stop| stop.gone(before)).collect()
}

/// Writes down those that are up and are not written down yet.
pub(super) fn adopt(tasks: &[Task<'_>]) -> Result<(), String> {
    let turn = turn::take();
    let (_, now) = look(tasks).map_err(|error| error.to_string())?;
    let listed = ledger::read().map_err(|error| error.to_string())?.entries;
    let listed: BTreeSet<Spot<'_>> = listed.iter().map(|entry| entry.spot(&now)).collect();
    let new = tasks.iter().filter_map(|task| task.running(&now));
    let new: Vec<Entry> = new.filter(|new| !listed.contains(&new.spot(&now))).collect();
    ledger::add(&turn, &new, &now).map_err(|error| error.to_string())
}

fn strike(turn: &Turn, tasks: &[Task<'_>], gone: &[Gone]) {
    if let (Err(error), Some(task)) = (ledger::strike(turn, gone), tasks.first()) {
        task.voice.warn(&format!("Cannot strike addresses out of {}: {error}", crate::paths::ADDRESSES));
    }
}

fn refused(task: &Task<'_>, error: &Error) -> Outcome {
    task.voice.fail(Outcome::Generic, &error.to_string())
}

/// Interfaces and addresses, and the routes that these tasks need.
fn look(tasks: &[Task<'_>]) -> Result<(Conversation, Snapshot), Error> {
    let mut talk = Conversation::open()?;
    let family = |v4: bool| tasks.iter().any(|task| task.ip().is_some_and(|ip| ip.is_ipv4() == v4));
    let now = talk.tables(family(true), family(false))?;
    Ok((talk, now))
}

/// The kernel's, one for each operation.
type Answers = Vec<Result<(), Error>>;
/// What there is to do, or how it ended.
type Planned<T> = Result<T, Outcome>;

/// Writes down what is about to be up and what is so already. `now` has it all. For each task what is to be struck
/// out where it fails.
fn write_down(
    turn: &Turn,
    tasks: &[Task<'_>],
    steps: &[Option<Planned<Start>>],
    now: &Snapshot,
) -> Vec<Option<Gone>> {
    let mut entries = Vec::new();
    let mut new = Vec::new();
    for (task, step) in tasks.iter().zip(steps) {
        let entry = match step {
            Some(Ok(start)) => Some(Entry::new(listed(start, now), &start.link)),
            None | Some(Err(Outcome::Success)) => task.running(now),
            Some(Err(_)) => None,
        };
        new.push(entry.as_ref().filter(|_| matches!(step, Some(Ok(_)))).map(Entry::gone));
        entries.extend(entry);
    }
    if let (Err(error), Some(task)) = (ledger::add(turn, &entries, now), tasks.first()) {
        task.voice.warn(&format!("Cannot write addresses down in {}: {error}", crate::paths::ADDRESSES));
    }
    new
}

/// Where the address was there already (and only the link comes up), it is what is there.
fn listed(start: &Start, now: &Snapshot) -> Wanted {
    let entry = Entry::new(start.wanted.clone(), &start.link);
    let there = entry.held(now).and_then(|addr| Entry::of(addr, now));
    there.map_or(entry.wanted, |there| there.wanted)
}

struct Starts<'a> {
    tasks: &'a [Task<'a>],
    patron: Patron<'a>,
    /// As it is to be.
    now: &'a Snapshot,
}

impl Starts<'_> {
    fn carry_out(&self, talk: &mut Conversation, steps: Vec<Option<Planned<Start>>>) -> Vec<Option<Outcome>> {
        let mut all = Vec::new();
        for start in steps.iter().flatten().flatten() {
            all.extend(start.park.iter().chain(&start.ops).cloned());
        }
        let mut answers = talk.apply(&all).into_iter();
        let mut fresh = Vec::new();
        let mut outcomes = Vec::new();
        for (task, step) in self.tasks.iter().zip(steps) {
            let outcome = match step {
                None => None,
                Some(Err(outcome)) => Some(outcome),
                Some(Ok(start)) => {
                    let parked = answers.by_ref().take(start.park.len()).collect();
                    let added = answers.by_ref().take(start.ops.len()).collect();
                    let outcome = self.conclude(talk, task, &start, (parked, added));
                    if outcome == Outcome::Success {
                        fresh.push((*task, start));
                    }
                    Some(outcome)
                }
            };
            outcomes.push(outcome);
        }
        common::announce(&fresh, self.patron);
        outcomes
    }

    fn conclude(
        &self,
        talk: &mut Conversation,
        task: &Task<'_>,
        start: &Start,
        (parked, added): (Answers, Answers),
    ) -> Outcome {
        for error in parked.into_iter().filter_map(Result::err) {
            let _ = task.voice.fail(Outcome::Generic, &format!("Unable to remove IP: {error}"));
        }
        let outcome = common::brought_up(&start.wanted, &start.link, &start.ops, added, task.voice);
        if outcome != Outcome::Success && !start.park.is_empty() {
            unpark(talk, self.now, start.wanted.ip, task);
        }
        outcome
    }
}

struct Stops<'a> {
    tasks: &'a [Task<'a>],
    before: &'a Snapshot,
}

impl Stops<'_> {
    fn take_away(&self, talk: &mut Conversation, steps: &[Planned<Stop>]) -> Vec<Outcome> {
        let mut answers = address::apply(talk, self.before, &removals(steps)).into_iter();
        let mut outcomes: Vec<Outcome> = Vec::new();
        for (task, step) in self.tasks.iter().zip(steps) {
            outcomes.push(match step {
                Err(outcome) => *outcome,
                Ok(stop) => {
                    let errors = answers.by_ref().take(stop.ops.len()).filter_map(Result::err);
                    errors.fold(Outcome::Success, |_, error| not_removed(task, &error))
                }
            });
        }
        outcomes
    }

    /// What else went with that, or comes instead.
    fn restore(&self, talk: &mut Conversation, steps: &[Planned<Stop>], outcomes: &mut [Outcome]) {
        self.put_back(talk, steps, outcomes);
        for ((task, step), outcome) in self.tasks.iter().zip(steps).zip(outcomes) {
            if let Ok(Stop { ip, unpark: true, .. }) = step
                && *outcome == Outcome::Success
            {
                unpark(talk, self.before, *ip, task);
            }
        }
    }

    /// The kernel deletes secondaries with their primary. Those that nobody asked to go are put back; what fails
    /// there is the fault of who took the primary.
    fn put_back(&self, talk: &mut Conversation, steps: &[Planned<Stop>], outcomes: &mut [Outcome]) {
        let blame = |addr: Option<&super::plan::Addr>| {
            let took = |stop: &Stop| {
                let gone = stop.ops.iter().filter_map(Op::removed);
                gone.clone().any(|g| {
                    addr.is_none_or(|a| ops::endangered(self.before, g).iter().any(|e| e.ip == a.ip))
                })
            };
            steps.iter().position(|step| step.as_ref().is_ok_and(took))
        };
        for (addr, error) in address::put_back(talk, self.before, &removals(steps)) {
            let culprit = blame(addr.as_ref());
            if let Some((task, outcome)) = culprit.and_then(|n| self.tasks.get(n).zip(outcomes.get_mut(n))) {
                *outcome = not_removed(task, &error);
            }
        }
    }
}

fn removals(steps: &[Planned<Stop>]) -> Vec<Op> {
    steps.iter().flatten().flat_map(|stop| stop.ops.iter().cloned()).collect()
}

fn not_removed(task: &Task<'_>, error: &Error) -> Outcome {
    task.voice.fail(Outcome::Generic, &format!("Unable to remove IP: {error}"))
}

/// Puts the address back on the loopback where `start` found it.
fn unpark(talk: &mut Conversation, now: &Snapshot, ip: IpAddr, task: &Task<'_>) {
    let Some((wanted, nic)) = loopback::noted(ip) else {
        return;
    };
    let voice = task.voice;
    voice.info(&format!("Restoring loopback IP Address  {ip} {} 255.255.255.255 {nic}.", wanted.bits));
    if let Some(link) = now.link(&nic) {
        let todo = [Op::Add(wanted.on(link))];
        let answers = talk.apply(&todo);
        let _ = common::brought_up(&wanted, link, &todo, answers, voice);
    }
    loopback::forget(ip);
}

/// Whether helpers of addresses are about, without a look for each of them.
pub(super) fn helpers_about() -> bool {
    let names = std::fs::read_dir(crate::paths::RSCTMP).into_iter().flatten().flatten();
    names.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().starts_with(helper::PREFIX))
}
