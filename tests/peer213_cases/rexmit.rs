//! How 2.1.3 asks for what it missed (16.6): at once, every 250 ms, and for ever. Neither death nor a new
//! generation nor a NAK ends it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A larger gap is not repaired.
const MAX_GAP: u64 = 500;
const AGAIN: Duration = Duration::from_millis(250);

#[derive(Default)]
pub(super) struct Asker {
    last: Option<u64>,
    generation: u64,
    /// Missing number -> when it was asked for.
    missing: BTreeMap<u64, Option<Instant>>,
}

impl Asker {
    /// A sequenced message of the other node came.
    pub(super) fn hear(&mut self, generation: u64, seq: u64) {
        self.missing.remove(&seq);
        let last = match self.last.filter(|_| generation == self.generation) {
            Some(last) => last,
            None => seq,
        };
        self.generation = generation;
        if seq > last + 1 && seq - last - 1 <= MAX_GAP {
            self.missing.extend((last + 1..seq).map(|number| (number, None)));
        }
        self.last = Some(last.max(seq));
    }

    /// Numbers to be asked for ever from now on, whatever was heard.
    pub(super) fn invent(&mut self, numbers: impl Iterator<Item = u64>) {
        self.missing.extend(numbers.map(|number| (number, None)));
    }

    pub(super) fn due(&mut self) -> Vec<u64> {
        let now = Instant::now();
        let due = self.missing.iter_mut().filter(|(_, at)| at.is_none_or(|at| now - at >= AGAIN));
        due.map(|(number, at)| {
            *at = Some(now);
            *number
        })
        .collect()
    }
}
