//! Two engines that hear each other, without sockets and in virtual time: what a heartbeat goes through between the
//! wire of the one and the engine of the other. Used by the benches and by `tests/allocations.rs`.

use heartbeat::engine::{Action, Engine, Failback, Input, NodeKind, NodeSpec, Now, Settings};
use heartbeat::wire::{self, Format, Key, Keys, Message, Method, Packing};
use std::collections::VecDeque;
use std::time::Duration;

const KEEPALIVE: Duration = Duration::from_millis(1000);
const NAMES: [&str; 2] = ["b1", "b2"];
const LINK: &str = "eth0";

/// The pair. Node 0 beats, node 1 listens.
pub(crate) struct Pair {
    engines: [Engine; 2],
    mono: Duration,
    keys: Keys,
}

impl Pair {
    /// Two nodes that have settled who holds what, and have lived for a while: what they keep is full.
    pub(crate) fn settled() -> Self {
        let engine = |me| Engine::new(settings(me), now(Duration::ZERO)).expect("a node of its own cluster");
        let mut pair = Self { engines: [engine(0), engine(1)], mono: Duration::ZERO, keys: keys() };
        for who in [0, 1] {
            pair.feed(who, Input::Load("0.10 0.20 0.30 1/231 7380".to_owned()));
            pair.feed(who, Input::Start);
        }
        for _ in 0..1200 {
            pair.mono += KEEPALIVE / 2;
            [0, 1].into_iter().for_each(|who| pair.feed(who, Input::Tick));
        }
        assert!(pair.engines.iter().all(Engine::is_stable), "the pair has not settled");
        pair
    }

    /// Node 0's next heartbeat, from its timer to the bytes for the wire.
    pub(crate) fn beat(&mut self) -> Vec<u8> {
        self.mono += KEEPALIVE;
        let actions = self.engines[0].handle(now(self.mono), Input::Tick);
        let mut messages = actions.into_iter().filter_map(|action| match action {
            Action::Send(message) => Some(message),
            _ => None,
        });
        let mut message = messages.next().expect("a heartbeat is due");
        wire::seal(&mut message, Format::Classic, &self.keys);
        wire::encode(&message, &self.keys).expect("a heartbeat has a form")
    }

    /// Node 1 hears it: from the bytes to what its engine makes of it. What it answers is dropped.
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Vec<Action> {
        let message = wire::decode(bytes, &self.keys).expect("signed with the same key");
        let input = Input::Received { link: LINK.to_owned(), message };
        self.engines[1].handle(now(self.mono), input)
    }

    fn feed(&mut self, who: usize, input: Input) {
        let mut inputs = VecDeque::from([(who, input)]);
        while let Some((who, input)) = inputs.pop_front() {
            for action in self.engines[who].handle(now(self.mono), input) {
                match action {
                    Action::Send(mut message) => {
                        wire::seal(&mut message, Format::Classic, &self.keys);
                        let bytes = wire::encode(&message, &self.keys).expect("it has a form");
                        let message = wire::decode(&bytes, &self.keys).expect("signed with the same key");
                        inputs.push_back((1 - who, Input::Received { link: LINK.to_owned(), message }));
                    }
                    Action::Run { id, .. } => inputs.push_back((who, Input::JobDone(id))),
                    Action::StopClients => inputs.push_back((who, Input::ClientsStopped)),
                    _ => {}
                }
            }
        }
    }
}

/// As in authkeys: `1 sha1 secret`.
pub(crate) fn keys() -> Keys {
    Keys::new(1, [(1, Key::new(Method::Sha1, "secret"))]).expect("a key that signs")
}

/// A heartbeat as ours sends it, without a signature.
#[allow(dead_code, reason = "the bench needs it, the test does not")]
pub(crate) fn heartbeat() -> Message {
    let mut message = Message::of("status").with("st", "active").with("dt", "1388").with("protocol", "1");
    message.set_text("src", NAMES[0]);
    message.set("srcuuid", wire::Value::Binary(vec![7; 16]));
    for (name, value) in [("seq", "3f2"), ("hg", "6b0a1c2f"), ("ts", "6b0a2d11"), ("ttl", "3")] {
        message.set_text(name, value);
    }
    message.set_text("ld", "0.10 0.20 0.30 1/231 7380");
    message
}

fn now(mono: Duration) -> Now {
    Now { mono, wall: 1_795_000_000 + mono.as_secs() }
}

fn settings(me: usize) -> Settings {
    Settings {
        me: NAMES[me].to_owned(),
        uuid: [me as u8 + 1; 16],
        generation: 1_795_000_000,
        nodes: NAMES.map(|name| NodeSpec { name: name.to_owned(), kind: NodeKind::Normal }).into(),
        links: vec![LINK.to_owned()],
        keepalive: KEEPALIVE,
        deadtime: 5 * KEEPALIVE,
        warntime: 2 * KEEPALIVE,
        initdead: 10 * KEEPALIVE,
        deadping: 5 * KEEPALIVE,
        failback: Failback::On,
        hopfudge: 1,
        max_rexmit_delay: Duration::from_millis(250),
        packing: Packing::default(),
        hooks: Vec::new(),
        resumed: None,
        failed: false,
        manages: true,
        groups: heartbeat::engine::Hold::All,
        fencing: false,
        pid: 1,
        seed: 1,
    }
}
