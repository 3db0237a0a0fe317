//! Threads that run errands. Who hands one in never waits; what comes of it is told in the log.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::errand::{Errand, told};
use super::process::{Call, End};
use crate::director::log::Log;

/// So many lanes move at the same time.
const WORKERS: usize = 4;
/// So many errands of one lane may wait. Beyond that the oldest is left out: the last word counts.
const MOST_WAITING: usize = 16;
/// So many lines of what a program writes are told.
const LINES: usize = 20;

/// A handle on the threads. They end with the last handle, when nothing waits any more.
#[derive(Debug)]
pub struct Runner {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    ended: Arc<Notify>,
    log: Log,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Errand>,
    busy: BTreeSet<String>,
    /// Programs that could not be ended: asked now and then whether they have.
    stuck: Vec<Child>,
    over: bool,
}

impl Runner {
    /// Starts the threads. To be done after the last fork.
    pub fn start(log: Log) -> io::Result<Runner> {
        let shared =
            Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), ended: Arc::default(), log });
        let runner = Runner { shared };
        for number in 0..WORKERS {
            let shared = Arc::clone(&runner.shared);
            thread::Builder::new().name(format!("command {number}")).spawn(move || shared.work())?;
        }
        Ok(runner)
    }

    /// Hands an errand in.
    pub fn run(&self, errand: Errand) {
        let mut state = self.shared.lock();
        let mut same = state.waiting.iter().enumerate().filter(|(_, waits)| waits.lane == errand.lane);
        let (oldest, count) = (same.next().map(|(at, _)| at), same.count() + 1);
        let left_out = oldest.filter(|_| count >= MOST_WAITING).and_then(|at| state.waiting.remove(at));
        state.waiting.push_back(errand);
        drop(state);
        if let Some(errand) = left_out {
            self.shared.log.say(&format!("system({}) left out: too many wait", told(&errand.words)));
        }
        self.shared.changed.notify_all();
    }

    /// Notified when an errand has come to its end: whoever waits for one looks then.
    pub fn ended(&self) -> Arc<Notify> {
        Arc::clone(&self.shared.ended)
    }

    /// Whether an errand of such lanes waits or runs.
    pub fn is_busy(&self, such: fn(&str) -> bool) -> bool {
        self.shared.lock().is_busy(such)
    }

    /// Waits until nothing of such lanes waits or runs any more, at most `patience`. True when that is so.
    pub fn finish(&self, patience: Duration, such: fn(&str) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.lock();
        while state.is_busy(such) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let woken = self.shared.changed.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.shared.lock().over = true;
        self.shared.changed.notify_all();
    }
}

impl State {
    fn is_busy(&self, such: fn(&str) -> bool) -> bool {
        let waiting = self.waiting.iter().map(|errand| &errand.lane);
        waiting.chain(&self.busy).any(|lane| such(lane))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while let Some(errand) = self.next() {
            let failed = self.carry_out(&errand.words, errand.limit).is_err();
            if let Some(words) = errand.otherwise.filter(|_| failed) {
                let _ = self.carry_out(&words, errand.limit);
            }
            let mut state = self.lock();
            state.busy.remove(&errand.lane);
            state.stuck.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
            drop(state);
            self.changed.notify_all();
            self.ended.notify_one();
        }
    }

    /// The first errand whose lane is free; waits for one. `None`: there will be no more.
    fn next(&self) -> Option<Errand> {
        let mut state = self.lock();
        loop {
            let free = state.waiting.iter().position(|errand| !state.busy.contains(&errand.lane));
            if let Some(errand) = free.and_then(|at| state.waiting.remove(at)) {
                state.busy.insert(errand.lane.clone());
                return Some(errand);
            }
            if state.over && state.waiting.is_empty() {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Runs it and tells what it wrote, and what became of it where that is no success.
    fn carry_out(&self, words: &[String], limit: Duration) -> Result<(), ()> {
        let command = told(words);
        let failure = match (Call { words, input: "", limit }).run() {
            Ok(finished) => {
                self.tell(&command, &finished.output);
                let failure = finished.end.failure();
                if let End::Stuck(child) = finished.end {
                    self.lock().stuck.push(*child);
                }
                failure
            }
            Err(error) => Some(error.to_string()),
        };
        let Some(why) = failure else { return Ok(()) };
        self.log.say(&format!("system({command}) failed: {why}"));
        Err(())
    }

    fn tell(&self, command: &str, output: &str) {
        let said = output.lines().filter(|line| !line.trim().is_empty());
        said.take(LINES).for_each(|line| self.log.say(&format!("{command}: {line}")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::director::log::Place;
    use std::path::Path;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn errand(lane: &str, line: &str) -> Errand {
        let words = ["/bin/sh", "-c", line].map(ToOwned::to_owned).to_vec();
        Errand { lane: lane.into(), words, otherwise: None, limit: PATIENCE }
    }

    fn runner(dir: &Path) -> Runner {
        Runner::start(Log::direct("x", Place::File(dir.join("log")))).unwrap()
    }

    fn any(_: &str) -> bool {
        true
    }

    fn read(dir: &Path, name: &str) -> String {
        std::fs::read_to_string(dir.join(name)).unwrap_or_default()
    }

    #[test]
    fn a_lane_keeps_its_order_and_no_other_waits_for_it() {
        let dir = tempfile::tempdir().unwrap();
        let runner = runner(dir.path());
        let there = dir.path().display();
        let gate = format!("while ! test -e {there}/go; do sleep 0.01; done");
        runner.run(errand("a", &format!("{gate}; echo one >> {there}/a")));
        runner.run(errand("a", &format!("echo two >> {there}/a")));
        runner.run(errand("b", &format!("echo {0}{0} > {there}/b; touch {there}/go", "x")));
        assert!(!runner.finish(Duration::ZERO, any));
        assert!(runner.is_busy(|lane| lane == "a") && !runner.is_busy(|lane| lane == "c"));
        assert!(runner.finish(PATIENCE, any));
        assert_eq!((read(dir.path(), "a").as_str(), read(dir.path(), "b").as_str()), ("one\ntwo\n", "xx\n"));
    }

    #[test]
    fn what_fails_is_told_and_the_other_way_is_tried() {
        let dir = tempfile::tempdir().unwrap();
        let runner = runner(dir.path());
        let second = errand("a", "echo second").words;
        runner.run(Errand { otherwise: Some(second), ..errand("a", "echo first; exit 7") });
        runner.run(Errand { words: vec!["/nonexistent".into(), "x".into()], ..errand("a", "") });
        assert!(runner.finish(PATIENCE, any));
        let log = read(dir.path(), "log");
        let said: Vec<&str> = log.lines().map(|line| line.split("] ").nth(1).unwrap()).collect();
        let told = [
            "echo first; exit 7: first",
            "system(echo first; exit 7) failed: exit status 7",
            "echo second: second",
            "system(/nonexistent x) failed: No such file or directory (os error 2)",
        ];
        assert_eq!(said, told);
    }

    #[test]
    fn the_last_word_counts_when_too_many_wait() {
        let dir = tempfile::tempdir().unwrap();
        let runner = runner(dir.path());
        let there = dir.path().display();
        runner
            .run(errand("a", &format!("touch {there}/in; while ! test -e {there}/go; do sleep 0.01; done")));
        let deadline = Instant::now() + PATIENCE;
        while !dir.path().join("in").exists() {
            assert!(Instant::now() < deadline);
            thread::sleep(Duration::from_millis(5));
        }
        (0..20).for_each(|n| runner.run(errand("a", &format!("echo {n} >> {there}/a"))));
        runner.run(errand("b", &format!("touch {there}/go")));
        assert!(runner.finish(PATIENCE, any));
        let ran = read(dir.path(), "a");
        let wanted: Vec<String> = (4..20).map(|n| n.to_string()).collect();
        assert_eq!(ran.lines().collect::<Vec<_>>(), wanted);
        assert_eq!(read(dir.path(), "log").matches("left out").count(), 4);
    }
}
