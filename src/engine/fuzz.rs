//! What a fuzzer drives: any bytes are a story, a sequence of inputs for one engine. Messages are valid, their
//! fields are anything; time goes on by any step; jobs end or do not. No panic; every collection stays
//! bounded; no input asks for more than so many actions; a tick leaves nothing due that it could have done.

use super::{Action, Engine, Failback, Hold, Input, JobId, Mark, NodeKind, NodeSpec, Now, Settings};
use crate::wire::{Message, Value, encode_local_netstring};
use std::time::Duration;

/// Actions that one input may ask for: the history sent again, requests for all that is missing, clients let
/// loose after a wait.
const MOST_ACTIONS: usize = 2000;
/// Ticks at one moment after which nothing may be due.
const PATIENCE: usize = 10;
/// Things that one engine may remember, besides what this node asked of itself.
const MOST_HELD: usize = 2500;
/// A longer story is cut.
const LONGEST: usize = 4000;

const NAMES: [&str; 4] = ["a1", "a2", PINGED, "stranger"];
const PINGED: &str = "10.0.0.254";
const LINKS: [&str; 4] = ["eth0", "eth1", PINGED, "nowhere"];
const KINDS: [&str; 27] = [
    "status",
    "status",
    "status",
    "status",
    "resource",
    "resource",
    "starting",
    "ask_resources",
    "ask_resources",
    "hb_takeover",
    "shutdone",
    "stonith",
    "ip-request",
    "ip-request-resp",
    "reqnodes",
    "repnodes",
    "addnode",
    "delnode",
    "setweight",
    "setsite",
    "query-cstatus",
    "hbapi-clstat",
    "NS_ackmsg",
    "NS_rexmit",
    "NS_nak_rexmit",
    "NS_st",
    "anything",
];
/// Fields, and words that mean something in them.
const FIELDS: [(&str, &[&str]); 20] = [
    ("st", &["active", "up", "init", "dead", "ping", "join", "leave", ""]),
    ("rsc_hold", &["none", "local", "foreign", "all", "bad"]),
    ("holds", &["none", "local", "foreign", "all", "all unsure", "local moving", "none unsure moving"]),
    (
        "info",
        &["me", "other", "done", "req_our_resources", "mach_down", "standby", "shutdown", "double", "x"],
    ),
    ("isstable", &["0", "1", "x"]),
    ("dest", &["a1", "a2", "stranger"]),
    ("protocol", &["1", "x"]),
    ("dt", &["bb8", "0", "ffffffffffffffff", "1", "x"]),
    ("nodelist", &["a1 a2 ", "a2", "a1", "b1 b2 b3", "stranger"]),
    ("node", &["a1", "a2", "stranger", PINGED]),
    ("result", &["ok", "badnode", "unneeded"]),
    ("weight", &["7", "-1", "99999999999"]),
    ("site", &["here"]),
    ("from_id", &["ipfail"]),
    ("to_id", &["ipfail"]),
    ("client_gen", &["1"]),
    ("ipaddr", &["10.0.0.5"]),
    ("ok", &["OK"]),
    ("weown", &["yes", "no"]),
    ("ts", &["0", "1", "ffffffffffffffff", "x"]),
];

/// Any story.
pub fn fuzz_engine(bytes: &[u8]) {
    let mut story = Story { bytes: bytes.iter().take(LONGEST) };
    let Some(mut play) = Play::begin(&mut story) else { return };
    while let Some(what) = story.next() {
        play.go_on(what, &mut story);
    }
}

/// An engine of two nodes, for those who need one to look at.
pub fn some_engine() -> Option<Engine> {
    Engine::new(settings(0, 0), Now { mono: Duration::ZERO, wall: 1 })
}

/// The bytes that are left, as numbers and choices.
struct Story<'a> {
    bytes: std::iter::Take<std::slice::Iter<'a, u8>>,
}

impl Story<'_> {
    fn next(&mut self) -> Option<u8> {
        self.bytes.next().copied()
    }

    fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    fn word(&mut self) -> u64 {
        u64::from(self.byte()) << 8 | u64::from(self.byte())
    }

    fn choose<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let at = usize::from(self.byte()) % from.len().max(1);
        from.get(at).copied().unwrap_or_default()
    }
}

struct Play {
    engine: Engine,
    now: Duration,
    wall: u64,
    /// What the peer says next.
    seq: u64,
    generation: u64,
    jobs: Vec<JobId>,
    /// What this node asked of itself.
    asked: usize,
}

impl Play {
    fn begin(story: &mut Story<'_>) -> Option<Self> {
        let settings = settings(story.byte(), story.byte());
        let now = Duration::from_secs(100);
        let engine = Engine::new(settings, Now { mono: now, wall: 1_000_000 })?;
        let mut play =
            Self { engine, now, wall: 1_000_000, seq: 0, generation: 50, jobs: Vec::new(), asked: 0 };
        if story.byte().is_multiple_of(4) {
            let mark = Mark { node: "a2".to_owned(), generation: 50, seq: 5, ts: 1_000_000 };
            play.feed(Input::Remembered(vec![mark]));
        }
        play.feed(Input::Start);
        Some(play)
    }

    fn go_on(&mut self, what: u8, story: &mut Story<'_>) {
        match what % 16 {
            0..=2 => self.pass(Duration::from_millis(story.word() % 4000)),
            3 => self.pass_to_deadline(),
            4..=7 => {
                let message = self.peer_says(story);
                self.receive("eth0", message);
            }
            8 | 9 => {
                let (link, message) = (story.choose(&LINKS), self.anybody_says(story));
                self.receive(link, message);
            }
            10 => {
                self.asked += 1;
                let message = body(story);
                self.feed(Input::Local(message));
            }
            11 | 12 => self.end_job(story.byte()),
            13 => self.feed(Input::Listeners(story.byte())),
            14 => self.jump(story),
            _ => self.rare(story.byte()),
        }
    }

    fn rare(&mut self, which: u8) {
        match which % 16 {
            0 => self.feed(Input::Shutdown),
            1 => self.feed(Input::Reload),
            2 => self.feed(Input::ClientsStopped),
            3 => self.feed(Input::Load("0.5 0.5 0.5 1/2 3".to_owned())),
            4 => self.feed(Input::JobDone(JobId(u64::from(which)))),
            5 => (self.generation, self.seq) = (self.generation + 1, 0),
            6 => self.feed(Input::Start),
            7 => self.feed(Input::Remembered(self.engine.marks())),
            _ => self.feed(Input::Tick),
        }
    }

    /// A clock is set, or the machine sleeps.
    fn jump(&mut self, story: &mut Story<'_>) {
        match story.byte() % 4 {
            0 => self.wall = self.wall.saturating_sub(story.word() * 10),
            1 => self.wall += story.word() * 10,
            2 => self.pass(Duration::from_secs(story.word())),
            _ => self.seq += story.word() % 600,
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.wall += time.as_secs();
        self.tick();
    }

    fn pass_to_deadline(&mut self) {
        let due = self.engine.next_deadline().map_or(Duration::ZERO, |due| due.saturating_sub(self.now));
        self.pass(due);
    }

    /// After a few ticks nothing is due any more at this moment.
    fn tick(&mut self) {
        let at_rest = (0..PATIENCE).any(|_| {
            self.feed(Input::Tick);
            self.engine.next_deadline().is_none_or(|due| due > self.now)
        });
        assert!(at_rest, "after {PATIENCE} ticks a tick is still due at {:?}", self.now);
    }

    fn end_job(&mut self, which: u8) {
        let at = usize::from(which >> 1) % self.jobs.len().max(1);
        if at >= self.jobs.len() {
            return;
        }
        let id = self.jobs.remove(at);
        self.feed(if which % 8 == 7 { Input::JobFailed(id) } else { Input::JobDone(id) });
    }

    /// The peer goes on with its stream: what a living C daemon would number so.
    fn peer_says(&mut self, story: &mut Story<'_>) -> Message {
        let mut message = body(story);
        if !message.kind().is_some_and(|kind| kind.starts_with("NS_")) {
            self.seq += 1;
            message.set_text("seq", &format!("{:x}", self.seq));
        }
        message.set_text("src", "a2");
        message.push("srcuuid", Value::Binary(vec![2; 16]));
        message.set_text("hg", &format!("{:x}", self.generation));
        message.set_text("ts", &format!("{:x}", self.wall));
        message
    }

    /// Anybody, about anything: old numbers, other lives, no numbers.
    fn anybody_says(&mut self, story: &mut Story<'_>) -> Message {
        let mut message = body(story);
        let flags = story.byte();
        let near = |middle: u64, story: &mut Story<'_>| (middle + story.word() % 700).saturating_sub(350);
        message.set_text("src", story.choose(&NAMES));
        if flags & 1 == 0 {
            message.set_text("seq", &format!("{:x}", near(self.seq, story)));
        }
        if flags & 2 == 0 {
            message.set_text(
                "hg",
                &format!("{:x}", (self.generation + u64::from(story.byte() % 4)).saturating_sub(2)),
            );
        }
        if flags & 4 == 0 {
            message.set_text("ts", &format!("{:x}", near(self.wall, story)));
        }
        if flags & 8 == 0 {
            message.push("srcuuid", Value::Binary(vec![story.byte() % 4; 16]));
        }
        message
    }

    fn receive(&mut self, link: &str, message: Message) {
        self.feed(Input::Received { link: link.to_owned(), message });
    }

    fn feed(&mut self, input: Input) {
        let actions = self.engine.handle(Now { mono: self.now, wall: self.wall }, input);
        assert!(actions.len() <= MOST_ACTIONS, "{} actions", actions.len());
        for action in actions {
            match action {
                Action::Run { id, .. } => self.jobs.push(id),
                Action::Send(message) => can_be_sent(&message),
                Action::Note(note) => drop(note.lines()),
                _ => {}
            }
        }
        let held = self.engine.held();
        assert!(held <= MOST_HELD + 2 * self.asked, "{held} things are remembered");
    }
}

/// Peers ask for ever for a number that cannot be sent.
fn can_be_sent(message: &Message) {
    let encoded = encode_local_netstring(message);
    assert!(encoded.is_ok(), "{encoded:?}: {message:?}");
}

fn body(story: &mut Story<'_>) -> Message {
    let mut message = Message::of(story.choose(&KINDS));
    for _ in 0..story.byte() % 6 {
        let at = usize::from(story.byte());
        match FIELDS.get(at % 32) {
            Some((name, words)) => message.set_text(name, story.choose(words)),
            None => number(&mut message, story),
        }
    }
    message
}

fn number(message: &mut Message, story: &mut Story<'_>) {
    let name = story.choose(&["firstseq", "lastseq", "ackseq", "seq", "hg", "ttl"]);
    let number = story.word();
    let text = if name.starts_with(['f', 'l', 't']) { number.to_string() } else { format!("{number:x}") };
    message.set_text(name, &text);
}

fn settings(shape: u8, seed: u8) -> Settings {
    let node = |name: &str, kind| NodeSpec { name: name.to_owned(), kind };
    let mut nodes = vec![node("a1", NodeKind::Normal), node("a2", NodeKind::Normal)];
    if shape & 1 == 1 {
        nodes.push(node(PINGED, NodeKind::Ping));
    }
    let second = Duration::from_secs(1);
    let failback = [Failback::On, Failback::Off, Failback::Legacy, Failback::On];
    Settings {
        me: "a1".to_owned(),
        uuid: [1; 16],
        generation: 60,
        nodes,
        links: vec!["eth0".to_owned(), "eth1".to_owned()],
        keepalive: second / 2,
        deadtime: 3 * second,
        warntime: 3 * second / 2,
        initdead: 6 * second,
        deadping: 3 * second,
        failback: failback.get(usize::from(shape >> 1 & 3)).copied().unwrap_or(Failback::On),
        hopfudge: 1,
        max_rexmit_delay: second / 4,
        packing: crate::wire::Packing::default(),
        hooks: ["status", "ip-request", "ip-request-resp", "hb_takeover"].map(str::to_owned).to_vec(),
        resumed: (shape & 8 == 8).then_some(Hold::Local),
        failed: shape & 72 == 72,
        manages: shape & 16 == 0,
        groups: Hold::All,
        fencing: shape & 32 == 32,
        pid: 1,
        seed: u64::from(seed),
    }
}
