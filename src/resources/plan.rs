//! Which script runs next: acquiring, releasing and asking about a group (resources.md section 3).
//!
//! Pure: whatever happens, happens through [`Hands`]. No process, file or clock lives here.

use crate::config::haresources::{Group, Word};
use crate::level::Level;
use std::time::Duration;

/// How long to wait before a failed stop is tried again.
pub const STOP_RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Retries of a failed stop unless `HA_STOPRETRYMAX` says otherwise.
pub const STOP_RETRIES: i64 = 10;

/// What the plan needs done. The real one runs scripts; tests keep a list.
pub trait Hands {
    /// Says what comes next, in this order, unless something fails: what can be done together may be done now. The
    /// calls that follow tell how it went.
    fn ahead(&mut self, what: Ahead, resources: &[&Word]);
    /// Runs `status`: whether the resource runs here.
    fn status(&mut self, resource: &Word) -> bool;
    /// Runs `start`; 0 is success.
    fn start(&mut self, resource: &Word) -> i32;
    /// Runs `stop`; 0 is success.
    fn stop(&mut self, resource: &Word) -> i32;
    /// Waits.
    fn pause(&mut self, how_long: Duration);
    /// Says a line of the log.
    fn say(&mut self, level: Level, text: &str);
    /// A resource cannot be stopped: takes this node down, so that the other may have the resource.
    fn reboot(&mut self);
    /// Asks, in a while, the other node to take over.
    fn standby_later(&mut self);
}

/// What is about to be done with resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// `status`.
    Status,
    /// `status`, and `start` of what does not run.
    Acquire,
    /// `stop`.
    Release,
}

/// The resources of a group, with its text for the log.
#[derive(Clone, Debug)]
pub struct Plan {
    text: String,
    resources: Vec<Word>,
    /// Retries of a failed stop; 0 and below: for ever.
    stop_retries: i64,
}

/// How much of a group runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Each resource.
    All,
    /// At least one, not each.
    Some,
    /// Not one.
    None,
}

impl Extent {
    /// The word `statgroup` writes.
    pub fn word(self) -> &'static str {
        match self {
            Extent::All => "ALL",
            Extent::Some => "SOME",
            Extent::None => "NONE",
        }
    }
}

impl Plan {
    /// A plan for a group of haresources.
    pub fn new(group: &Group, stop_retries: i64) -> Self {
        let text = format!("{} {}", group.node, group.remainder());
        Self { text: text.trim_end().to_owned(), resources: group.words.clone(), stop_retries }
    }

    /// Left to right: what does not run is started. The first failure gives the whole group up.
    /// Returns the exit code of `takegroup`.
    pub fn acquire(&self, hands: &mut dyn Hands) -> i32 {
        hands.say(Level::Info, &format!("Acquiring resource group: {}", self.text));
        let order = self.order(Ahead::Acquire);
        for (at, resource) in order.iter().enumerate() {
            hands.ahead(Ahead::Acquire, order.get(at..).unwrap_or_default());
            if !hands.status(resource) && hands.start(resource) != 0 {
                return self.give_up(resource, hands);
            }
        }
        0
    }

    /// The resources in the order in which that is done.
    pub fn order(&self, what: Ahead) -> Vec<&Word> {
        match what {
            Ahead::Status | Ahead::Acquire => self.resources.iter().collect(),
            Ahead::Release => self.resources.iter().rev().collect(),
        }
    }

    fn give_up(&self, failed: &Word, hands: &mut dyn Hands) -> i32 {
        hands.say(Level::Crit, &format!("Giving up resources due to failure of {}", failed));
        let code = self.release(hands);
        hands.standby_later();
        code
    }

    /// Right to left, each resource, whether it runs or not. Returns 0, or the code of a stop that
    /// failed for good.
    pub fn release(&self, hands: &mut dyn Hands) -> i32 {
        hands.say(Level::Info, &format!("Releasing resource group: {}", self.text));
        let mut code = 0;
        let order = self.order(Ahead::Release);
        for (at, resource) in order.iter().enumerate() {
            hands.ahead(Ahead::Release, order.get(at..).unwrap_or_default());
            match self.stop(resource, hands) {
                0 => {}
                failure => code = failure,
            }
        }
        code
    }

    fn stop(&self, resource: &Word, hands: &mut dyn Hands) -> i32 {
        let mut retries = 0;
        loop {
            let code = hands.stop(resource);
            if code == 0 {
                return 0;
            }
            if self.stop_retries > 0 && retries >= self.stop_retries {
                return after_failed_stop(resource, code, hands);
            }
            retries += 1;
            hands.pause(STOP_RETRY_PAUSE);
            hands.say(Level::Info, &format!("Retrying failed stop operation [{}]", resource));
        }
    }

    /// `statgroup`.
    pub fn extent(&self, hands: &mut dyn Hands) -> Extent {
        hands.ahead(Ahead::Status, &self.order(Ahead::Status));
        let running = self.resources.iter().filter(|resource| hands.status(resource)).count();
        match running {
            0 => Extent::None,
            n if n == self.resources.len() => Extent::All,
            _ => Extent::Some,
        }
    }
}

/// A script that fails to stop what does not run is only rude; a resource that still runs would run
/// on both nodes soon.
fn after_failed_stop(resource: &Word, code: i32, hands: &mut dyn Hands) -> i32 {
    let word = resource;
    if hands.status(resource) {
        hands.say(Level::Crit, "Resource STOP failure. Reboot required!");
        hands.reboot();
        return code;
    }
    hands.say(Level::Error, &format!("Resource script for {word} probably not LSB-compliant."));
    hands.say(Level::Warn, &format!("it ({word}) MUST succeed on a stop when already stopped"));
    hands.say(Level::Warn, "Machine reboot narrowly avoided!");
    0
}

/// Reads the output of `status`; its exit code means nothing (resources.md section 2.1).
pub fn says_running(output: &[u8]) -> bool {
    let running = |text: &[u8]| contains(text, b"Running") || contains(text, b"running");
    let not = output.windows(4).position(|w| w.eq_ignore_ascii_case(b"not "));
    if not.and_then(|at| output.get(at + 4..)).is_some_and(running) {
        return false;
    }
    running(output) || contains(output, b"OK")
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|w| w == part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    /// Virtual scripts: what runs, and which calls fail how often.
    #[derive(Default)]
    struct Fake {
        running: Vec<&'static str>,
        fails: HashMap<&'static str, i32>,
        stubborn: Vec<&'static str>,
        did: Vec<String>,
        ahead: Vec<String>,
    }

    impl Fake {
        fn call(&mut self, op: &str, resource: &Word) -> i32 {
            let call = format!("{op} {}", resource);
            let left = self.fails.get_mut(call.as_str()).filter(|left| **left > 0);
            self.did.push(call);
            match left {
                Some(left) => {
                    *left -= 1;
                    7
                }
                None => 0,
            }
        }
    }

    impl Hands for Fake {
        fn ahead(&mut self, what: Ahead, resources: &[&Word]) {
            let names: Vec<_> = resources.iter().map(|word| word.as_str()).collect();
            self.ahead.push(format!("{what:?} {}", names.join(" ")));
        }
        fn status(&mut self, resource: &Word) -> bool {
            self.call("status", resource);
            self.running.contains(&resource.as_str()) || self.stubborn.contains(&resource.as_str())
        }
        fn start(&mut self, resource: &Word) -> i32 {
            self.call("start", resource)
        }
        fn stop(&mut self, resource: &Word) -> i32 {
            self.call("stop", resource)
        }
        fn pause(&mut self, how_long: Duration) {
            assert_eq!(how_long, STOP_RETRY_PAUSE);
            self.did.push("pause".into());
        }
        fn say(&mut self, level: Level, text: &str) {
            if level < Level::Info {
                self.did.push(format!("{}: {text}", level.word()));
            }
        }
        fn reboot(&mut self) {
            self.did.push("reboot".into());
        }
        fn standby_later(&mut self) {
            self.did.push("standby later".into());
        }
    }

    fn plan(retries: i64) -> Plan {
        let words = ["A", "B", "C"].map(|word| Word::new(word, 1, 1)).to_vec();
        Plan::new(&Group { node: "b1".into(), words, line: 1, column: 1 }, retries)
    }

    #[test]
    fn acquires_left_to_right_and_skips_what_runs() {
        let mut fake = Fake { running: vec!["B"], ..Fake::default() };
        assert_eq!(plan(2).acquire(&mut fake), 0);
        assert_eq!(fake.did, ["status A", "start A", "status B", "status C", "start C"]);
        assert_eq!(fake.ahead, ["Acquire A B C", "Acquire B C", "Acquire C"]);
    }

    #[test]
    fn a_failing_start_gives_the_whole_group_up() {
        let mut fake = Fake { fails: [("start B", 1)].into(), ..Fake::default() };
        assert_eq!(plan(2).acquire(&mut fake), 0);
        let expected = [
            "status A",
            "start A",
            "status B",
            "start B",
            "CRIT: Giving up resources due to failure of B",
            "stop C",
            "stop B",
            "stop A",
            "standby later",
        ];
        assert_eq!(fake.did, expected);
    }

    #[test]
    fn a_stop_is_retried() {
        let mut fake = Fake { fails: [("stop C", 2)].into(), ..Fake::default() };
        assert_eq!(plan(2).release(&mut fake), 0);
        assert_eq!(fake.did, ["stop C", "pause", "stop C", "pause", "stop C", "stop B", "stop A"]);
        assert_eq!(fake.ahead, ["Release C B A", "Release B A", "Release A"]);
    }

    #[test]
    fn a_stopped_resource_that_will_not_stop_is_forgiven() {
        let mut fake = Fake { fails: [("stop B", 9)].into(), ..Fake::default() };
        assert_eq!(plan(1).release(&mut fake), 0);
        let expected = [
            "stop C",
            "stop B",
            "pause",
            "stop B",
            "status B",
            "ERROR: Resource script for B probably not LSB-compliant.",
            "WARN: it (B) MUST succeed on a stop when already stopped",
            "WARN: Machine reboot narrowly avoided!",
            "stop A",
        ];
        assert_eq!(fake.did, expected);
    }

    #[test]
    fn a_running_resource_that_will_not_stop_takes_the_node_down() {
        let mut fake = Fake { fails: [("stop C", 9)].into(), stubborn: vec!["C"], ..Fake::default() };
        assert_eq!(plan(1).release(&mut fake), 7);
        let expected = [
            "stop C",
            "pause",
            "stop C",
            "status C",
            "CRIT: Resource STOP failure. Reboot required!",
            "reboot",
            "stop B",
            "stop A",
        ];
        assert_eq!(fake.did, expected);
    }

    #[test]
    fn no_limit_means_no_limit() {
        let mut fake = Fake { fails: [("stop C", 40)].into(), ..Fake::default() };
        assert_eq!(plan(0).release(&mut fake), 0);
        assert_eq!(fake.did.iter().filter(|call| *call == "stop C").count(), 41);
    }

    #[test]
    fn extents() {
        let extent = |running: &[&'static str]| {
            plan(1).extent(&mut Fake { running: running.to_vec(), ..Fake::default() }).word()
        };
        assert_eq!(extent(&[]), "NONE");
        assert_eq!(extent(&["B"]), "SOME");
        assert_eq!(extent(&["A", "B", "C"]), "ALL");
    }

    #[test]
    fn status_words() {
        for yes in
            ["running", "Running OK", "stopped, was running", "OK", "NOK", "notrunning", "RUNNING... OK"]
        {
            assert!(says_running(yes.as_bytes()), "{yes}");
        }
        for no in [
            "",
            "stopped",
            "ok",
            "RUNNING",
            "is not running",
            "NOT  Running",
            "not really running",
            "not x\nrunning OK",
        ] {
            assert!(!says_running(no.as_bytes()), "{no}");
        }
    }
}
