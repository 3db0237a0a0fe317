//! When the neighbourhood is told that an address has moved.

use std::time::Duration;

/// Rounds of announcements: the first at once, the others each one interval later. A round is a
/// request and a reply for IPv4, one advertisement for IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How many rounds in all.
    pub rounds: u32,
    /// From one to the next.
    pub interval: Duration,
}

impl Schedule {
    /// `IPaddr`: ten rounds, half a second apart.
    pub const IPADDR: Schedule = Schedule::new(10, 500);
    /// `IPaddr2` and `SendArp`: five rounds, a fifth of a second apart.
    pub const IPADDR2: Schedule = Schedule::new(5, 200);
    /// `IPv6addr`: five rounds, a second apart.
    pub const IPV6ADDR: Schedule = Schedule::new(5, 1000);

    /// So many rounds, so many milliseconds apart.
    pub const fn new(rounds: u32, milliseconds: u64) -> Self {
        Schedule { rounds, interval: Duration::from_millis(milliseconds) }
    }

    /// The moment of each round, counted from the first.
    pub fn offsets(self) -> impl Iterator<Item = Duration> {
        (0..self.rounds).map(move |n| self.interval.saturating_mul(n))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_round_is_at_once() {
        let ms: Vec<_> = Schedule::IPADDR2.offsets().map(|d| d.as_millis()).collect();
        assert_eq!(ms, [0, 200, 400, 600, 800]);
        assert_eq!(Schedule::IPADDR.offsets().last(), Some(Duration::from_millis(4500)));
        assert_eq!(Schedule::new(0, 1).offsets().count(), 0);
    }
}
