//! When which server is checked.
//!
//! Servers that several virtual services share are checked once, if they are asked the same (ldirectord.md 3.3); the
//! answer counts for all. Checks do not wait for each other: a server that hangs delays nobody. The next check of a
//! server begins one interval after this one began, or at once where this one took longer. Each interval is up to a
//! tenth shorter, by chance, so that a thousand servers are not asked in the same instant.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::combined::Turn;
use crate::director::config::{CheckKind, Config};

/// So many checks that are young may run at the same time: a thousand connections are not opened in one instant.
const AT_ONCE: usize = 512;
/// Who has not answered for so long hangs, and takes nobody's place any more.
const YOUNG: Duration = Duration::from_secs(1);
/// So many checks may run at the same time, hanging ones too, unless [`Schedule::limited`] says otherwise: each has a
/// socket or a process.
const IN_ALL: usize = 1024;

/// One check, for all who share it.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Who gets the answer: number of the virtual service, number of the server in it. The first is asked.
    pub targets: Vec<(usize, usize)>,
    interval: Duration,
    /// Connections after a negotiation, of a combination.
    each: Option<u32>,
    turn: Turn,
    begun: Option<Duration>,
    answered: bool,
}

/// All checks of a configuration. Time is counted from any beginning, the same for all calls.
#[derive(Clone, Debug)]
pub struct Schedule {
    checks: Vec<Shared>,
    /// Who waits, by when he is due.
    waiting: BTreeSet<(Duration, usize)>,
    /// Who runs, by when he began.
    running: BTreeSet<(Duration, usize)>,
    /// Checks that have never come to an end.
    unanswered: usize,
    limit: usize,
    chance: fastrand::Rng,
}

impl Shared {
    /// Whether a connection is enough this time.
    pub fn is_connect(&self) -> bool {
        self.each.is_some() && self.turn.is_connect()
    }
}

impl Schedule {
    /// Everything is due at once.
    pub fn new(config: &Config, seed: u64) -> Schedule {
        let checks = shared(config);
        Schedule {
            waiting: (0..checks.len()).map(|number| (Duration::ZERO, number)).collect(),
            running: BTreeSet::new(),
            unanswered: checks.len(),
            limit: IN_ALL,
            chance: fastrand::Rng::with_seed(seed),
            checks,
        }
    }

    /// With room for so many checks at the same time, at least one.
    pub fn limited(self, limit: usize) -> Schedule {
        Schedule { limit: limit.max(1), ..self }
    }

    /// All checks, by their numbers.
    pub fn checks(&self) -> &[Shared] {
        &self.checks
    }

    /// The checks to begin now; who has waited longest comes first. They count as running from here on.
    pub fn begin(&mut self, now: Duration) -> Vec<usize> {
        if self.waiting.first().is_none_or(|(due, _)| *due > now) {
            return Vec::new();
        }
        let since = now.checked_sub(YOUNG);
        let young =
            self.running.iter().rev().take_while(|(begun, _)| since.is_none_or(|s| *begun > s)).count();
        let room = self.limit.saturating_sub(self.running.len()).min(AT_ONCE.saturating_sub(young));
        let due = self.waiting.iter().take_while(|(due, _)| *due <= now).take(room);
        let due: Vec<(Duration, usize)> = due.copied().collect();
        for waiting in &due {
            self.waiting.remove(waiting);
            self.running.insert((now, waiting.1));
            if let Some(check) = self.checks.get_mut(waiting.1) {
                check.begun = Some(now);
            }
        }
        due.into_iter().map(|(_, number)| number).collect()
    }

    /// A check has come to its end. Who gets the answer.
    pub fn end(&mut self, number: usize, now: Duration, up: bool) -> &[(usize, usize)] {
        let Some(check) = self.checks.get_mut(number) else { return &[] };
        let Some(begun) = check.begun.take() else { return &[] };
        self.running.remove(&(begun, number));
        let tenth = u64::try_from(check.interval.as_micros() / 10).unwrap_or(u64::MAX);
        let less = Duration::from_micros(self.chance.u64(0..=tenth));
        self.waiting.insert(((begun + check.interval.saturating_sub(less)).max(now), number));
        self.unanswered = self.unanswered.saturating_sub(usize::from(!check.answered));
        check.answered = true;
        if let Some(each) = check.each {
            check.turn = check.turn.after(up, each);
        }
        &check.targets
    }

    /// When [`Schedule::begin`] is to be called again at the latest; `None`: when a check ends.
    pub fn next_deadline(&self) -> Option<Duration> {
        let (due, _) = self.waiting.first()?;
        if self.running.len() >= self.limit {
            return None;
        }
        // With so many younger ones, the next may begin when this one is young no more.
        let pace = self.running.iter().rev().nth(AT_ONCE - 1).map(|(begun, _)| *begun + YOUNG);
        Some(pace.map_or(*due, |pace| pace.max(*due)))
    }

    /// Whether each server has answered, or failed to, at least once.
    pub fn is_first_round_over(&self) -> bool {
        self.unanswered == 0
    }
}

/// Who is to be checked: servers that are asked the same are asked once.
fn shared(config: &Config) -> Vec<Shared> {
    let mut checks: Vec<Shared> = Vec::new();
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for (index, virt) in config.virtuals.iter().enumerate() {
        for (real, server) in virt.reals.iter().enumerate() {
            let next = checks.len();
            let at = *known.entry(virt.check_identity(server)).or_insert(next);
            match checks.get_mut(at) {
                Some(shared) => {
                    shared.targets.push((index, real));
                    shared.interval = shared.interval.min(virt.check.interval);
                }
                None => checks.push(Shared {
                    targets: vec![(index, real)],
                    interval: virt.check.interval,
                    each: match virt.check.kind {
                        CheckKind::Combined(each) => Some(each),
                        _ => None,
                    },
                    turn: Turn::default(),
                    begun: None,
                    answered: false,
                }),
            }
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Source;
    use crate::director::config::{self, FakeMachine};

    fn schedule(text: &str) -> Schedule {
        let source = Source::new("x.cf", text.as_bytes(), 0o600);
        let config = config::read(&source, &FakeMachine::with_hosts(&[])).config.unwrap();
        Schedule::new(&config, 7)
    }

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn servers_that_are_asked_the_same_are_asked_once() {
        let real = "\treal=10.0.0.1:80 masq\n";
        let text =
            format!("virtual=10.0.0.100:80\n{real}virtual=10.0.0.101:80\n{real}\treal=10.0.0.1:80 masq 2\n");
        let mut schedule = schedule(&text);
        let targets: Vec<_> = schedule.checks().iter().map(|c| c.targets.clone()).collect();
        assert_eq!(targets, [vec![(0, 0), (1, 0)], vec![(1, 1)]]);
        assert_eq!(schedule.begin(ms(0)), [0, 1]);
        assert!(!schedule.is_first_round_over());
        assert_eq!(schedule.end(0, ms(5), true), [(0, 0), (1, 0)]);
        assert_eq!(schedule.end(0, ms(5), true), [], "it is over already");
        schedule.end(1, ms(5), true);
        assert!(schedule.is_first_round_over());
    }

    #[test]
    fn who_hangs_delays_nobody() {
        let text = "checkinterval=1\nvirtual=10.0.0.100:80\n\treal=10.0.0.1->10.0.0.100:80 masq\n";
        let mut schedule = schedule(text);
        // the first ten never answer in time: five seconds each
        let mut running: Vec<(Duration, usize)> = Vec::new();
        let mut begun: BTreeMap<usize, Vec<Duration>> = BTreeMap::new();
        let mut now = ms(0);
        while now < ms(20_000) {
            for number in schedule.begin(now) {
                begun.entry(number).or_default().push(now);
                running.push((now + if number < 10 { ms(5_000) } else { ms(3) }, number));
            }
            let ends = running.iter().map(|(end, _)| *end).min();
            now = schedule.next_deadline().into_iter().chain(ends).min().unwrap().max(now);
            running.retain(|(end, number)| {
                let over = *end <= now;
                if over {
                    schedule.end(*number, now, *number >= 10);
                }
                !over
            });
        }
        for (number, times) in begun {
            let longest = times.windows(2).map(|w| w[1] - w[0]).max().unwrap();
            let shortest = times.windows(2).map(|w| w[1] - w[0]).min().unwrap();
            let (least, most) = if number < 10 { (ms(5_000), ms(5_000)) } else { (ms(900), ms(1_000)) };
            assert!(shortest >= least && longest <= most, "{number}: {shortest:?} to {longest:?}");
        }
    }

    #[test]
    fn there_are_never_too_many_at_once() {
        let text = "virtual=10.0.0.100:80\n\treal=10.0.0.1->10.0.4.0:80 masq\n";
        let mut schedule = schedule(text);
        assert_eq!(schedule.begin(ms(0)).len(), AT_ONCE);
        assert_eq!((schedule.begin(ms(1)).len(), schedule.next_deadline()), (0, Some(ms(1_000))));
        schedule.end(3, ms(2), true);
        assert_eq!(schedule.begin(ms(2)), [AT_ONCE]);
    }

    #[test]
    fn who_hangs_takes_nobodys_place_for_long() {
        let text = "virtual=10.0.0.100:80\n\treal=10.0.0.1->10.0.4.0:80 masq\n";
        let mut schedule = schedule(text).limited(700);
        schedule.begin(ms(0));
        assert_eq!(schedule.begin(ms(999)).len(), 0);
        assert_eq!(schedule.begin(ms(1_000)).len(), 700 - AT_ONCE, "up to all that there is room for");
        assert_eq!(schedule.next_deadline(), None, "until one ends");
        schedule.end(0, ms(1_001), false);
        assert_eq!(schedule.next_deadline(), Some(ms(1_000)), "that is past: at once");
    }

    #[test]
    fn combinations_take_turns() {
        let text = "virtual=10.0.0.100:80\n\treal=10.0.0.1:80 masq\n\tchecktype=2\n";
        let mut schedule = schedule(text);
        let mut told = String::new();
        for n in 0..7 {
            let now = ms(n * 10_000);
            assert_eq!(schedule.begin(now), [0]);
            told.push(if schedule.checks()[0].is_connect() { 'c' } else { 'n' });
            schedule.end(0, now, n != 4);
        }
        assert_eq!(told, "nccncnc");
    }
}
