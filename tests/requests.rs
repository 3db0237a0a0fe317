//! What a peer may ask for again, and how often it is answered (wire-protocol.md 16.9, point 4): 2.1.x asks at once,
//! four times a second and for ever, for numbers of an earlier life, for what it has acknowledged, by hundreds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test a panic is a failure that points at its line"
)]

use heartbeat::engine::{Action, Engine, Failback, Hold, Input, NodeKind, NodeSpec, Now, Settings};
use heartbeat::wire::{Message, Packing, Value};
use std::time::Duration;

const KEEPALIVE: Duration = Duration::from_millis(100);

/// Our engine, and a peer of which only the words are there.
struct Pair {
    engine: Engine,
    now: Duration,
    seq: u64,
    actions: Vec<Action>,
}

fn settings() -> Settings {
    Settings {
        me: "b1".to_owned(),
        uuid: [1; 16],
        generation: 1000,
        nodes: ["b1", "b2"].map(|n| NodeSpec { name: n.to_owned(), kind: NodeKind::Normal }).to_vec(),
        links: vec!["eth0".to_owned()],
        keepalive: KEEPALIVE,
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        deadping: Duration::from_secs(2),
        failback: Failback::On,
        hopfudge: 1,
        max_rexmit_delay: Duration::from_millis(250),
        packing: Packing::default(),
        hooks: vec![],
        resumed: None,
        failed: false,
        manages: true,
        groups: Hold::All,
        fencing: false,
        pid: 1,
        seed: 1,
    }
}

impl Pair {
    fn new() -> Self {
        let now = Now { mono: Duration::ZERO, wall: 1 };
        let engine = Engine::new(settings(), now).unwrap();
        let mut pair = Self { engine, now: Duration::ZERO, seq: 0, actions: Vec::new() };
        pair.give(Input::Start);
        pair
    }

    fn give(&mut self, input: Input) {
        let now = Now { mono: self.now, wall: 1 + self.now.as_secs() };
        self.actions.extend(self.engine.handle(now, input));
    }

    /// Time passes, and the peer lives.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now += KEEPALIVE;
            let status = Message::of("status").with("st", "active").with("dt", "7d0").with("protocol", "1");
            self.hear(status);
            self.give(Input::Tick);
        }
    }

    fn hear(&mut self, message: Message) {
        let numbered = !message.kind().unwrap().starts_with("NS_");
        let mut message = message.with("src", "b2");
        message.push("srcuuid", Value::Binary(vec![2; 16]));
        if numbered {
            self.seq += 1;
            message = message.with("seq", &format!("{:x}", self.seq));
        }
        let message = message.with("hg", "1").with("ts", "1").with("ttl", "3");
        self.give(Input::Received { link: "eth0".to_owned(), message });
    }

    fn ask(&mut self, seq: u64) {
        let seq = seq.to_string();
        let request = Message::of("NS_rexmit").with("dest", "b1");
        self.hear(request.with("firstseq", &seq).with("lastseq", &seq));
    }

    fn acknowledge(&mut self, seq: u64) {
        self.hear(Message::of("NS_ackmsg").with("dest", "b1").with("ackseq", &format!("{seq:x}")));
    }

    /// The highest number sent so far.
    fn highest(&self) -> u64 {
        self.sent().filter_map(|m| m.hex("seq")).max().unwrap()
    }

    fn sent(&self) -> impl Iterator<Item = &Message> {
        self.actions.iter().filter_map(|action| match action {
            Action::Send(message) => Some(message),
            _ => None,
        })
    }

    fn told(&self, kind: &str) -> usize {
        self.sent().filter(|m| m.kind() == Some(kind)).count()
    }

    /// Log lines about requests.
    fn lines(&self) -> usize {
        let about = |text: &str| text.contains("Rexmit of seq") || text.contains("Cannot rexmit");
        let notes = self.actions.iter().filter_map(|action| match action {
            Action::Note(note) => Some(note.lines()),
            _ => None,
        });
        notes.flatten().filter(|(_, text)| about(text)).count()
    }

    /// Forgets what was seen.
    fn look_away(&mut self) {
        self.actions.clear();
    }
}

#[test]
fn what_was_never_sent_is_not_answered() {
    let mut pair = Pair::new();
    pair.pass(Duration::from_secs(1));
    pair.look_away();
    for _ in 0..40 {
        (5000..5100).for_each(|seq| pair.ask(seq));
        pair.pass(Duration::from_millis(200));
    }
    assert_eq!(pair.told("NS_nak_rexmit"), 0);
    assert_eq!(pair.lines(), 1, "in eight seconds");
}

#[test]
fn what_was_acknowledged_is_not_answered() {
    let mut pair = Pair::new();
    pair.pass(Duration::from_secs(10));
    let highest = pair.highest();
    pair.acknowledge(highest);
    pair.look_away();
    (1..=highest).for_each(|seq| pair.ask(seq));
    assert_eq!(pair.actions, [], "up to {highest}");
}

#[test]
fn what_is_there_is_sent_again_but_not_at_once() {
    let mut pair = Pair::new();
    pair.pass(Duration::from_secs(2));
    pair.look_away();
    let again = |pair: &Pair| pair.sent().filter(|m| m.hex("seq") == Some(9)).count();
    (0..20).for_each(|_| pair.ask(9));
    assert_eq!(again(&pair), 1);
    pair.now += Duration::from_millis(239);
    pair.ask(9);
    assert_eq!(again(&pair), 1, "within 240 ms");
    pair.now += Duration::from_millis(1);
    pair.ask(9);
    assert_eq!(again(&pair), 2);
}

/// A range is answered with fifty messages and no more.
#[test]
fn a_range_is_not_a_lever() {
    let mut pair = Pair::new();
    pair.pass(Duration::from_secs(30));
    pair.look_away();
    let request = Message::of("NS_rexmit").with("dest", "b1");
    pair.hear(request.with("firstseq", "1").with("lastseq", "99999999"));
    assert!(pair.sent().count() <= 50, "{}", pair.sent().count());
}

#[test]
fn what_is_gone_is_refused_now_and_then() {
    let mut pair = Pair::new();
    // more than the history holds
    pair.pass(Duration::from_secs(80));
    pair.look_away();
    for _ in 0..40 {
        (1..=200).for_each(|seq| pair.ask(seq));
        pair.pass(Duration::from_millis(200));
    }
    let refused = pair.told("NS_nak_rexmit");
    assert!((200..=900).contains(&refused), "{refused} in eight seconds, of 8000 requests");
    assert_eq!(pair.lines(), 1, "one of 8000 is told");
    let each = (1..=200)
        .all(|seq| pair.sent().any(|m| m.kind() == Some("NS_nak_rexmit") && m.hex("firstseq") == Some(seq)));
    assert!(each, "each number is refused: 3.0.6 asks until it is");
}
