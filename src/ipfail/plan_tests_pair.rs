//! Two ipfails in virtual time: losses, delays, restarts, by chance and by script. The daemons between
//! them are simple: a request for standby is carried out after a while, one at a time.

use super::*;
use crate::wire::Message;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const KEEPALIVE: Duration = ms(1000);
/// A failure that both notice within this moves nothing: the patience, less what messages take.
const BOTH: u64 = 3500;
const PINGS: [&str; 3] = ["p1", "p2", "p3"];

struct Side {
    plan: Plan,
    seen: BTreeSet<String>,
    held: Held,
    /// What waits to be read, and from when on it can be.
    inbox: VecDeque<(Duration, Event)>,
    changed: Duration,
}

struct Pair {
    now: Duration,
    sides: [Side; 2],
    failback: bool,
    /// Links of ping nodes outlive them for so long that they never die: `deadping` is the shorter time.
    slow_links: bool,
    /// A standby under way: when it ends, who gives, what each holds then.
    moving: Option<(Duration, [Held; 2])>,
    /// Requests for standby that were made: when, by whom, what.
    requests: Vec<(Duration, usize, String)>,
    story: Vec<String>,
    rng: fastrand::Rng,
}

fn plan(side: usize, auto_failback: bool) -> Plan {
    let name = |side: usize| format!("b{}", side + 1);
    Plan::new(Settings { me: name(side), peer: name(1 - side), keepalive: KEEPALIVE, auto_failback })
}

impl Pair {
    fn new(failback: bool, seed: u64) -> Self {
        let side = |side| Side {
            plan: plan(side, failback),
            seen: PINGS.iter().map(|p| (*p).to_owned()).collect(),
            held: Held::Local,
            inbox: VecDeque::new(),
            changed: Duration::ZERO,
        };
        let mut pair = Self {
            now: Duration::ZERO,
            sides: [side(0), side(1)],
            failback,
            slow_links: false,
            moving: None,
            requests: Vec::new(),
            story: Vec::new(),
            rng: fastrand::Rng::with_seed(seed),
        };
        for side in 0..2 {
            pair.arrive(side, Event::Joined);
        }
        pair.run(ms(20_000));
        pair
    }

    fn delay(&mut self) -> Duration {
        ms(self.rng.u64(1..100))
    }

    /// After a while, behind what is there.
    fn arrive(&mut self, side: usize, event: Event) {
        let at = self.now + self.delay();
        let at = self.sides[side].inbox.back().map_or(at, |(last, _)| at.max(*last));
        self.sides[side].inbox.push_back((at, event));
    }

    fn lose(&mut self, side: usize, ping: &str) {
        if self.sides[side].seen.remove(ping) {
            self.sides[side].changed = self.now;
            self.tell(side, format!("loses {ping}"));
            let node = ping.to_owned();
            self.arrive(side, Event::Node { node: node.clone(), status: "dead".into() });
            if !self.slow_links {
                self.arrive(side, Event::Link { link: node.clone(), node, status: "dead".into() });
            }
        }
    }

    fn regain(&mut self, side: usize, ping: &str) {
        if self.sides[side].seen.insert(ping.to_owned()) {
            self.sides[side].changed = self.now;
            self.tell(side, format!("regains {ping}"));
            let node = ping.to_owned();
            self.arrive(side, Event::Link { node: node.clone(), link: node.clone(), status: "up".into() });
            self.arrive(side, Event::Node { node, status: "ping".into() });
        }
    }

    fn restart(&mut self, side: usize) {
        self.tell(side, "ipfail restarts".into());
        self.sides[side].plan = plan(side, self.failback);
        self.sides[side].inbox.clear();
        self.arrive(1 - side, Event::Left);
        self.arrive(1 - side, Event::Joined);
    }

    fn tell(&mut self, side: usize, text: String) {
        self.story.push(format!("{:8} b{} {text}", self.now.as_millis(), side + 1));
    }

    fn run(&mut self, long: Duration) {
        let end = self.now + long;
        for steps in 0.. {
            assert!(steps < 100_000, "no end: {}", self.story.join("\n"));
            let next = (0..2).filter_map(|side| self.next(side)).chain(self.moving.map(|m| m.0)).min();
            match next.map(|at| at.max(self.now)).filter(|at| *at <= end) {
                None => break,
                Some(at) => self.now = at,
            }
            self.step();
        }
        self.now = end;
    }

    fn next(&self, side: usize) -> Option<Duration> {
        let side = &self.sides[side];
        side.inbox.front().map(|(at, _)| *at).into_iter().chain(side.plan.next_deadline()).min()
    }

    fn step(&mut self) {
        if let Some((_, held)) = self.moving.filter(|(at, _)| *at <= self.now) {
            self.moving = None;
            (self.sides[0].held, self.sides[1].held) = (held[0], held[1]);
            self.tell(0, format!("and b2 hold {held:?}"));
        }
        for side in 0..2 {
            let waiting = self.sides[side].inbox.front().is_some_and(|(at, _)| *at <= self.now);
            let event = if waiting { self.sides[side].inbox.pop_front().unwrap().1 } else { Event::Tick };
            let due = self.sides[side].plan.next_deadline().is_some_and(|at| at <= self.now);
            if waiting || due {
                self.handle(side, event);
            }
        }
    }

    fn handle(&mut self, side: usize, event: Event) {
        let held = if self.moving.is_some() { Held::Transition } else { self.sides[side].held };
        let look = Look { seen: self.sides[side].seen.clone(), peer_active: true, held };
        for action in self.sides[side].plan.handle(self.now, event, &look) {
            match action {
                Action::Log(_, text) => self.tell(side, text),
                Action::Send(message) if message.kind() == Some("ask_resources") => {
                    self.standby(side, message.text("rsc_hold").unwrap());
                }
                Action::Send(message) => self.relay(side, &message),
            }
        }
    }

    fn relay(&mut self, from: usize, message: &Message) {
        let event = Event::of(message, &format!("b{}", from + 1)).unwrap();
        self.arrive(1 - from, event);
    }

    fn standby(&mut self, side: usize, what: &str) {
        self.tell(side, format!("ASKS FOR STANDBY {what}"));
        self.requests.push((self.now, side, what.to_owned()));
        let settled = self.now.saturating_sub(self.sides[0].changed.max(self.sides[1].changed)) > ms(500);
        if what == "all" && settled {
            let [here, there] = [side, 1 - side].map(|s| self.sides[s].seen.len());
            assert!(here < there, "gives up without a reason:\n{}", self.story.join("\n"));
        }
        if self.moving.is_some() {
            return;
        }
        let (giver, taker) = match what {
            "all" => (Held::None, Held::All),
            _ => (Held::Local, Held::Local),
        };
        let held = if side == 0 { [giver, taker] } else { [taker, giver] };
        self.moving = Some((self.now + ms(self.rng.u64(100..3000)), held));
    }

    fn held(&self) -> [Held; 2] {
        [self.sides[0].held, self.sides[1].held]
    }

    fn asked_for(&self, what: &str) -> Vec<usize> {
        self.requests.iter().filter(|r| r.2 == what).map(|r| r.1).collect()
    }

    /// Changes at their times, then rest.
    fn play(&mut self, mut changes: Vec<(u64, usize, bool, &str)>) {
        changes.sort_unstable();
        let began = self.now;
        for (at, side, lose, ping) in changes {
            let until = (began + ms(at)).saturating_sub(self.now);
            self.run(until);
            if lose { self.lose(side, ping) } else { self.regain(side, ping) }
        }
        self.run(ms(120_000));
    }

    fn must(&self, holds: bool, what: &str) {
        assert!(holds, "{what}: {:?}\n{}", self.held(), self.story.join("\n"));
    }
}

#[test]
fn what_both_lose_at_nearly_the_same_time_moves_nothing() {
    for seed in 0..3000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut pair = Pair::new(rng.bool(), seed);
        // each ping node at its own time, by the two within BOTH of each other; then back likewise
        let mut changes = Vec::new();
        for ping in PINGS.iter().take(rng.usize(1..4)) {
            for (from, lose) in [(0, true), (30_000, false)] {
                let at = from + rng.u64(0..15_000);
                changes.extend([(at, 0, lose, *ping), (at + rng.u64(0..BOTH), 1, lose, *ping)]);
            }
        }
        if rng.bool() {
            changes.iter_mut().for_each(|c| c.1 = 1 - c.1);
        }
        pair.play(changes);
        pair.must(pair.requests.is_empty() && pair.held() == [Held::Local; 2], &format!("seed {seed}"));
    }
}

/// The last that was told is older than the loss; it proves nothing about who is better off.
#[test]
fn what_both_lost_without_a_word_moves_nothing_when_it_returns() {
    for seed in 0..1000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut pair = Pair::new(rng.bool(), seed);
        pair.slow_links = true;
        let mut changes = Vec::new();
        for (at, lose) in [(0, true), (9_000, false)] {
            changes.extend((0..2).map(|side| (at + rng.u64(0..BOTH), side, lose, PINGS[0])));
        }
        pair.play(changes);
        pair.must(pair.asked_for("all").is_empty(), &format!("seed {seed}"));
    }
}

#[test]
fn who_loses_one_alone_gives_up_once_and_gets_it_back_by_auto_failback() {
    for seed in 0..2000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (failback, side) = (rng.bool(), rng.usize(0..2));
        let mut pair = Pair::new(failback, seed);
        let lost = rng.usize(1..4);
        let began = pair.now;
        let at: Vec<u64> = (0..lost).map(|_| rng.u64(0..20_000)).collect();
        pair.play(PINGS.iter().zip(&at).map(|(ping, at)| (*at, side, true, *ping)).collect());
        pair.must(pair.asked_for("all") == [side], &format!("seed {seed}: one move"));
        let first = began + ms(at.iter().copied().min().unwrap());
        let took = pair.requests[0].0 - first;
        pair.must(took >= KEEPALIVE * 4 && took < KEEPALIVE * 5, &format!("seed {seed}: took {took:?}"));
        let all = if side == 0 { [Held::None, Held::All] } else { [Held::All, Held::None] };
        pair.must(pair.held() == all, &format!("seed {seed}: moved"));
        pair.play(PINGS.iter().take(lost).map(|p| (rng.u64(0..20_000), side, false, *p)).collect());
        let back = if failback { [Held::Local; 2] } else { all };
        pair.must(pair.held() == back, &format!("seed {seed}: back"));
        let foreign = if failback { vec![1 - side] } else { vec![] };
        pair.must(pair.asked_for("foreign") == foreign, &format!("seed {seed}: one failback"));
    }
}

#[test]
fn after_any_storm_the_better_connected_node_holds_everything() {
    for seed in 0..10_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let failback = rng.bool();
        let mut pair = Pair::new(failback, seed);
        for _ in 0..rng.usize(1..20) {
            let (side, ping) = (rng.usize(0..2), PINGS[rng.usize(0..3)]);
            match rng.u8(0..8) {
                0 => pair.restart(side),
                1..5 => pair.lose(side, ping),
                _ => pair.regain(side, ping),
            }
            let pause = if rng.bool() { rng.u64(0..500) } else { rng.u64(0..15_000) };
            pair.run(ms(pause));
        }
        pair.run(ms(180_000));
        let [a, b] = [0, 1].map(|s| pair.sides[s].seen.len());
        let held = pair.held();
        match a.cmp(&b) {
            std::cmp::Ordering::Less => pair.must(held == [Held::None, Held::All], &format!("seed {seed}")),
            std::cmp::Ordering::Greater => {
                pair.must(held == [Held::All, Held::None], &format!("seed {seed}"));
            }
            std::cmp::Ordering::Equal => {}
        }
        never_both(&pair, seed);
        let back = [0, 1].into_iter().flat_map(|side| PINGS.map(|ping| (side, ping)));
        let changes = back.map(|(side, ping)| (rng.u64(0..10_000), side, false, ping)).collect();
        pair.play(changes);
        pair.must(!failback || pair.held() == [Held::Local; 2], &format!("seed {seed}: all is well again"));
        never_both(&pair, seed);
    }
}

/// Both give everything up only one long after the other.
fn never_both(pair: &Pair, seed: u64) {
    let all: Vec<_> = pair.requests.iter().filter(|r| r.2 == "all").collect();
    for (a, b) in all.iter().zip(all.iter().skip(1)) {
        pair.must(a.1 == b.1 || b.0 - a.0 >= KEEPALIVE * 3, &format!("seed {seed}: both give up"));
    }
}

#[test]
fn fifty_flaps_faster_than_the_patience_move_nothing_and_slower_ones_move_there_and_back() {
    for (down, up) in [(1000, 700), (3000, 200), (200, 3000)] {
        let mut pair = Pair::new(true, down);
        let changes = (0..50).flat_map(|i| {
            let at = i * (down + up);
            [(at, 0, true, "p1"), (at + down, 0, false, "p1")]
        });
        pair.play(changes.collect());
        pair.must(pair.requests.is_empty(), "fast flaps");
    }
    let mut pair = Pair::new(true, 1);
    let slow = (0..50).flat_map(|i| [(i * 40_000, 1, true, "p2"), (i * 40_000 + 20_000, 1, false, "p2")]);
    pair.play(slow.collect());
    pair.must(pair.asked_for("all") == [1; 50] && pair.asked_for("foreign") == [0; 50], "slow flaps");
    pair.must(pair.held() == [Held::Local; 2], "slow flaps");
}
