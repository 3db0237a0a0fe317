//! Runs of address resources, moved by the daemon itself: each answers as its script would, one call after the
//! other, but all of them share one conversation with the kernel (`batch`).

use super::announce::Crew;
use super::batch;
use super::face::{self, Agent};
use super::outcome::Outcome;
use super::task::{Patron, Task};
use super::voice::{Notebook, Voice};
use crate::level::Level;
use std::time::{Duration, Instant};

/// A resource: whose, and its argument.
pub type Resource<'a> = (Agent, &'a str);

/// What a script's call amounts to.
#[derive(Debug)]
pub struct Done {
    /// The exit code.
    pub code: u8,
    /// Log lines, without their level words.
    pub lines: Vec<(Level, String)>,
    /// Standard output.
    pub output: Vec<u8>,
    /// The time of all of them together.
    pub took: Duration,
}

/// What `status`, and `start` where that was called for, say.
#[derive(Debug)]
pub struct Acquired {
    /// `status`.
    pub status: Done,
    /// `start`; nothing where the address is up.
    pub start: Option<Done>,
}

/// Whether agents of this kind can be moved together.
pub fn fits(agent: Agent) -> bool {
    agent != Agent::SendArp
}

/// `status` of each.
pub fn ask(resources: &[Resource<'_>]) -> Vec<Done> {
    let (begin, notes) = (Instant::now(), notebooks(resources));
    let outcomes = batch::status(&tasks(resources, &notes));
    finish(resources, notes, outcomes.into_iter().map(Some), true, begin).into_iter().flatten().collect()
}

/// `status` of each, and `start` of those that are not up.
pub fn acquire(resources: &[Resource<'_>], crew: &Crew) -> Vec<Acquired> {
    let begin = Instant::now();
    let (asking, starting) = (notebooks(resources), notebooks(resources));
    let mut status = Vec::new();
    let started = {
        let (asked, tasks) = (tasks(resources, &asking), tasks(resources, &starting));
        let mut wanted = |n: usize, now: Result<&super::plan::Snapshot, &super::netlink::Error>| {
            let outcome = match (asked.get(n), now) {
                (Some(task), Ok(now)) => task.status(now),
                (Some(task), Err(error)) => task.voice.fail(Outcome::Generic, &error.to_string()),
                (None, _) => Outcome::Generic,
            };
            status.push(Some(outcome));
            outcome != Outcome::Success
        };
        batch::start(&tasks, Patron { crew: Some(crew), cluster: true }, &mut wanted)
    };
    let status = finish(resources, asking, status.into_iter(), true, begin).into_iter().flatten();
    let start = finish(resources, starting, started.into_iter(), false, begin);
    status.zip(start).map(|(status, start)| Acquired { status, start }).collect()
}

/// `stop` of each, in this order.
pub fn release(resources: &[Resource<'_>], crew: &Crew) -> Vec<Done> {
    let (begin, notes) = (Instant::now(), notebooks(resources));
    let outcomes = batch::stop(&tasks(resources, &notes), Patron { crew: Some(crew), cluster: true });
    finish(resources, notes, outcomes.into_iter().map(Some), false, begin).into_iter().flatten().collect()
}

/// Has those that are up guarded from now on. Why not, where they cannot be.
pub fn adopt(resources: &[Resource<'_>]) -> Result<(), String> {
    let notes = notebooks(resources);
    batch::adopt(&tasks(resources, &notes))
}

/// One call of a script, whatever its arguments.
pub fn call(agent: Agent, program: &str, words: &[&str], crew: &Crew) -> Done {
    let (begin, notes) = (Instant::now(), Notebook::default());
    let code = face::run(agent, program, words, Patron { crew: Some(crew), cluster: true }, &notes);
    done(code, notes, begin)
}

fn notebooks(resources: &[Resource<'_>]) -> Vec<Notebook> {
    resources.iter().map(|_| Notebook::default()).collect()
}

fn tasks<'a>(resources: &'a [Resource<'a>], notes: &'a [Notebook]) -> Vec<Task<'a>> {
    let pairs = resources.iter().zip(notes);
    pairs.map(|((agent, word), voice)| Task { agent: *agent, word, voice }).collect()
}

fn finish(
    resources: &[Resource<'_>],
    notes: Vec<Notebook>,
    outcomes: impl Iterator<Item = Option<Outcome>>,
    asked_status: bool,
    begin: Instant,
) -> Vec<Option<Done>> {
    let each = resources.iter().zip(notes).zip(outcomes);
    let end = |(((agent, _), notes), outcome): ((&Resource<'_>, Notebook), Option<Outcome>)| {
        let code = face::finish(*agent, outcome?, asked_status, &notes as &dyn Voice);
        Some(done(code, notes, begin))
    };
    each.map(end).collect()
}

fn done(code: u8, notes: Notebook, begin: Instant) -> Done {
    let (lines, output) = notes.into_parts();
    Done { code, lines, output, took: begin.elapsed() }
}
