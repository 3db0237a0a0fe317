//! The properties of `design.md`, looked at after each event.
//!
//! * (a) No group runs on two live nodes while a path is up. Two owners may *begin* only where it is explained: a
//!   node heard nothing of the other for most of the dead time, or services outlived their daemon. They may
//!   *last* only until the two can settle it: both daemons run and are active, both are awake, each has heard a
//!   status that the other sent since; then [`Bounds::settle`].
//! * (c) With a fencing device nothing runs twice, ever, whatever happens.
//! * (d) A message is taken in once: each (generation, number) of the peer at most once in a life.
//! * (e) Bounded: wishes per input, packets and log lines per second, and a tick moves the next deadline.
//!
//! (b), what must hold in the end, is in `play`.
//!
//! What the C daemon alone is to blame for is allowed beside it, and nothing else: see [`Blame`].

use super::cables::Cables;
use super::script::{Config, GROUPS, Kind, NAMES, ms};
use super::seat::{Seat, Wish};
use super::world::Node;
use heartbeat::wire::Message;
use std::collections::HashSet;
use std::time::Duration;

/// What is wrong, and with which property.
#[derive(Clone, Debug)]
pub struct Failure {
    pub property: char,
    pub text: String,
}

/// How long things may take, by the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// From "both hear each other" to one owner.
    pub settle: Duration,
    /// From a reason for two owners to the last moment at which it may show.
    pub echo: Duration,
    /// From the end of all trouble to one owner each.
    pub recover: Duration,
    /// So long it must stay so.
    pub stay: Duration,
}

impl Bounds {
    pub fn of(config: &Config) -> Self {
        let mixed = config.seats.contains(&Kind::Model);
        let script = config.script[1];
        // Three heartbeats to hear and to be heard, one script that was running, one or two to release.
        let kin = 3 * config.keepalive + 3 * script + ms(200);
        // Beside a C daemon: the question, its answer, each when it gets round to it, or sent again.
        let asked = 4 * config.lag + 3 * config.rexmit + config.keepalive + 2 * script;
        Self {
            settle: if mixed { kin + asked } else { kin },
            echo: 2 * config.deadtime + 4 * script + 4 * config.lag + ms(3000),
            recover: 2 * (config.initdead + config.deadtime) + 40 * script + ms(90_000),
            stay: 2 * config.deadtime + ms(5000),
        }
    }
}

/// Per node: how much was sent and said in the running second.
#[derive(Clone, Copy, Default)]
struct Rate {
    second: u64,
    count: usize,
}

impl Rate {
    fn add(&mut self, now: Duration, count: usize) -> usize {
        if self.second != now.as_secs() {
            *self = Rate { second: now.as_secs(), count: 0 };
        }
        self.count += count;
        self.count
    }
}

/// Wishes in answer to one input.
const MOST_WISHES: usize = 700;
/// Log lines in a second.
const MOST_LINES: usize = 120;

pub struct Watch {
    pub bounds: Bounds,
    config: Config,
    /// When its daemon began.
    began_at: [Duration; 2],
    /// Last status of the other that a node took out of its socket.
    status_at: [Duration; 2],
    /// Both could hear each other since.
    clear_since: Option<Duration>,
    /// When each first heard a status that was sent since then.
    heard_at: [Option<Duration>; 2],
    double_since: [Option<Duration>; 2],
    /// Last moment at which two owners were explained.
    excused_at: Duration,
    /// The longest time that a group ran twice, and the longest while both could settle it.
    pub doubled: Duration,
    pub longest: Duration,
    sent: [Rate; 2],
    said: [Rate; 2],
    /// The greatest of all rates, to know how far the limits are.
    pub most_sent: usize,
    pub most_said: usize,
    accepted: [HashSet<(u64, u64)>; 2],
    /// Ticks that changed nothing, at the same moment.
    idle_ticks: (Duration, usize),
    broken: Option<Failure>,
}

impl Watch {
    pub fn new(config: &Config, now: Duration) -> Self {
        Self {
            bounds: Bounds::of(config),
            config: config.clone(),
            began_at: [now; 2],
            status_at: [now; 2],
            clear_since: None,
            heard_at: [None; 2],
            double_since: [None; 2],
            excused_at: Duration::ZERO,
            doubled: Duration::ZERO,
            longest: Duration::ZERO,
            sent: [Rate::default(); 2],
            said: [Rate::default(); 2],
            most_sent: 0,
            most_said: 0,
            accepted: [HashSet::new(), HashSet::new()],
            idle_ticks: (Duration::ZERO, 0),
            broken: None,
        }
    }

    /// Whether our engines are to tell what they take in: it costs a little.
    pub fn wants_deliveries(&self) -> bool {
        self.config.seed % 3 == 0
    }

    fn fail(&mut self, property: char, text: String) {
        self.broken.get_or_insert(Failure { property, text });
    }

    // What is seen ------------------------------------------------------------------------------

    pub fn begins(&mut self, node: usize, now: Duration) {
        self.began_at[node] = now;
        self.status_at[node] = now;
        self.accepted[node].clear();
    }

    /// A daemon has had the time to do all that it will do by itself.
    pub fn long_enough(&self, node: usize, now: Duration) -> bool {
        now > self.began_at[node] + self.config.initdead + 6 * self.config.script[1] + ms(20_000)
    }

    pub fn heard(&mut self, at: usize, now: Duration, sent: Duration, message: &Message) {
        if message.text("src") != Some(NAMES[1 - at]) || message.kind() != Some("status") || sent.is_zero() {
            return;
        }
        self.status_at[at] = now;
        if self.clear_since.is_some_and(|since| sent >= since) {
            self.heard_at[at].get_or_insert(now);
        }
    }

    pub fn accepted(&mut self, at: usize, message: &Message) {
        let (Some(seq), Some(generation)) = (message.hex("seq"), message.hex("hg")) else { return };
        if message.text("src") == Some(NAMES[1 - at]) && !self.accepted[at].insert((generation, seq)) {
            self.fail('d', format!("{} took in number {seq} of generation {generation} twice", NAMES[at]));
        }
    }

    pub fn wishes(&mut self, now: Duration, at: usize, wishes: &[Wish]) {
        if wishes.len() > MOST_WISHES {
            self.fail('e', format!("{} answers one input with {} wishes", NAMES[at], wishes.len()));
        }
        let sends = wishes.iter().filter(|w| matches!(w, Wish::Send(_))).count();
        let lines = wishes.iter().map(|w| if let Wish::Log(lines, _) = w { *lines } else { 0 }).sum();
        let (sent, said) = (self.sent[at].add(now, sends), self.said[at].add(now, lines));
        if self.config.seats[at] == Kind::Model {
            return;
        }
        (self.most_sent, self.most_said) = (self.most_sent.max(sent), self.most_said.max(said));
        if sent > self.most_packets() {
            self.fail('e', format!("{} sends {sent} packets in a second", NAMES[at]));
        }
        if said > MOST_LINES {
            self.fail('e', format!("{} says {said} lines in a second", NAMES[at]));
        }
    }

    /// Packets in a second: heartbeats, as many answers, and what a burst of losses costs: each missing number
    /// is asked for once in `rexmit`, and at most 250 are missing.
    fn most_packets(&self) -> usize {
        let per_second = |interval: Duration| 1 + 1000 / interval.as_millis().max(1) as usize;
        100 + 4 * per_second(self.config.keepalive) + 250 * per_second(self.config.rexmit)
    }

    pub fn ticked(&mut self, now: Duration, next: Option<Duration>) {
        if next.is_none_or(|next| next > now) {
            return;
        }
        let (since, count) = self.idle_ticks;
        self.idle_ticks = (now, if since == now { count + 1 } else { 1 });
        if self.idle_ticks.1 > 20 {
            self.fail('e', "ticks do not move the next deadline".to_owned());
        }
    }

    // What must hold ----------------------------------------------------------------------------

    pub fn look(&mut self, now: Duration, nodes: &[Node; 2], cables: &Cables) -> Result<(), Failure> {
        self.look_for_paths(now, nodes, cables);
        self.look_for_excuses(now, nodes, cables);
        for group in 0..2 {
            if Blame::of(&self.config).has_nobody_else() {
                self.time_doubled(now, group, nodes);
                continue;
            }
            self.look_at_group(now, group, nodes[0].groups[group] && nodes[1].groups[group]);
        }
        self.broken.take().map_or(Ok(()), Err)
    }

    fn look_for_paths(&mut self, now: Duration, nodes: &[Node; 2], cables: &Cables) {
        let well = |n: &Node| {
            n.seat.as_ref().is_some_and(Seat::is_active) && n.asleep_until <= now && n.starved.is_zero()
        };
        let clear = nodes.iter().all(well) && (0..2).all(|n| cables.leads_from(n));
        if !clear {
            self.clear_since = None;
        } else if self.clear_since.is_none() {
            self.begin_anew(now);
        }
    }

    /// From now on each must hear the other, again.
    fn begin_anew(&mut self, now: Duration) {
        self.clear_since = Some(now);
        self.heard_at = [None; 2];
    }

    fn look_for_excuses(&mut self, now: Duration, nodes: &[Node; 2], cables: &Cables) {
        let silence = self.config.deadtime * 7 / 10;
        let lost = |at: usize| {
            let there = nodes[1 - at].seat.is_some() || nodes[1 - at].groups.contains(&true);
            nodes[at].seat.is_some() && there && now > self.status_at[at] + silence
        };
        let stray = nodes.iter().any(|n| n.seat.is_none() && n.groups.contains(&true));
        if lost(0) || lost(1) || stray || Blame::of(&self.config).bad_weather(cables) {
            self.excused_at = now;
        }
    }

    /// Two C daemons do as they like.
    fn time_doubled(&mut self, now: Duration, group: usize, nodes: &[Node; 2]) {
        let double = nodes.iter().all(|n| n.groups[group]);
        self.double_since[group] = self.double_since[group].filter(|_| double).or(double.then_some(now));
        self.doubled = self.doubled.max(self.double_since[group].map_or(Duration::ZERO, |since| now - since));
    }

    fn look_at_group(&mut self, now: Duration, group: usize, double: bool) {
        match (double, self.double_since[group]) {
            (false, _) => self.double_since[group] = None,
            (true, None) => self.two_owners_begin(now, group),
            (true, Some(since)) => self.two_owners_last(now, group, since),
        }
    }

    fn two_owners_begin(&mut self, now: Duration, group: usize) {
        self.double_since[group] = Some(now);
        if self.clear_since.is_some() {
            self.begin_anew(now);
        }
        let name = GROUPS[group];
        if self.config.fencing {
            return self.fail('c', format!("group {name} runs on both nodes, and there is a fencing device"));
        }
        if now > self.excused_at + self.bounds.echo {
            let ago = now - self.excused_at;
            self.fail(
                'a',
                format!("group {name} runs on both nodes without a reason (the last: {ago:?} ago)"),
            );
        }
    }

    fn two_owners_last(&mut self, now: Duration, group: usize, since: Duration) {
        self.doubled = self.doubled.max(now - since);
        let (Some(_), [Some(one), Some(other)]) = (self.clear_since, self.heard_at) else { return };
        let able = now.saturating_sub(one.max(other));
        self.longest = self.longest.max(able);
        if able > self.bounds.settle {
            let (name, for_all) = (GROUPS[group], now - since);
            self.fail(
                'a',
                format!(
                    "group {name} runs on both nodes for {for_all:?}, {able:?} of which each heard the other \
                     (allowed: {:?})",
                    self.bounds.settle
                ),
            );
        }
    }
}

/// What a C daemon in one of the seats alone is to blame for.
struct Blame {
    model: bool,
    both: bool,
}

impl Blame {
    fn of(config: &Config) -> Self {
        Self { model: config.seats.contains(&Kind::Model), both: config.seats == [Kind::Model; 2] }
    }

    /// After a false death two of them keep everything, for ever (8.9).
    fn has_nobody_else(&self) -> bool {
        self.both
    }

    /// It believes a `resource` message that comes late, sent again or overtaken, although a newer one told
    /// otherwise (5.2: no order), and takes what it thinks free: where packets get lost, overtake each other
    /// or come twice, two owners may begin at any time. They may not last.
    fn bad_weather(&self, cables: &Cables) -> bool {
        self.model && (cables.loss > 0.0 || cables.duplicate > 0.0 || cables.delay > ms(1))
    }
}
