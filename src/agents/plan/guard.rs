//! How soon an address that somebody took away is put back: at once, but not for ever at once.
//!
//! Two programs that each insist would otherwise spend the machine on each other, and fill the log.

use std::collections::BTreeMap;
use std::time::Duration;

/// So often in a row it is put back at once.
const AT_ONCE: u32 = 3;
/// The first pause after that; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest one.
const LONGEST: Duration = Duration::from_secs(60);
/// Who lost nothing for so long begins anew.
const FORGOTTEN: Duration = Duration::from_secs(300);

/// What is known of each loss, by a name for it.
#[derive(Debug)]
pub struct Patience<K>(BTreeMap<K, Loss>);

#[derive(Debug)]
struct Loss {
    /// How often in a row it was put back.
    times: u32,
    /// When that may be done next.
    at: Duration,
    last: Duration,
}

impl<K: Ord> Default for Patience<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord + Clone> Patience<K> {
    /// It is missing at `now`: when it may be put back, where that is later.
    pub fn due(&self, what: &K, now: Duration) -> Option<Duration> {
        self.0.get(what).map(|loss| loss.at).filter(|at| now < *at)
    }

    /// It is put back.
    pub fn count(&mut self, what: &K, now: Duration) {
        self.0.retain(|_, loss| now < loss.last + FORGOTTEN);
        let loss = self.0.entry(what.clone()).or_insert(Loss { times: 0, at: now, last: now });
        loss.times += 1;
        loss.last = now;
        let doublings = loss.times.saturating_sub(AT_ONCE);
        let pause = match doublings {
            0 => Duration::ZERO,
            n => PAUSE.saturating_mul(1 << (n - 1).min(16)).min(LONGEST),
        };
        loss.at = now + pause;
    }

    /// Whether it is due; then it counts.
    pub fn try_now(&mut self, what: &K, now: Duration) -> bool {
        let due = self.due(what, now).is_none();
        if due {
            self.count(what, now);
        }
        due
    }

    /// Forgets all but these.
    pub fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        self.0.retain(|what, _| keep(what));
    }

    /// How often in a row that was.
    pub fn times(&self, what: &K) -> u32 {
        self.0.get(what).map_or(0, |loss| loss.times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody removes it again as soon as it is there.
    fn fight(seconds: u64) -> Vec<u64> {
        let (mut patience, mut now, mut put_back) = (Patience::default(), Duration::ZERO, Vec::new());
        while now < Duration::from_secs(seconds) {
            if patience.try_now(&"10.0.0.5", now) {
                put_back.push(now.as_millis() as u64);
            }
            now = patience.due(&"10.0.0.5", now).unwrap_or(now);
        }
        put_back
    }

    #[test]
    fn a_fight_is_slow() {
        assert_eq!(fight(10), [0, 0, 0, 0, 500, 1500, 3500, 7500]);
        assert!(fight(3600).len() < 75, "one a minute in the end");
    }

    #[test]
    fn one_at_a_time_is_put_back_at_once_and_peace_is_remembered() {
        let mut patience = Patience::default();
        for _ in 0..9 {
            patience.count(&1, Duration::ZERO);
        }
        let soon = Duration::from_millis(1);
        assert!(patience.due(&1, soon).is_some());
        assert_eq!(patience.due(&2, soon), None, "another address is another matter");
        assert!(patience.try_now(&1, FORGOTTEN * 2));
        assert_eq!(patience.times(&1), 1);
    }

    #[test]
    fn what_is_ours_no_more_is_forgotten() {
        let mut patience = Patience::default();
        for _ in 0..9 {
            patience.count(&1, Duration::ZERO);
            patience.count(&2, Duration::ZERO);
        }
        patience.retain(|what| *what == 2);
        assert_eq!((patience.times(&1), patience.times(&2)), (0, 9));
    }
}
