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
    /// How often in a row it was put back, or tried to.
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
    /// It is missing at `now`: `None` where it is to be put back now (which counts), or when to look again.
    pub fn missing(&mut self, what: &K, now: Duration) -> Option<Duration> {
        self.0.retain(|_, loss| now < loss.last + FORGOTTEN);
        let loss = self.0.entry(what.clone()).or_insert(Loss { times: 0, at: now, last: now });
        if now < loss.at {
            return Some(loss.at);
        }
        loss.times += 1;
        loss.last = now;
        let doublings = loss.times.saturating_sub(AT_ONCE);
        let pause = match doublings {
            0 => Duration::ZERO,
            n => PAUSE.saturating_mul(1 << (n - 1).min(16)).min(LONGEST),
        };
        loss.at = now + pause;
        None
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
            match patience.missing(&"10.0.0.5", now) {
                None => put_back.push(now.as_millis() as u64),
                Some(at) => now = at,
            }
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
            let _ = patience.missing(&1, Duration::ZERO);
        }
        assert!(patience.missing(&1, Duration::from_millis(1)).is_some());
        assert_eq!(patience.missing(&2, Duration::from_millis(1)), None, "another address is another matter");
        assert_eq!(patience.missing(&1, FORGOTTEN * 2), None);
        assert_eq!(patience.times(&1), 1);
    }
}
