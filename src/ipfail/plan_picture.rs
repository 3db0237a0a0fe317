//! Who sees which ping nodes, and since when.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

/// What the other side sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Theirs {
    /// How many.
    pub count: usize,
    /// Or more.
    pub at_least: bool,
    /// Which; only a program of ours tells.
    pub names: Option<BTreeSet<String>>,
    /// It asks only to be sure.
    pub again: bool,
}

impl Theirs {
    /// As the reference tells it.
    pub fn counted(count: usize) -> Self {
        Self { count, at_least: false, names: None, again: false }
    }

    /// As the reference tells it in an answer.
    pub fn more_than(count: usize) -> Self {
        Self { at_least: true, ..Self::counted(count.saturating_add(1)) }
    }

    /// As ours tells it.
    pub fn named(names: BTreeSet<String>, again: bool) -> Self {
        Self { count: names.len(), at_least: false, names: Some(names), again }
    }
}

/// Both sides' views, and how long they have differed.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    here: BTreeSet<String>,
    there: Option<Theirs>,
    /// Since when the other side sees more, without a break.
    fewer_since: Option<Duration>,
    /// Since when the other side sees it and we do not.
    only_there: BTreeMap<String, Duration>,
    /// What of the two above only old news say: we lost sight of something since the other side told last,
    /// and it may have lost that too.
    guessed: BTreeSet<String>,
    fewer_guessed: bool,
}

impl Picture {
    /// What is seen here now.
    pub fn see(&mut self, now: Duration, here: &BTreeSet<String>) {
        if self.here != *here {
            self.guessed.extend(self.here.difference(here).cloned());
            self.here = here.clone();
            let fewer_before = self.fewer_since.is_some();
            self.compare(now);
            self.fewer_guessed |= !fewer_before;
        }
    }

    /// What the other side sees now.
    pub fn hear(&mut self, now: Duration, there: Theirs) {
        self.there = Some(there);
        // now it is known, and counts from now
        for name in std::mem::take(&mut self.guessed) {
            self.only_there.remove(&name);
        }
        if std::mem::take(&mut self.fewer_guessed) {
            self.fewer_since = None;
        }
        self.compare(now);
    }

    /// The other side is gone.
    pub fn forget(&mut self, now: Duration) {
        self.there = None;
        self.compare(now);
    }

    fn compare(&mut self, now: Duration) {
        self.fewer_since = match self.verdict() {
            Some(Ordering::Less) => self.fewer_since.or(Some(now)),
            _ => None,
        };
        let there = self.there.as_ref().and_then(|t| t.names.as_ref());
        let only_there = there.into_iter().flatten().filter(|name| !self.here.contains(*name));
        self.only_there = only_there
            .map(|name| (name.clone(), self.only_there.get(name).copied().unwrap_or(now)))
            .collect();
    }

    /// What is seen here.
    pub fn here(&self) -> &BTreeSet<String> {
        &self.here
    }

    /// The other side is a program of ours, and tells names.
    pub fn names_are_told(&self) -> bool {
        self.there.as_ref().is_some_and(|t| t.names.is_some())
    }

    /// Whether fewer, as many or more ping nodes are seen here than there.
    pub fn verdict(&self) -> Option<Ordering> {
        self.there.as_ref().map(|there| self.here.len().cmp(&there.count))
    }

    /// When we will have seen fewer for long enough to act on it, should nothing change.
    ///
    /// A ping node counts against us when the other side has seen it for `patience` and we have not.
    /// So a failure that both sides notice moves nothing, though several fail one after the other.
    pub fn ripe_at(&self, patience: Duration) -> Option<Duration> {
        let by_count = self.fewer_since?.saturating_add(patience);
        let Some(there) = self.there.as_ref().and_then(|t| t.names.as_ref()) else {
            return Some(by_count);
        };
        let only_here = self.here.difference(there).count();
        let mut since: Vec<Duration> = self.only_there.values().copied().collect();
        since.sort_unstable();
        since.get(only_here).map(|since| since.saturating_add(patience).max(by_count))
    }

    /// For the log: `1 ping node seen here, 2 by b2 (only by b2: 10.0.0.9)`.
    pub fn words(&self, peer: &str) -> String {
        let here = self.here.len();
        let mut text = format!("{here} ping node{} seen here", if here == 1 { "" } else { "s" });
        let Some(there) = &self.there else {
            let _ = write!(text, ", {peer} has not told what it sees");
            return text;
        };
        let _ = write!(text, ", {}{} by {peer}", if there.at_least { "at least " } else { "" }, there.count);
        if let Some(names) = &there.names {
            let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| -> Vec<String> {
                a.difference(b).cloned().collect()
            };
            let lists = [
                (only(&self.here, names), "here".to_owned()),
                (only(names, &self.here), format!("by {peer}")),
            ];
            let told: Vec<String> = lists
                .into_iter()
                .filter(|(list, _)| !list.is_empty())
                .map(|(list, whose)| format!("only {whose}: {}", list.join(" ")))
                .collect();
            if !told.is_empty() {
                let _ = write!(text, " ({})", told.join("; "));
            }
        }
        text
    }
}
