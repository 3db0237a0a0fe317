//! When the neighbourhood is told that an address has moved: rounds, and patience.

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

    /// What is left after one round.
    pub fn rest(self) -> Schedule {
        Schedule { rounds: self.rounds.saturating_sub(1), ..self }
    }
}

/// What to do when it is time for a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Announce, and come back after an interval for what is left.
    Announce(Schedule),
    /// Nobody would hear it; come back after an interval.
    Wait,
    /// Enough.
    Stop,
}

/// How long an interface may take to become operational before we stop waiting for it. A switch
/// port that runs its spanning tree takes thirty seconds.
pub const PATIENCE: Duration = Duration::from_secs(45);

impl Schedule {
    /// The round that is due. An interface that has no carrier yet (we may just have brought it
    /// up) uses up patience, not rounds.
    pub fn turn(self, operational: bool, waited: Duration) -> Turn {
        match (self.rounds, operational) {
            (0, _) => Turn::Stop,
            (_, true) => Turn::Announce(self.rest()),
            (_, false) if waited > PATIENCE => Turn::Stop,
            (_, false) => Turn::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_run_out() {
        let mut left = Schedule::IPADDR2;
        let mut rounds = 0;
        while let Turn::Announce(rest) = left.turn(true, Duration::ZERO) {
            left = rest;
            rounds += 1;
        }
        assert_eq!(rounds, 5);
        assert_eq!(left.turn(true, Duration::ZERO), Turn::Stop);
    }

    #[test]
    fn a_link_without_carrier_is_waited_for() {
        assert_eq!(Schedule::IPADDR.turn(false, Duration::ZERO), Turn::Wait);
        assert_eq!(Schedule::IPADDR.turn(false, PATIENCE * 2), Turn::Stop);
        assert_eq!(Schedule::IPADDR.turn(true, PATIENCE * 2), Turn::Announce(Schedule::new(9, 500)));
    }
}
