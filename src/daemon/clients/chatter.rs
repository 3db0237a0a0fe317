//! Keeps clients from filling the log.

use crate::level::Level;
use crate::logging::Logger;
use std::time::{Duration, Instant};

/// Lines about clients in one such period; the others are counted.
const PERIOD: Duration = Duration::from_secs(10);
const LINES: u32 = 2000;

#[derive(Default)]
pub(super) struct Chatter {
    since: Option<Instant>,
    lines: u32,
    silent: u64,
}

impl Chatter {
    pub(super) fn log(&mut self, log: &Logger, level: Level, text: &str) {
        if self.since.is_none_or(|since| since.elapsed() >= PERIOD) {
            if self.silent > 0 {
                log.log(
                    Level::Warn,
                    &format!("{} more lines about API clients were not logged", self.silent),
                );
            }
            *self = Self { since: Some(Instant::now()), ..Self::default() };
        }
        if self.lines >= LINES {
            self.silent += 1;
            return;
        }
        self.lines += 1;
        log.log(level, text);
    }
}
