//! What must hold of a pair whatever happens to it, looked at after each event.
//!
//! * (a) No group runs on two live nodes while a path is up. Two owners may *begin* only where it is explained: a
//!   node heard nothing of the other for most of the dead time, or services outlived their daemon. They may
//!   *last* only until the two can settle it: both daemons run and are active, both are awake, each has heard a
//!   status that the other sent since; then [`Bounds::settle`].
//!   And what ran twice does not stop on both: one keeps it. A group is not nowhere for longer than
//!   [`Bounds::gap`] from then on, while both are well, hear each other, and packets do not get lost.
//! * (c) With a fencing device nothing runs twice, ever, whatever happens.
//! * (d) A message is taken in once: each (generation, number) of the peer at most once in a life.
//! * (e) Bounded: wishes per input, packets and log lines per second, and a tick moves the next deadline.
//!
//! (b) and (f), what must hold in the end, are in `play` and `known`.
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
    /// For how long a group that ran twice may run nowhere: it may be handed over at once.
    pub gap: Duration,
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
        // In the old mode it begins anew, two seconds after it heard the other (7.7).
        let old = if config.failback.nice() { Duration::ZERO } else { ms(3000) };
        let asked = old + 4 * config.lag + 3 * config.rexmit + config.keepalive + 2 * script;
        Self {
            settle: if mixed { kin + asked } else { kin },
            gap: config.keepalive + 4 * script + ms(1500),
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
    /// The generation and the number of the newest status of the other, and when it came.
    newest: [(u64, u64); 2],
    status_at: [Duration; 2],
    /// A C daemon runs what it does not know of, until it begins anew.
    blamed: [bool; 2],
    /// Both could hear each other since.
    clear_since: Option<Duration>,
    /// When each first heard a status that was sent since then.
    heard_at: [Option<Duration>; 2],
    double_since: [Option<Duration>; 2],
    /// A group ran twice a moment ago.
    settled_at: [Option<Duration>; 2],
    nowhere_since: [Option<Duration>; 2],
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
            newest: [(0, 0); 2],
            status_at: [now; 2],
            blamed: [false; 2],
            clear_since: None,
            heard_at: [None; 2],
            double_since: [None; 2],
            settled_at: [None; 2],
            nowhere_since: [None; 2],
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
        self.config.seed.is_multiple_of(3)
    }

    fn fail(&mut self, property: char, text: String) {
        self.broken.get_or_insert(Failure { property, text });
    }

    // What is seen ------------------------------------------------------------------------------

    pub fn begins(&mut self, node: usize, now: Duration) {
        self.began_at[node] = now;
        self.status_at[node] = now;
        self.newest[node] = (0, 0);
        self.blamed[node] = false;
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
        let number = (message.hex("hg").unwrap_or(0), message.hex("seq").unwrap_or(0));
        if number <= self.newest[at] {
            return;
        }
        self.newest[at] = number;
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
        self.look_for_blame(nodes, cables);
        for group in 0..2 {
            if Blame::of(&self.config).has_nobody_else() || self.blamed.contains(&true) {
                self.time_doubled(now, group, nodes);
                continue;
            }
            self.look_for_lost(now, group, nodes, cables);
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
        let unsaid = nodes.iter().any(|n| n.seat.as_ref().is_some_and(Seat::takes_unsaid));
        let impatient = (0..2).any(|at| Blame::of(&self.config).is_impatient(at, nodes));
        if lost(0) || lost(1) || stray || unsaid || impatient || Blame::of(&self.config).bad_weather(cables) {
            self.excused_at = now;
        }
    }

    /// The operator is to restart it.
    pub fn is_blamed(&self, node: usize) -> bool {
        self.blamed[node]
    }

    fn look_for_blame(&mut self, nodes: &[Node; 2], cables: &Cables) {
        for at in 0..2 {
            let Some(seat) = nodes[at].seat.as_ref() else { continue };
            let beside = &nodes[1 - at];
            let blamed = Blame::of(&self.config).takes_unasked(at, seat, beside, cables);
            self.blamed[at] |= seat.has_raced() || blamed;
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
            (false, None) => {}
            (false, Some(_)) => {
                self.double_since[group] = None;
                self.settled_at[group] = Some(now);
            }
            (true, None) => self.two_owners_begin(now, group),
            (true, Some(since)) => self.two_owners_last(now, group, since),
        }
    }

    /// Between two of ours: a C daemon restarts after a partition, and nobody has its groups for a while. In the old
    /// mode so does ours.
    fn look_for_lost(&mut self, now: Duration, group: usize, nodes: &[Node; 2], cables: &Cables) {
        let undisturbed = self.clear_since.is_some()
            && cables.loss == 0.0
            && !nodes.iter().any(|n| n.failed[group] || n.no_start[group])
            && self.config.failback.nice()
            && self.config.seats == [Kind::Ours; 2];
        if !undisturbed || nodes.iter().any(|n| n.groups[group]) {
            self.nowhere_since[group] = None;
            let ago = |at: &Duration| now - *at < self.bounds.settle;
            self.settled_at[group] = self.settled_at[group].filter(|at| undisturbed && ago(at));
            return;
        }
        let since = *self.nowhere_since[group].get_or_insert(now);
        if self.settled_at[group].is_some() && now - since > self.bounds.gap {
            let (name, gap) = (GROUPS[group], now - since);
            self.fail('a', format!("group {name} ran on both nodes, and runs nowhere for {gap:?} now"));
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
struct Blame<'a> {
    config: &'a Config,
    model: bool,
}

impl<'a> Blame<'a> {
    fn of(config: &'a Config) -> Self {
        Self { config, model: config.seats.contains(&Kind::Model) }
    }

    /// After a false death two of them keep everything, for ever (8.9).
    fn has_nobody_else(&self) -> bool {
        self.config.seats == [Kind::Model; 2]
    }

    /// It believes a `resource` message that comes late, sent again or overtaken, although a newer one told
    /// otherwise (5.2: no order), and takes what it thinks free: where packets get lost, overtake each other
    /// or come twice, two owners may begin at any time. They may not last.
    fn bad_weather(&self, cables: &Cables) -> bool {
        self.model && (cables.loss > 0.0 || cables.duplicate > 0.0 || cables.delay > ms(1))
    }

    /// It takes its own groups ten seconds after its start, also from a node that is still letting them go (8.3).
    fn is_impatient(&self, at: usize, nodes: &[Node; 2]) -> bool {
        let (here, beside) = (&nodes[at], &nodes[1 - at]);
        let leaves = beside.seat.as_ref().is_some_and(|seat| !seat.is_active());
        let starts = here.seat.as_ref().is_some_and(Seat::is_active);
        self.config.seats[at] == Kind::Model && starts && leaves && beside.groups.contains(&true)
    }

    /// In the old mode nobody says what is held. A C daemon that starts goes up on the first packet that gets through,
    /// whatever it is, and takes its groups without asking when that was no `active` status: where packets get lost
    /// then, or a direction is cut, or the other reloads, it may run them beside the other for ever.
    fn takes_unasked(&self, at: usize, seat: &Seat, beside: &Node, cables: &Cables) -> bool {
        let model = self.config.seats[at] == Kind::Model && !self.config.failback.nice();
        let reloads = beside.groups.contains(&true) && !beside.seat.as_ref().is_some_and(Seat::is_active);
        let unheard = self.bad_weather(cables) || (0..2).any(|n| !cables.leads_from(n));
        model && !seat.is_active() && (unheard || reloads)
    }
}
