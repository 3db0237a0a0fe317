//! What other nodes asked of this one: which `drbdadm` runs when, and who is told. Pure.
//!
//! Resources are handled side by side, requests for the same resource one after the other: an answer is about
//! the data as it was after its question. All is bounded.

use super::plan::{Rc, is_resource};
use std::collections::{BTreeMap, BTreeSet};

/// How many `drbdadm` at a time. They wait for the kernel most of the time.
pub const MAX_RUNNING: usize = 32;
/// Resources known at a time, running and waiting.
pub const MAX_RESOURCES: usize = 512;
/// Nodes that wait for a run of one resource.
pub const MAX_ASKERS: usize = 64;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Run `drbdadm outdate` for this resource; tell [`Runs::ended`].
    Run(String),
    /// Tell a node what became of it.
    Answer {
        /// The node that asked.
        asker: String,
        /// For what.
        resource: String,
        /// How it ended.
        rc: Rc,
    },
}

#[derive(Clone, Debug, Default)]
struct Resource {
    /// Those who hear the outcome of the run that is on.
    current: Option<BTreeSet<String>>,
    /// Those who hear the outcome of the next.
    next: BTreeSet<String>,
}

/// All runs.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    resources: BTreeMap<String, Resource>,
}

impl Runs {
    /// A node asks.
    pub fn asked(&mut self, resource: &str, asker: &str) -> Vec<Step> {
        let refuse = || {
            let (asker, resource) = (asker.to_owned(), resource.to_owned());
            vec![Step::Answer { asker, resource, rc: Rc::OTHER }]
        };
        let full = self.resources.len() >= MAX_RESOURCES && !self.resources.contains_key(resource);
        if !is_resource(resource) || full {
            return refuse();
        }
        let entry = self.resources.entry(resource.to_owned()).or_default();
        if entry.next.len() >= MAX_ASKERS {
            return refuse();
        }
        entry.next.insert(asker.to_owned());
        self.start()
    }

    /// A run has ended.
    pub fn ended(&mut self, resource: &str, rc: Rc) -> Vec<Step> {
        let Some(entry) = self.resources.get_mut(resource) else { return Vec::new() };
        let askers = entry.current.take().unwrap_or_default();
        if entry.next.is_empty() {
            self.resources.remove(resource);
        }
        let answer = |asker| Step::Answer { asker, resource: resource.to_owned(), rc };
        let mut steps: Vec<Step> = askers.into_iter().map(answer).collect();
        steps.extend(self.start());
        steps
    }

    /// Starts what may start.
    fn start(&mut self) -> Vec<Step> {
        let running = self.resources.values().filter(|r| r.current.is_some()).count();
        let idle = self.resources.iter_mut().filter(|(_, r)| r.current.is_none() && !r.next.is_empty());
        idle.take(MAX_RUNNING.saturating_sub(running))
            .map(|(name, resource)| {
                resource.current = Some(std::mem::take(&mut resource.next));
                Step::Run(name.clone())
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(name: &str) -> Step {
        Step::Run(name.to_owned())
    }

    fn answer(asker: &str, resource: &str, rc: Rc) -> Step {
        Step::Answer { asker: asker.to_owned(), resource: resource.to_owned(), rc }
    }

    #[test]
    fn an_answer_is_of_a_run_that_began_after_the_question() {
        let mut runs = Runs::default();
        assert_eq!(runs.asked("r0", "b1"), [run("r0")]);
        assert_eq!(runs.asked("r0", "b1"), []);
        assert_eq!(runs.asked("r0", "b3"), []);
        assert_eq!(runs.asked("r1", "b1"), [run("r1")]);
        assert_eq!(runs.ended("r0", Rc::PRIMARY), [answer("b1", "r0", Rc::PRIMARY), run("r0")]);
        let both = [answer("b1", "r0", Rc::OUTDATED), answer("b3", "r0", Rc::OUTDATED)];
        assert_eq!(runs.ended("r0", Rc::OUTDATED), both);
        assert_eq!(runs.ended("r0", Rc::OUTDATED), []);
        assert_eq!(runs.ended("r1", Rc::OTHER), [answer("b1", "r1", Rc::OTHER)]);
        assert!(runs.resources.is_empty());
    }

    #[test]
    fn all_is_bounded_and_all_is_answered() {
        let mut runs = Runs::default();
        let mut steps = Vec::new();
        for n in 0..2 * MAX_RESOURCES {
            steps.extend(runs.asked(&format!("r{n}"), "b1"));
        }
        let started = |steps: &[Step]| steps.iter().filter(|s| matches!(s, Step::Run(_))).count();
        assert_eq!(started(&steps), MAX_RUNNING);
        let (mut answers, mut ended) = (0, 0);
        while let Some(step) = steps.pop() {
            match step {
                Step::Answer { .. } => answers += 1,
                Step::Run(name) => {
                    ended += 1;
                    steps.extend(runs.ended(&name, Rc::OUTDATED));
                }
            }
            assert!(started(&steps) <= MAX_RUNNING);
        }
        assert_eq!((answers, ended), (2 * MAX_RESOURCES, MAX_RESOURCES));
        for n in 0..2 * MAX_ASKERS {
            runs.asked("r0", &format!("n{n}"));
        }
        assert!(runs.resources["r0"].next.len() <= MAX_ASKERS);
    }

    #[test]
    fn an_option_is_no_resource() {
        assert_eq!(Runs::default().asked("--help", "b1"), [answer("b1", "--help", Rc::OTHER)]);
    }
}
