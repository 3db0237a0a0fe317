//! The pair in virtual time: machines, sockets, cables and a clock. What a seat wishes is carried out here;
//! scripts are played in `jobs`, trouble comes in `trouble`, properties are watched in `watch`.

use super::cables::Cables;
use super::script::{Config, NAMES, ms};
use super::seat::{Seat, Wish};
use super::watch::{Failure, Watch};
use heartbeat::engine::{Ending, Hold, Input, JobId, Mark, NodeKind, NodeSpec, Now, Settings};
use heartbeat::level::Level;
use heartbeat::wire::{self, Format, Key, Keys, Message, Method};
use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

/// Datagrams that wait in a socket; more are lost.
const SOCKET: usize = 256;
/// The ping node.
const PINGED: &str = "10.0.0.254";
/// Power comes back after this.
const REBOOT: Duration = Duration::from_secs(15);
/// Packets kept to be sent again long after.
const MEMORY: usize = 200;
/// The beginning: no time is zero.
pub const BEGIN: Duration = Duration::from_secs(1000);

#[derive(Clone)]
pub enum Packet {
    Plain(Rc<Message>),
    Signed(Rc<Vec<u8>>),
}

pub enum Event {
    Deliver {
        to: usize,
        link: usize,
        sent: Duration,
        packet: Packet,
    },
    /// For the daemon of that life.
    Input {
        node: usize,
        life: u64,
        input: Input,
    },
    /// A script of that life of the machine starts or stops a group.
    Group {
        node: usize,
        power: u64,
        owner: usize,
        up: bool,
    },
    /// A machine of that life tells the neighbourhood once more where groups are.
    Told {
        node: usize,
        power: u64,
        set: Hold,
        for_peer: bool,
    },
    /// The fencing device is done.
    Shot {
        node: usize,
        life: u64,
        id: JobId,
    },
    /// The machine has power again, or the daemon begins anew.
    Boot {
        node: usize,
        life: u64,
        resumed: Option<Hold>,
    },
    /// Time to look what waits at a node.
    Look,
}

struct Entry {
    at: Duration,
    serial: u64,
    event: Event,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.serial == other.serial
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    /// The earliest is the greatest: that is the one a heap gives first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.serial).cmp(&(self.at, self.serial))
    }
}

pub(super) enum Waiting {
    Datagram { link: usize, sent: Duration, packet: Packet },
    Input { life: u64, input: Input },
}

pub struct Node {
    pub seat: Option<Seat>,
    /// Rises when a daemon begins or ends: what was meant for an earlier one is void.
    pub life: u64,
    /// Rises with each loss of power: scripts of before are gone.
    pub power: u64,
    generation: u64,
    /// What the last life knew of its peers; it is kept on disk.
    marks: Vec<Mark>,
    /// Groups that run here. They outlive the daemon, not the power.
    pub groups: [bool; 2],
    pub no_start: [bool; 2],
    pub no_stop: [bool; 2],
    /// What the last life handed down: something is to be tried again.
    retries: bool,
    /// A start failed, and nobody has looked after it yet.
    pub failed: [bool; 2],
    pub(super) waiting: VecDeque<Waiting>,
    datagrams: usize,
    pub asleep_until: Duration,
    pub(super) deaf: bool,
    /// The daemon runs late, by up to this.
    pub starved: Duration,
    runs_at: Duration,
    pub(super) clock: i64,
    pub(super) pingable: bool,
}

pub struct World {
    pub now: Duration,
    pub config: Config,
    pub nodes: [Node; 2],
    /// Where the neighbourhood believes each group to be: at whom it was told of last.
    pub told: [Option<usize>; 2],
    pub cables: Cables,
    pub random: fastrand::Rng,
    pub watch: Watch,
    /// Log lines are kept, for somebody to read.
    pub reads: bool,
    pub log: Vec<(Duration, usize, Level, String)>,
    queue: BinaryHeap<Entry>,
    serial: u64,
    keys: Keys,
    pub(super) memory: Vec<(usize, Packet)>,
    hooks: Vec<String>,
}

fn node() -> Node {
    Node {
        seat: None,
        life: 0,
        power: 0,
        generation: 100,
        marks: Vec::new(),
        groups: [false; 2],
        retries: false,
        no_start: [false; 2],
        no_stop: [false; 2],
        failed: [false; 2],
        waiting: VecDeque::new(),
        datagrams: 0,
        asleep_until: Duration::ZERO,
        deaf: false,
        starved: Duration::ZERO,
        runs_at: Duration::ZERO,
        clock: 0,
        pingable: true,
    }
}

impl World {
    pub fn new(config: Config, reads: bool) -> Self {
        let hooks = ["status", "ip-request", "ip-request-resp", "ask_resources", "hb_takeover"];
        Self {
            now: BEGIN,
            nodes: [node(), node()],
            told: [None; 2],
            cables: Cables::new(config.links),
            random: fastrand::Rng::with_seed(config.seed),
            watch: Watch::new(&config, BEGIN),
            reads,
            log: Vec::new(),
            queue: BinaryHeap::new(),
            serial: 0,
            keys: Keys::new(1, [(1, Key::new(Method::Sha1, "simulated"))]).unwrap(),
            memory: Vec::new(),
            hooks: hooks.map(str::to_owned).to_vec(),
            config,
        }
    }

    pub fn at(&mut self, when: Duration, event: Event) {
        self.serial += 1;
        self.queue.push(Entry { at: when, serial: self.serial, event });
    }

    /// Lets time pass until that moment, or until something is wrong.
    pub fn run_to(&mut self, end: Duration) -> Result<(), Failure> {
        while let Some(next) = self.next_moment().filter(|t| *t <= end) {
            self.now = self.now.max(next);
            self.step();
            self.look()?;
        }
        self.now = self.now.max(end);
        self.look()
    }

    fn look(&mut self) -> Result<(), Failure> {
        let Self { watch, nodes, cables, now, .. } = self;
        watch.look(*now, nodes, cables)
    }

    fn next_moment(&self) -> Option<Duration> {
        let due = |n: &Node| n.seat.as_ref()?.next_deadline().map(|due| due.max(n.ready_at()));
        let ticks = self.nodes.iter().filter_map(due);
        let waits = self.nodes.iter().filter(|n| !n.waiting.is_empty()).map(Node::ready_at);
        ticks.chain(waits).chain(self.queue.peek().map(|e| e.at)).min()
    }

    fn step(&mut self) {
        while self.queue.peek().is_some_and(|entry| entry.at <= self.now) {
            if let Some(entry) = self.queue.pop() {
                self.happen(entry.event);
            }
        }
        for at in 0..2 {
            if self.nodes[at].ready_at() <= self.now {
                self.wake(at);
            }
        }
    }

    /// The daemon gets the processor: all that waits is handed in, then a tick if one is due.
    fn wake(&mut self, at: usize) {
        let tick = |w: &mut Self| {
            let due = w.nodes[at].seat.as_ref().and_then(Seat::next_deadline);
            if due.is_some_and(|due| due <= w.now) {
                w.feed(at, Input::Tick);
                w.watch.ticked(w.now, w.nodes[at].seat.as_ref().and_then(Seat::next_deadline));
            }
        };
        let model = matches!(self.nodes[at].seat, Some(Seat::Model(_)));
        if model && self.random.bool() {
            tick(self);
        }
        let busy = !self.nodes[at].waiting.is_empty();
        while let Some(waiting) = self.nodes[at].waiting.pop_front() {
            self.hand_in(at, waiting);
        }
        tick(self);
        self.nodes[at].runs_at = self.now + self.lateness(at, model && busy);
    }

    fn lateness(&mut self, at: usize, lags: bool) -> Duration {
        let most = match lags {
            true => self.config.lag.max(self.nodes[at].starved),
            false => self.nodes[at].starved,
        };
        if most.is_zero() {
            return Duration::ZERO;
        }
        Duration::from_micros(self.random.u64(1..=most.as_micros() as u64))
    }

    fn hand_in(&mut self, at: usize, waiting: Waiting) {
        match waiting {
            Waiting::Datagram { link, sent, packet } => {
                self.nodes[at].datagrams -= 1;
                self.hear(at, link, sent, &packet);
            }
            Waiting::Input { life, input } if self.nodes[at].life == life => self.feed(at, input),
            Waiting::Input { .. } => {}
        }
    }

    fn hear(&mut self, at: usize, link: usize, sent: Duration, packet: &Packet) {
        let message = match packet {
            Packet::Plain(message) => Message::clone(message),
            Packet::Signed(bytes) => match wire::decode(bytes, &self.keys) {
                Ok(message) => message,
                Err(_) => return,
            },
        };
        if self.nodes[at].seat.is_some() {
            self.watch.heard(at, self.now, sent, &message);
        }
        self.feed(at, Input::Received { link: format!("eth{link}"), message });
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Deliver { to, link, sent, packet } => self.arrive(to, link, sent, packet),
            Event::Input { node, life, input } => {
                self.nodes[node].waiting.push_back(Waiting::Input { life, input });
            }
            Event::Group { node, .. } | Event::Told { node, .. } | Event::Boot { node, .. }
                if self.nodes[node].asleep_until > self.now =>
            {
                self.at(self.nodes[node].asleep_until, event);
            }
            Event::Group { node, power, owner, up } if self.nodes[node].power == power => {
                self.script_acts(node, owner, up);
            }
            Event::Told { node, power, set, for_peer } if self.nodes[node].power == power => {
                self.tell(node, set, for_peer);
            }
            Event::Shot { node, life, id } if self.nodes[node].life == life => self.shoot(node, id),
            Event::Boot { node, life, resumed } if self.nodes[node].life == life => self.boot(node, resumed),
            _ => {}
        }
    }

    fn arrive(&mut self, to: usize, link: usize, sent: Duration, packet: Packet) {
        let (now, node) = (self.now, &mut self.nodes[to]);
        let lost = node.seat.is_none() || (node.deaf && node.asleep_until > now) || node.datagrams >= SOCKET;
        if !lost {
            node.datagrams += 1;
            node.waiting.push_back(Waiting::Datagram { link, sent, packet });
        }
    }

    pub fn feed(&mut self, at: usize, input: Input) {
        let wall = 1_700_000_000 + self.now.as_secs() as i64 + self.nodes[at].clock;
        let now = Now { mono: self.now, wall: wall as u64 };
        let reads = self.reads;
        let Some(seat) = self.nodes[at].seat.as_mut() else { return };
        let wishes = seat.handle(now, input, reads);
        self.watch.wishes(self.now, at, &wishes);
        for wish in wishes {
            self.grant(at, wish);
        }
    }

    fn grant(&mut self, at: usize, wish: Wish) {
        match wish {
            Wish::Send(message) => self.transmit(at, message),
            Wish::Run { id, job } => self.run_job(at, id, &job),
            Wish::Log(_, lines) => {
                let now = self.now;
                self.log.extend(lines.into_iter().map(|(level, text)| (now, at, level, text)));
            }
            Wish::StopClients => self.feed(at, Input::ClientsStopped),
            Wish::Accepted(message) => self.watch.accepted(at, &message),
            Wish::End(ending) => self.end(at, ending),
        }
    }

    fn transmit(&mut self, from: usize, mut message: Message) {
        self.echo(from, &message);
        let packet = match self.config.signed {
            false => Packet::Plain(Rc::new(message)),
            true => {
                wire::seal(&mut message, Format::Classic, &self.keys);
                Packet::Signed(Rc::new(wire::encode(&message, &self.keys).unwrap()))
            }
        };
        self.remember(from, &packet);
        for link in 0..self.config.links {
            let (now, packet) = (self.now, packet.clone());
            if self.config.bcast {
                let event = Event::Deliver { to: from, link, sent: now, packet: packet.clone() };
                self.at(now, event);
            }
            for delay in self.cables.send(from, link, &mut self.random) {
                let event = Event::Deliver { to: 1 - from, link, sent: now, packet: packet.clone() };
                self.at(now + delay, event);
            }
        }
    }

    fn remember(&mut self, from: usize, packet: &Packet) {
        if self.memory.len() < MEMORY {
            return self.memory.push((from, packet.clone()));
        }
        let slot = self.random.usize(0..8 * MEMORY);
        if let Some(place) = self.memory.get_mut(slot) {
            *place = (from, packet.clone());
        }
    }

    /// With each own status the ping medium asks.
    fn echo(&mut self, node: usize, message: &Message) {
        let asks = self.config.ping && self.nodes[node].pingable && message.kind() == Some("status");
        let Some(ts) = message.text("ts").filter(|_| asks) else { return };
        let echo = Message::of("NS_st").with("st", "ping").with("info", "ping").with("src", PINGED);
        let input = Input::Received { link: PINGED.to_owned(), message: echo.with("ts", ts) };
        let life = self.nodes[node].life;
        self.at(self.now + ms(1), Event::Input { node, life, input });
    }

    // Machines ----------------------------------------------------------------------------------

    fn settings(&mut self, node: usize, resumed: Option<Hold>) -> Settings {
        let spec = |name: &str, kind| NodeSpec { name: name.to_owned(), kind };
        let mut nodes: Vec<_> = NAMES.iter().map(|n| spec(n, NodeKind::Normal)).collect();
        if self.config.ping {
            nodes.push(spec(PINGED, NodeKind::Ping));
        }
        let config = &self.config;
        Settings {
            me: NAMES[node].to_owned(),
            uuid: [node as u8 + 1; 16],
            generation: self.nodes[node].generation,
            nodes,
            links: (0..config.links).map(|l| format!("eth{l}")).collect(),
            keepalive: config.keepalive,
            deadtime: config.deadtime,
            warntime: config.warntime,
            initdead: config.initdead,
            deadping: config.deadtime,
            failback: config.failback,
            hopfudge: 1,
            max_rexmit_delay: config.rexmit,
            hooks: self.hooks.clone(),
            resumed,
            failed: resumed.is_some() && self.nodes[node].retries,
            manages: true,
            groups: Hold::All,
            fencing: config.fencing,
            pid: 1,
            seed: self.random.u64(..),
            packing: heartbeat::wire::Packing::default(),
        }
    }

    pub fn boot(&mut self, at: usize, resumed: Option<Hold>) {
        let node = &mut self.nodes[at];
        node.generation += 1;
        node.life += 1;
        node.runs_at = self.now;
        node.waiting.clear();
        node.datagrams = 0;
        self.watch.begins(at, self.now);
        let settings = self.settings(at, resumed);
        let now = Now { mono: self.now, wall: 1_700_000_000 + self.now.as_secs() };
        let seat = Seat::new(self.config.seats[at], settings, now);
        let ours = matches!(seat, Seat::Ours(_));
        self.nodes[at].seat = Some(seat);
        if ours && self.watch.wants_deliveries() {
            self.feed(at, Input::Listeners(0x03));
        }
        let marks = self.nodes[at].marks.clone();
        if !marks.is_empty() {
            self.feed(at, Input::Remembered(marks));
        }
        self.feed(at, Input::Load("0.00 0.00 0.00 1/1 1".to_owned()));
        self.feed(at, Input::Start);
    }

    /// Power off: the daemon and every service are gone, nothing says goodbye.
    pub fn crash(&mut self, at: usize) {
        self.kill(at);
        let node = &mut self.nodes[at];
        node.groups = [false; 2];
        node.power += 1;
        node.asleep_until = self.now;
    }

    /// The daemon dies with the scripts that it runs; its services stay.
    pub fn kill(&mut self, at: usize) {
        let node = &mut self.nodes[at];
        node.forget_seat();
        node.power += 1;
        node.waiting.clear();
        node.datagrams = 0;
    }

    /// The same, and the power comes back by itself.
    pub fn reboot(&mut self, at: usize) {
        self.crash(at);
        let life = self.nodes[at].life;
        self.at(self.now + REBOOT, Event::Boot { node: at, life, resumed: None });
    }

    fn end(&mut self, at: usize, ending: Ending) {
        let node = &mut self.nodes[at];
        node.forget_seat();
        let life = node.life;
        let pause = Duration::from_secs(self.config.deadtime.as_millis().div_ceil(1000) as u64 + 1);
        match ending {
            Ending::Stop => {}
            Ending::Restart => self.at(self.now + pause, Event::Boot { node: at, life, resumed: None }),
            Ending::Reload { held: hold, failed } => {
                self.nodes[at].retries = failed;
                self.at(self.now + ms(50), Event::Boot { node: at, life, resumed: Some(hold) });
            }
        }
    }

    /// Between two lives.
    pub fn comes_back(&self, at: usize) -> bool {
        let boots = |e: &Event| matches!(e, Event::Boot { node, life, .. } if *node == at && *life == self.nodes[at].life);
        self.queue.iter().any(|entry| boots(&entry.event))
    }
}

impl Node {
    fn forget_seat(&mut self) {
        if let Some(seat) = self.seat.take() {
            self.marks = seat.marks();
        }
        self.life += 1;
    }

    /// When the daemon can do something at the earliest.
    pub fn ready_at(&self) -> Duration {
        self.asleep_until.max(self.runs_at)
    }
}
