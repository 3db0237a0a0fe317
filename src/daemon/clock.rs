//! The engine's time: since its birth, sleep of the machine included; and the alarm for what it wants to do.

use crate::engine::Now;
use crate::sys::boottime::{Alarm, since_boot};
use std::io;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Without any deadline it is looked so often whether there is one.
const FAR: Duration = Duration::from_secs(3600);

pub(super) struct Clock {
    born: Duration,
    alarm: Alarm,
}

impl Clock {
    /// Begins now. To be made within the runtime.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { born: since_boot(), alarm: Alarm::new()? })
    }

    /// This moment, as the engine wants it.
    pub(super) fn now(&self) -> Now {
        Now { mono: self.age(), wall: wall() }
    }

    /// The earlier of the engine's deadline and one on the clock of everything else, in the engine's time.
    pub(super) fn due(&self, engine: Option<Duration>, other: Option<Instant>) -> Duration {
        let now = self.age();
        let other = other.map(|at| now + at.saturating_duration_since(Instant::now()));
        engine.into_iter().chain(other).min().unwrap_or(now + FAR)
    }

    /// Whether that moment has come.
    pub(super) fn has_come(&self, due: Duration) -> bool {
        self.age() >= due
    }

    /// Sets the alarm to that moment.
    pub(super) fn set(&mut self, due: Duration) -> io::Result<()> {
        self.alarm.set(self.born + due)
    }

    /// Waits for it.
    pub(super) async fn alarm(&self) {
        self.alarm.off().await;
    }

    fn age(&self) -> Duration {
        since_boot().saturating_sub(self.born)
    }
}

/// Seconds since 1970; 1 where the clock stands before, because 0 is no time to other nodes.
pub(super) fn wall() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |d| d.as_secs().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earlier_deadline_counts() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let _inside = runtime.enter();
        let clock = Clock::new().unwrap();
        let hour = Duration::from_secs(3600);
        assert_eq!(clock.due(Some(hour), None), hour);
        assert_eq!(clock.due(Some(Duration::ZERO), Some(Instant::now() + hour)), Duration::ZERO);
        assert!(clock.due(Some(2 * hour), Some(Instant::now() + hour)) <= hour + Duration::from_secs(60));
        assert!(clock.due(None, None) >= hour);
        let passed = clock.due(Some(hour), Some(Instant::now()));
        assert!(clock.has_come(passed) && !clock.has_come(hour));
    }
}
