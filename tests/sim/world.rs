//! Two engines in virtual time: cables that lose, delay, duplicate and cut; scripts that take their
//! time; a power switch. Messages travel as signed bytes. Hours run in milliseconds; every drive is
//! bounded, so that a livelock fails.

use heartbeat::engine::{
    Action, CAUSE, Ending, Engine, Failback, Hold, Input, Job, JobId, NodeKind, NodeSpec, Now, Settings,
    Treatment, Verb,
};
use heartbeat::level::Level;
use heartbeat::wire::{self, Format, Key, Keys, Message, Method};
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

pub const KEEPALIVE: Duration = Duration::from_millis(500);
pub const DEADTIME: Duration = Duration::from_millis(3000);
pub const INITDEAD: Duration = Duration::from_millis(6000);
/// More events than any scenario needs.
const MOST_EVENTS: usize = 2_000_000;

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// What a cable does to each datagram, per direction.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    pub up: bool,
    pub loss: f64,
    pub duplicate: f64,
    pub delay: Duration,
    pub jitter: Duration,
}

impl Weather {
    pub const FAIR: Weather = Weather {
        up: true,
        loss: 0.0,
        duplicate: 0.0,
        delay: Duration::from_micros(200),
        jitter: Duration::ZERO,
    };
    pub const CUT: Weather = Weather { up: false, ..Weather::FAIR };
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Deliver {
        to: usize,
        link: usize,
        bytes: Vec<u8>,
    },
    /// A message from a script of that life of a node.
    Local {
        node: usize,
        life: u64,
        message: Vec<u8>,
    },
    Done {
        node: usize,
        life: u64,
        id: JobId,
        well: bool,
    },
    /// The fencing device has done what that node asked for, or has failed.
    Shot {
        node: usize,
        life: u64,
        id: JobId,
    },
    Script {
        node: usize,
        life: u64,
        owner: usize,
        up: bool,
    },
    Boot {
        node: usize,
        life: u64,
        resumed: Option<u8>,
    },
    /// The ping node answers.
    Echo {
        node: usize,
        life: u64,
        ts: String,
    },
}

pub struct SimNode {
    pub engine: Option<Engine>,
    /// Rises with each start: what belongs to an earlier life is void.
    pub life: u64,
    pub generation: u64,
    /// Paused until then: nothing is processed.
    pub paused_until: Duration,
    waiting: Vec<(usize, Vec<u8>)>,
    /// Groups that run here, by their owner's index. They outlive the daemon, not the power.
    pub groups: BTreeSet<usize>,
    pub log: Vec<(Duration, Level, String)>,
    pub endings: Vec<Ending>,
    /// What its clients listen to, and what they heard.
    pub listeners: u8,
    pub delivered: Vec<(Message, Treatment)>,
    /// Clients were told to wait: each change.
    pub pauses: Vec<bool>,
    /// Questions of the peer for a client here.
    pub queries: Vec<Message>,
    /// What `delhostcache` says.
    pub deleted: Option<String>,
    /// It finds out beforehand that it cannot take groups.
    pub unable: bool,
    /// Scripts of groups fail to start here; half a minute later they ask for a standby.
    pub broken: bool,
    /// The ping node answers this node.
    pub pingable: bool,
    /// Resets of the other node that were done for this one.
    pub shots: usize,
    /// What the next life is to know: something failed.
    pub failed: bool,
    /// What the next life is told first.
    pub remembered: Option<Input>,
}

pub struct World {
    pub now: Duration,
    pub nodes: Vec<SimNode>,
    /// `cables[link][from]`: weather of what that node sends over that link.
    pub cables: Vec<[Weather; 2]>,
    pub failback: Failback,
    /// Which sets have groups, seen from the first node. (The other one is held too.)
    pub filled: Hold,
    pub script_time: Duration,
    /// What a look ahead takes.
    pub prepare_time: Duration,
    /// `false`: the daemons are started with -M.
    pub manages: bool,
    /// Added to each script: a random part of this.
    pub script_jitter: Duration,
    pub deadtime: Duration,
    /// A ping node is configured.
    pub pings: bool,
    /// It is listed behind the members.
    pub pings_last: bool,
    pub deadping: Duration,
    /// The hook that takes a dead node's groups never says that it is done.
    pub mute_mach_down: bool,
    /// Nothing is in `rc.d`.
    pub hookless: bool,
    /// A fencing device is configured.
    pub fencing: bool,
    /// Its chance to fail, and how long it takes.
    pub misfire: f64,
    pub reset_time: Duration,
    /// Resets that were asked for.
    pub aimed: usize,
    /// Jobs run so far.
    pub jobs: usize,
    /// Times at which both nodes ran a group: (from, to).
    pub doubles: Vec<(Duration, Duration)>,
    double_since: Option<Duration>,
    random: fastrand::Rng,
    queue: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    serial: u64,
    events: usize,
    keys: Keys,
    /// Every datagram that was sent: by whom, and its bytes. What an attacker could have recorded.
    pub tape: Vec<(usize, Vec<u8>)>,
}

const NAMES: [&str; 2] = ["a1", "a2"];
/// The ping node.
pub const PINGED: &str = "10.0.0.254";

impl World {
    pub fn new(failback: Failback, links: usize, seed: u64) -> Self {
        let node = |_| SimNode {
            engine: None,
            life: 0,
            generation: 100,
            paused_until: Duration::ZERO,
            waiting: Vec::new(),
            groups: BTreeSet::new(),
            log: Vec::new(),
            endings: Vec::new(),
            listeners: 0,
            delivered: Vec::new(),
            pauses: Vec::new(),
            queries: Vec::new(),
            deleted: None,
            unable: false,
            broken: false,
            pingable: true,
            shots: 0,
            failed: false,
            remembered: None,
        };
        Self {
            now: Duration::from_secs(1000),
            nodes: (0..2).map(node).collect(),
            cables: vec![[Weather::FAIR; 2]; links],
            failback,
            filled: Hold::All,
            script_time: ms(40),
            prepare_time: ms(1),
            manages: true,
            script_jitter: Duration::ZERO,
            deadtime: DEADTIME,
            pings: false,
            pings_last: true,
            deadping: DEADTIME,
            mute_mach_down: false,
            hookless: false,
            fencing: false,
            misfire: 0.0,
            reset_time: ms(300),
            aimed: 0,
            jobs: 0,
            doubles: Vec::new(),
            double_since: None,
            random: fastrand::Rng::with_seed(seed),
            queue: BinaryHeap::new(),
            serial: 0,
            events: 0,
            keys: Keys::new(1, [(1, Key::new(Method::Sha1, "simulated"))]).unwrap(),
            tape: Vec::new(),
        }
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    pub fn random(&mut self) -> &mut fastrand::Rng {
        &mut self.random
    }

    fn at(&mut self, when: Duration, event: Event) {
        self.serial += 1;
        self.queue.push(Reverse((when, self.serial, event)));
    }

    fn moment(&self) -> Now {
        Now { mono: self.now, wall: 1_700_000_000 + self.now.as_secs() }
    }

    fn settings(&mut self, node: usize, resumed: Option<Hold>) -> Settings {
        let spec = |name: &str, kind| NodeSpec { name: name.to_owned(), kind };
        let members = NAMES.iter().map(|n| spec(n, NodeKind::Normal));
        let mut nodes: Vec<_> = members.collect();
        if self.pings {
            nodes.insert(if self.pings_last { nodes.len() } else { 0 }, spec(PINGED, NodeKind::Ping));
        }
        let stock = ["status", "ip-request", "ip-request-resp", "ask_resources", "hb_takeover"];
        let hooks = if self.hookless { &[] } else { stock.as_slice() };
        Settings {
            me: NAMES[node].to_owned(),
            uuid: [node as u8 + 1; 16],
            generation: self.nodes[node].generation,
            nodes,
            links: (0..self.cables.len()).map(|l| format!("eth{l}")).collect(),
            keepalive: KEEPALIVE,
            deadtime: self.deadtime,
            warntime: self.deadtime / 2,
            initdead: INITDEAD,
            deadping: self.deadping,
            failback: self.failback,
            hopfudge: 1,
            max_rexmit_delay: ms(250),
            packing: heartbeat::wire::Packing::default(),
            hooks: hooks.iter().map(|kind| (*kind).to_owned()).collect(),
            resumed,
            failed: resumed.is_some() && std::mem::take(&mut self.nodes[node].failed),
            manages: self.manages,
            groups: if node == 0 { self.filled } else { self.filled.mirror() },
            fencing: self.fencing,
            pid: 1,
            seed: self.random.u64(..),
        }
    }

    // What a test does --------------------------------------------------------------------------

    pub fn start(&mut self, node: usize) {
        self.boot(node, None);
    }

    /// Starts a node that knows how far its peer had come.
    pub fn start_remembering(&mut self, node: usize, remembered: Input) {
        self.nodes[node].remembered = Some(remembered);
        self.boot(node, None);
    }

    fn boot(&mut self, node: usize, resumed: Option<Hold>) {
        self.nodes[node].generation += 1;
        self.nodes[node].life += 1;
        self.nodes[node].waiting.clear();
        let settings = self.settings(node, resumed);
        let engine = Engine::new(settings, self.moment()).unwrap();
        self.nodes[node].engine = Some(engine);
        let mask = self.nodes[node].listeners;
        self.nodes[node].pauses.clear();
        self.feed(node, Input::Listeners(mask));
        self.feed(node, Input::Load("0.00 0.00 0.00 1/1 1".to_owned()));
        if let Some(remembered) = self.nodes[node].remembered.take() {
            self.feed(node, remembered);
        }
        self.feed(node, Input::Start);
    }

    /// Power off: the daemon and every service of the node are gone, nothing says goodbye.
    pub fn crash(&mut self, node: usize) {
        self.kill(node);
        self.nodes[node].groups.clear();
        self.watch();
    }

    /// The daemon dies, its services stay.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].engine = None;
        self.nodes[node].life += 1;
    }

    pub fn ask(&mut self, node: usize, message: Message) {
        self.feed(node, Input::Local(message));
    }

    pub fn standby(&mut self, node: usize, set: &str) {
        self.ask(node, Message::of("ask_resources").with("rsc_hold", set).with("info", "me"));
    }

    pub fn takeover(&mut self, node: usize, set: &str) {
        self.ask(node, Message::of("hb_takeover").with("rsc_hold", set));
    }

    pub fn stop(&mut self, node: usize) {
        self.feed(node, Input::Shutdown);
    }

    pub fn reload(&mut self, node: usize) {
        self.feed(node, Input::Reload);
    }

    pub fn pause(&mut self, node: usize, how_long: Duration) {
        self.nodes[node].paused_until = self.now + how_long;
    }

    pub fn weather(&mut self, weather: Weather) {
        for cable in &mut self.cables {
            *cable = [weather; 2];
        }
    }

    /// Lets time pass.
    pub fn run(&mut self, how_long: Duration) {
        let end = self.now + how_long;
        while let Some(next) = self.next_moment().filter(|t| *t <= end) {
            self.events += 1;
            assert!(self.events < MOST_EVENTS, "livelock at {:?}\n{}", self.now, self.story());
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    /// Lets time pass until `condition` holds; the wait is bounded.
    pub fn run_until(&mut self, what: &str, limit: Duration, condition: impl Fn(&World) -> bool) {
        let end = self.now + limit;
        while !condition(self) {
            assert!(self.now < end, "not within {limit:?}: {what}\n{}", self.story());
            self.run(ms(50));
        }
    }

    // What a test sees --------------------------------------------------------------------------

    /// Which nodes run the group of `owner`.
    pub fn holders(&self, owner: usize) -> Vec<usize> {
        (0..2).filter(|n| self.nodes[*n].groups.contains(&owner)).collect()
    }

    /// `["a1 holds ..", ..]` in two characters a node, e.g. `"0 1"`, `"01 -"`.
    pub fn layout(&self) -> String {
        let show = |n: &SimNode| match n.groups.iter().map(usize::to_string).collect::<String>() {
            empty if empty.is_empty() => "-".to_owned(),
            groups => groups,
        };
        format!("{} {}", show(&self.nodes[0]), show(&self.nodes[1]))
    }

    pub fn calm(&self) -> bool {
        self.nodes.iter().all(|n| n.engine.as_ref().is_none_or(|e| e.is_stable() && e.status() == "active"))
    }

    /// Between two lives of the same process.
    pub fn restarting(&self, node: usize) -> bool {
        let life = self.nodes[node].life;
        let boots = |e: &Event| matches!(e, Event::Boot { node: n, life: l, .. } if *n == node && *l == life);
        self.queue.iter().any(|Reverse((_, _, event))| boots(event))
    }

    /// Resets that were done.
    pub fn shots(&self) -> usize {
        self.nodes.iter().map(|n| n.shots).sum()
    }

    pub fn running(&self, node: usize) -> bool {
        self.nodes[node].engine.is_some()
    }

    pub fn logged(&self, node: usize, text: &str) -> usize {
        self.nodes[node].log.iter().filter(|(_, _, line)| line.contains(text)).count()
    }

    pub fn errors(&self, node: usize) -> Vec<&str> {
        let grave = |l: &Level| *l <= Level::Error;
        self.nodes[node].log.iter().filter(|(_, l, _)| grave(l)).map(|(_, _, t)| t.as_str()).collect()
    }

    /// Both logs, interleaved: what a failing test shows.
    pub fn story(&self) -> String {
        let mut lines: Vec<_> = (0..2).flat_map(|n| self.nodes[n].log.iter().map(move |l| (l, n))).collect();
        lines.sort_by_key(|((at, _, _), _)| *at);
        let show = |((at, level, text), n): &(&(Duration, Level, String), usize)| {
            format!("{:>12.3} {} {}: {text}\n", at.as_secs_f64(), NAMES[*n], level.word())
        };
        lines.iter().map(show).collect()
    }

    // The machinery -----------------------------------------------------------------------------

    fn awake(&self, node: usize) -> bool {
        self.nodes[node].paused_until <= self.now
    }

    fn next_moment(&self) -> Option<Duration> {
        let queued = self.queue.peek().map(|Reverse((at, _, _))| *at);
        let ticks = self.nodes.iter().filter_map(|n| {
            let due = n.engine.as_ref()?.next_deadline()?;
            Some(due.max(n.paused_until))
        });
        ticks.chain(queued).min()
    }

    fn step(&mut self) {
        while let Some(Reverse((at, _, _))) = self.queue.peek() {
            if *at > self.now {
                break;
            }
            let Some(Reverse((_, _, event))) = self.queue.pop() else {
                break;
            };
            self.happen(event);
        }
        for node in 0..2 {
            self.wake(node);
        }
    }

    fn wake(&mut self, node: usize) {
        if !self.awake(node) {
            return;
        }
        for (link, bytes) in std::mem::take(&mut self.nodes[node].waiting) {
            self.hear(node, link, &bytes);
        }
        let due = self.nodes[node].engine.as_ref().and_then(|e| e.next_deadline());
        if due.is_some_and(|due| due <= self.now) {
            self.feed(node, Input::Tick);
        }
    }

    fn happen(&mut self, event: Event) {
        let alive = |w: &Self, node: usize, life: u64| w.nodes[node].life == life;
        match event {
            Event::Deliver { to, link, bytes } => self.nodes[to].waiting.push((link, bytes)),
            Event::Local { node, life, message } if alive(self, node, life) => {
                let message = wire::parse(&message).unwrap();
                self.feed(node, Input::Local(message));
            }
            Event::Done { node, life, id, well } if alive(self, node, life) => {
                self.feed(node, if well { Input::JobDone(id) } else { Input::JobFailed(id) })
            }
            Event::Shot { node, life, id } if alive(self, node, life) => self.shoot(node, id),
            Event::Script { node, life, owner, up } if alive(self, node, life) => {
                if up {
                    self.nodes[node].groups.insert(owner);
                } else {
                    self.nodes[node].groups.remove(&owner);
                }
                self.watch();
            }
            Event::Echo { node, life, ts } if !self.awake(node) => {
                self.at(self.nodes[node].paused_until, Event::Echo { node, life, ts });
            }
            Event::Echo { node, life, ts } if alive(self, node, life) => {
                let message = Message::of("NS_st").with("st", "ping").with("info", "ping");
                let message = message.with("src", PINGED).with("ts", &ts);
                self.feed(node, Input::Received { link: PINGED.to_owned(), message });
            }
            Event::Boot { node, life, resumed } if alive(self, node, life) => {
                let holds = [Hold::None, Hold::Local, Hold::Foreign, Hold::All];
                self.boot(node, resumed.map(|at| holds[usize::from(at)]));
            }
            _ => {}
        }
    }

    fn hear(&mut self, node: usize, link: usize, bytes: &[u8]) {
        if let Ok(message) = wire::decode(bytes, &self.keys) {
            self.feed(node, Input::Received { link: format!("eth{link}"), message });
        }
    }

    fn feed(&mut self, node: usize, input: Input) {
        let now = self.moment();
        let Some(engine) = self.nodes[node].engine.as_mut() else {
            return;
        };
        for action in engine.handle(now, input) {
            self.carry_out(node, action);
        }
    }

    fn carry_out(&mut self, node: usize, action: Action) {
        match action {
            Action::Send(mut message) => {
                self.ping(node, &message);
                wire::seal(&mut message, Format::Classic, &self.keys);
                let bytes = wire::encode(&message, &self.keys).unwrap();
                self.transmit(node, &bytes);
            }
            Action::Run { id, job } => self.run_job(node, id, &job),
            Action::Note(note) => {
                let now = self.now;
                let lines = note.lines().into_iter().map(|(level, text)| (now, level, text));
                self.nodes[node].log.extend(lines);
            }
            Action::StartClients => {}
            Action::Deliver { message, treatment } => {
                let wanted = self.nodes[node].listeners & treatment.bit() != 0;
                assert!(wanted, "{treatment:?} was told to nobody: {message:?}");
                self.nodes[node].delivered.push((message, treatment));
            }
            Action::QueryClient(query) => self.nodes[node].queries.push(query),
            Action::PauseClients(pause) => {
                assert_ne!(self.nodes[node].pauses.last().unwrap_or(&false), &pause, "{}", self.story());
                self.nodes[node].pauses.push(pause);
            }
            Action::KeepDeleted(text) => self.nodes[node].deleted = Some(text),
            Action::StopClients => self.feed(node, Input::ClientsStopped),
            Action::End(ending) => self.end(node, ending),
        }
    }

    /// With each own status the ping medium asks.
    fn ping(&mut self, node: usize, message: &Message) {
        let own = message.kind() == Some("status");
        if let Some(ts) = message.text("ts").filter(|_| own && self.pings && self.nodes[node].pingable) {
            let (life, ts) = (self.nodes[node].life, ts.to_owned());
            self.at(self.now + ms(1), Event::Echo { node, life, ts });
        }
    }

    /// Clients of this node listen to this from now on; what they heard is forgotten.
    pub fn listen(&mut self, node: usize, mask: u8) {
        self.nodes[node].listeners = mask;
        self.nodes[node].delivered.clear();
        self.feed(node, Input::Listeners(mask));
    }

    /// What clients of this node heard, in short: `t`, then each of `src`, `node`, `st`, `info` that is there.
    pub fn heard(&self, node: usize) -> Vec<String> {
        let short = |m: &Message| {
            let words = ["t", "src", "node", "st", "info"].into_iter().filter_map(|name| m.text(name));
            words.collect::<Vec<_>>().join(" ")
        };
        self.nodes[node].delivered.iter().map(|(m, _)| short(m)).collect()
    }

    pub fn engine(&self, node: usize) -> &Engine {
        self.nodes[node].engine.as_ref().unwrap()
    }

    /// A message arrives at this node, as it is.
    pub fn inject(&mut self, node: usize, link: &str, message: Message) {
        self.feed(node, Input::Received { link: link.to_owned(), message });
    }

    fn end(&mut self, node: usize, ending: Ending) {
        self.nodes[node].engine = None;
        self.nodes[node].life += 1;
        self.nodes[node].endings.push(ending);
        let life = self.nodes[node].life;
        match ending {
            Ending::Stop => {}
            Ending::Restart => {
                let pause = self.deadtime + Duration::from_secs(1);
                self.at(self.now + pause, Event::Boot { node, life, resumed: None });
            }
            Ending::Reload { held, failed } => {
                self.nodes[node].failed = failed;
                let at = match held {
                    Hold::None => 0,
                    Hold::Local => 1,
                    Hold::Foreign => 2,
                    Hold::All => 3,
                };
                self.at(self.now + ms(50), Event::Boot { node, life, resumed: Some(at) });
            }
        }
    }

    /// What was sent arrives once more at that node.
    pub fn replay(&mut self, node: usize, link: usize, bytes: &[u8]) {
        self.hear(node, link, bytes);
    }

    fn transmit(&mut self, from: usize, bytes: &[u8]) {
        self.tape.push((from, bytes.to_vec()));
        for link in 0..self.cables.len() {
            let weather = self.cables[link][from];
            self.at(self.now, Event::Deliver { to: from, link, bytes: bytes.to_vec() });
            if !weather.up || self.random.f64() < weather.loss {
                continue;
            }
            let copies = if self.random.f64() < weather.duplicate { 2 } else { 1 };
            for _ in 0..copies {
                let jitter = Duration::from_micros(self.random.u64(0..=weather.jitter.as_micros() as u64));
                let event = Event::Deliver { to: 1 - from, link, bytes: bytes.to_vec() };
                self.at(self.now + weather.delay + jitter, event);
            }
        }
    }

    fn script(&mut self) -> Duration {
        let jitter = self.random.u64(0..=self.script_jitter.as_micros() as u64);
        self.script_time + Duration::from_micros(jitter)
    }

    /// The stock scripts, played: which groups go up and down, what is said, how long it takes.
    fn run_job(&mut self, node: usize, id: JobId, job: &Job) {
        let (mut at, mut well) = (self.now, true);
        self.jobs += 1;
        match job {
            Job::AcquireLocal { nice, dont_ask } => {
                at += self.script();
                if !self.nodes[node].groups.contains(&node) {
                    let kind = if *nice || *dont_ask { "ip-request-resp" } else { "ip-request" };
                    let mut message = Message::of(kind);
                    if kind == "ip-request-resp" {
                        message = message.with("dest", NAMES[node]).with("weown", "yes").with("ok", "OK");
                    }
                    self.say(node, at, message.with("ipaddr", &node.to_string()));
                }
            }
            Job::Standby { verb, set } => {
                for owner in groups_of(node, *set) {
                    at += self.script();
                    self.plays(node, at, owner, *verb == Verb::Take);
                }
            }
            Job::ReleaseLeftovers => {
                for owner in self.nodes[node].groups.clone() {
                    at += self.script();
                    self.plays(node, at, owner, false);
                }
            }
            Job::GiveUpAll => {
                for owner in 0..2 {
                    at += self.script();
                    self.plays(node, at, owner, false);
                }
            }
            Job::Hook { kind, env } => at = self.hook(node, kind, env),
            Job::Reset { node: target } => {
                assert_eq!(target, NAMES[1 - node]);
                self.aimed += 1;
                at += self.reset_time;
                let life = self.nodes[node].life;
                return self.at(at, Event::Shot { node, life, id });
            }
            Job::CheckDevice => at += ms(100),
            Job::Announce { .. } => at += ms(800),
            Job::Prepare { .. } => {
                at += self.prepare_time;
                well = !self.nodes[node].unable;
            }
        }
        let life = self.nodes[node].life;
        self.at(at, Event::Done { node, life, id, well });
    }

    /// The device takes the other node's power away, or fails to.
    fn shoot(&mut self, node: usize, id: JobId) {
        if self.misfire > 0.0 && self.random.f64() < self.misfire {
            return self.feed(node, Input::JobFailed(id));
        }
        self.nodes[node].shots += 1;
        self.crash(1 - node);
        self.feed(node, Input::JobDone(id));
    }

    fn hook(&mut self, node: usize, kind: &str, env: &[(String, String)]) -> Duration {
        let value = |name: &str| env.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str());
        let mut at = self.now + ms(2);
        let from = NAMES.iter().position(|n| *n == value("HA_src"));
        match (kind, from) {
            ("status", Some(dead)) if value("HA_st") == "dead" => {
                at += self.script();
                self.plays(node, at, dead, true);
                if value("HA_NICEFAILBACK") == "yes" && !self.mute_mach_down {
                    self.say(
                        node,
                        at,
                        Message::of("resource").with("rsc_hold", "foreign").with("info", "mach_down"),
                    );
                }
            }
            ("ip-request-resp", _) if value("HA_dest") == NAMES[node] => {
                at += self.script();
                let owner = value("HA_ipaddr").parse().unwrap();
                self.plays(node, at, owner, true);
            }
            ("ip-request", Some(asker)) => {
                let owner: usize = value("HA_ipaddr").parse().unwrap();
                let own = self.nodes[node].groups.contains(&owner);
                at += self.script();
                if own {
                    self.plays(node, at, owner, false);
                }
                let answer = Message::of("ip-request-resp")
                    .with("dest", NAMES[asker])
                    .with("ipaddr", value("HA_ipaddr"))
                    .with("weown", if own { "yes" } else { "no" })
                    .with("ok", "OK");
                self.say(node, at, answer);
            }
            ("hb_takeover", Some(asker)) if asker != node => {
                let set = match value("HA_rsc_hold") {
                    "local" => "foreign",
                    "foreign" => "local",
                    _ => "all",
                };
                self.say(node, at, Message::of("ask_resources").with("rsc_hold", set).with("info", "me"));
            }
            _ => {}
        }
        at
    }

    fn plays(&mut self, node: usize, at: Duration, owner: usize, up: bool) {
        let life = self.nodes[node].life;
        if up && self.nodes[node].broken && !self.nodes[node].groups.contains(&owner) {
            let offer = Message::of("ask_resources").with("rsc_hold", "foreign").with("info", "me");
            return self.say(node, at + ms(30_000), offer.with(CAUSE.0, CAUSE.1));
        }
        self.at(at, Event::Script { node, life, owner, up });
    }

    fn say(&mut self, node: usize, at: Duration, message: Message) {
        let life = self.nodes[node].life;
        self.at(at, Event::Local { node, life, message: wire::encode_local(&message).unwrap() });
    }

    /// Keeps the account of times at which a group ran twice.
    fn watch(&mut self) {
        let double = (0..2).any(|owner| self.holders(owner).len() > 1);
        match (double, self.double_since) {
            (true, None) => self.double_since = Some(self.now),
            (false, Some(since)) => {
                self.doubles.push((since, self.now));
                self.double_since = None;
            }
            _ => {}
        }
    }

    /// No group ran twice for a moment, from the beginning until now.
    pub fn assert_never_double(&self) {
        assert!(
            self.doubles.is_empty() && self.double_since.is_none(),
            "two owners: {:?}\n{}",
            self.doubles,
            self.story()
        );
    }
}

fn groups_of(node: usize, set: Hold) -> Vec<usize> {
    match set {
        Hold::None => vec![],
        Hold::Local => vec![node],
        Hold::Foreign => vec![1 - node],
        Hold::All => vec![0, 1],
    }
}
