//! The process that plays 2.1.3 on node b2: sockets, keys, scripts and habits around the model.

use super::rexmit::Asker;
use crate::lab::node::LOG;
use crate::reference::Reference;
use crate::storm::seat::Wish;
use heartbeat::engine::{Ending, Failback, Hold, Input, Job, JobId, NodeKind, NodeSpec, Now, Settings, Verb};
use heartbeat::wire::{self, Format, Key, Keys, Message, Method, Packing, Value};
use std::collections::VecDeque;
use std::io::Write;
use std::net::UdpSocket;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Words written here are done, each once.
pub(super) const ORDERS: &str = "/run/peer213-orders";
pub(super) const SECRETS: [(u8, Method, &str); 2] =
    [(1, Method::Sha1, "TopSecret"), (2, Method::Md5, "AnotherSecret")];
pub(super) const DEADTIME: Duration = Duration::from_secs(4);
const VIPS: [&str; 2] = ["10.80.0.101/24", "10.80.0.102/24"];
const KEYS: [&str; 2] = ["IPaddr2::10.80.0.101/24/eth0", "IPaddr2::10.80.0.102/24/eth0"];
const NAMES: [&str; 2] = ["b1", "b2"];
const UUID: [u8; 16] = [0x21; 16];

/// How this peer is configured.
#[derive(Clone, Copy)]
pub(super) struct Habits {
    pub(super) failback: Failback,
    pub(super) format: Format,
    pub(super) signing: u8,
}

impl Habits {
    /// As words of a command.
    pub(super) fn words(self) -> String {
        let failback = match self.failback {
            Failback::On => "on",
            Failback::Off => "off",
            Failback::Legacy => "legacy",
        };
        let format = if self.format == Format::Classic { "classic" } else { "netstring" };
        format!("{failback} {format} {}", self.signing)
    }

    fn read(words: &str) -> Self {
        let words: Vec<_> = words.split(' ').collect();
        Self {
            failback: match words[0] {
                "on" => Failback::On,
                "off" => Failback::Off,
                _ => Failback::Legacy,
            },
            format: if words[1] == "classic" { Format::Classic } else { Format::Netstring },
            signing: words[2].parse().unwrap(),
        }
    }
}

fn keys(signing: u8, secret_of: impl Fn(&'static str) -> &'static str) -> Keys {
    let all = SECRETS.map(|(index, method, secret)| (index, Key::new(method, secret_of(secret).as_bytes())));
    Keys::new(signing, all).unwrap()
}

pub(super) fn run(words: &str) {
    let habits = Habits::read(words);
    let mut generation = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut resumed = None;
    loop {
        generation += 1;
        let ending = Life::begin(habits, generation, resumed).live();
        match ending {
            Ending::Stop => return,
            Ending::Restart => {
                std::thread::sleep(DEADTIME + Duration::from_secs(1));
                resumed = None;
            }
            Ending::Reload { held, .. } => resumed = Some(held),
        }
    }
}

struct Life {
    habits: Habits,
    model: Reference,
    socket: UdpSocket,
    born: Instant,
    /// What the own key signs, and classic messages are checked with.
    keys: Keys,
    /// Netstrings are checked with the text of the own signing key, whatever their index (16.4).
    netstring_keys: Keys,
    asker: Asker,
    /// A message of the asker goes out.
    asking: bool,
    /// A status is being heard: what 3.0.6 says of the dead at a heal, 2.1.3 does not.
    hearing: bool,
    peer_uuid: [u8; 16],
    inputs: VecDeque<Input>,
    log: std::fs::File,
    ending: Option<Ending>,
}

impl Life {
    fn begin(habits: Habits, generation: u64, resumed: Option<Hold>) -> Self {
        // 2.1.3 draws the same acknowledgement trigger for all nodes
        let equal = |seed: &u64| {
            let mut random = fastrand::Rng::with_seed(*seed);
            random.u64(0..10) == random.u64(0..10)
        };
        let settings = Settings {
            me: NAMES[1].to_owned(),
            uuid: UUID,
            generation,
            nodes: NAMES.map(|name| NodeSpec { name: name.to_owned(), kind: NodeKind::Normal }).to_vec(),
            links: vec!["eth0".to_owned()],
            keepalive: Duration::from_millis(200),
            deadtime: DEADTIME,
            warntime: Duration::from_secs(1),
            initdead: DEADTIME * 3,
            deadping: DEADTIME,
            failback: habits.failback,
            hopfudge: 1,
            max_rexmit_delay: Duration::from_millis(250),
            packing: Packing::default(),
            hooks: ["status", "ip-request", "ip-request-resp", "ask_resources", "hb_takeover"]
                .map(str::to_owned)
                .to_vec(),
            resumed,
            failed: false,
            manages: true,
            groups: Hold::All,
            fencing: false,
            pid: std::process::id(),
            seed: (generation..).find(equal).unwrap(),
        };
        let socket = UdpSocket::bind("0.0.0.0:694").unwrap();
        socket.set_broadcast(true).unwrap();
        let own = SECRETS.iter().find(|(index, ..)| *index == habits.signing).unwrap().2;
        let mut life = Self {
            habits,
            model: Reference::new(settings, now(Instant::now())),
            socket,
            born: Instant::now(),
            keys: keys(habits.signing, |secret| secret),
            netstring_keys: keys(habits.signing, |_| own),
            asker: Asker::default(),
            asking: false,
            hearing: false,
            peer_uuid: [0; 16],
            inputs: VecDeque::new(),
            log: std::fs::File::options().create(true).append(true).open(LOG).unwrap(),
            ending: None,
        };
        life.feed(Input::Load("0.10 0.20 0.30 1/100 123".to_owned()));
        life.feed(Input::Start);
        life
    }

    fn live(mut self) -> Ending {
        let mut scratch = vec![0; 1 << 16];
        loop {
            if let Some(ending) = self.ending {
                return ending;
            }
            let due = self.model.next_deadline().unwrap_or(Duration::ZERO);
            let wait = due
                .saturating_sub(self.born.elapsed())
                .clamp(Duration::from_millis(1), Duration::from_millis(50));
            self.socket.set_read_timeout(Some(wait)).unwrap();
            if let Ok((length, _)) = self.socket.recv_from(&mut scratch) {
                self.hear(&scratch[..length]);
            }
            self.obey();
            if self.born.elapsed() >= due {
                self.feed(Input::Tick);
                // its sender wakes up with the next status
                self.ask();
            }
        }
    }

    fn hear(&mut self, datagram: &[u8]) {
        let keys = if datagram.starts_with(b"###") { &self.netstring_keys } else { &self.keys };
        let message = match wire::decode(datagram, keys) {
            Ok(message) => message,
            Err(error) => return self.say(&format!("refused: {error:?}")),
        };
        if message.text("src") == Some(NAMES[0]) {
            self.peer_uuid = message.binary("srcuuid").unwrap().try_into().unwrap();
            if let (Some(generation), Some(seq)) = (message.hex("hg"), message.hex("seq")) {
                self.asker.hear(generation, seq);
            }
            if matches!(message.kind(), Some("NS_nak_rexmit" | "NS_rexmit")) {
                self.say(&format!("heard {}", message.kind().unwrap()));
            }
        }
        self.hearing = true;
        self.feed(Input::Received { link: "eth0".to_owned(), message });
        self.hearing = false;
    }

    fn ask(&mut self) {
        let due = self.asker.due();
        self.asking = true;
        for number in due {
            let number = number.to_string();
            let request = Message::of("NS_rexmit").with("dest", NAMES[0]);
            self.feed(Input::Local(request.with("firstseq", &number).with("lastseq", &number)));
        }
        self.asking = false;
    }

    fn obey(&mut self) {
        let Ok(orders) = std::fs::read_to_string(ORDERS) else { return };
        if orders.is_empty() || !orders.ends_with('\n') {
            return;
        }
        std::fs::write(ORDERS, "").unwrap();
        for order in orders.lines() {
            self.say(&format!("order {order}"));
            match order.split_once(' ').unwrap_or((order, "")) {
                ("standby", what) => {
                    let request = Message::of("ask_resources").with("rsc_hold", what);
                    self.feed(Input::Local(request.with("info", "me")));
                }
                ("takeover", what) => {
                    self.feed(Input::Local(Message::of("hb_takeover").with("rsc_hold", what)))
                }
                ("stop", _) => self.feed(Input::Shutdown),
                ("reload", _) => self.feed(Input::Reload),
                ("invent", range) => {
                    let (first, last) = range.split_once(' ').unwrap();
                    self.asker.invent(first.parse().unwrap()..=last.parse().unwrap());
                }
                _ => panic!("no such order: {order}"),
            }
        }
    }

    fn say(&mut self, text: &str) {
        writeln!(self.log, "{:.3} {text}", self.born.elapsed().as_secs_f64()).unwrap();
    }

    fn feed(&mut self, input: Input) {
        self.inputs.push_back(input);
        while let Some(input) = self.inputs.pop_front() {
            let wishes = self.model.handle(now(self.born), input);
            wishes.into_iter().for_each(|wish| self.carry_out(wish));
        }
    }

    fn carry_out(&mut self, wish: Wish) {
        match wish {
            Wish::Send(message) => self.send(message),
            Wish::Run { id, job } => self.work(id, &job),
            Wish::Log(_, lines) => lines.iter().for_each(|(_, line)| self.say(line)),
            Wish::End(ending) => self.ending = Some(ending),
            Wish::StopClients | Wish::Accepted(_) => {}
        }
    }

    fn send(&mut self, mut message: Message) {
        let kind = message.kind().unwrap().to_owned();
        let heal = kind == "stonith" && self.hearing && message.text("result") == Some("unneeded");
        if heal || kind == "NS_rexmit" && !self.asking {
            return;
        }
        if message.value("destuuid").is_some() {
            let to_self = message.text("dest") == Some(NAMES[1]);
            let uuid = if to_self { UUID } else { self.peer_uuid };
            message.set("destuuid", Value::Binary(uuid.to_vec()));
        }
        wire::seal(&mut message, self.habits.format, &self.keys);
        let mut bytes = match self.habits.format {
            Format::Classic => wire::encode_serial(&message, &self.keys).unwrap(),
            Format::Netstring => wire::encode(&message, &self.keys).unwrap(),
        };
        if self.habits.format == Format::Classic {
            bytes.push(0);
        }
        // a cable that is pulled is no reason to stop
        let _ = self.socket.send_to(&bytes, "10.80.0.255:694");
    }

    /// The stock scripts, as far as addresses go.
    fn work(&mut self, id: JobId, job: &Job) {
        match job {
            Job::AcquireLocal { nice, dont_ask } if !has(1) => {
                let message = match *nice || *dont_ask {
                    true => grant(NAMES[1], KEYS[1], "yes"),
                    false => Message::of("ip-request").with("ipaddr", KEYS[1]),
                };
                self.inputs.push_back(Input::Local(message));
            }
            Job::Standby { verb, set } => {
                let groups: &[usize] = match set {
                    Hold::None => &[],
                    Hold::Local => &[1],
                    Hold::Foreign => &[0],
                    Hold::All => &[0, 1],
                };
                groups.iter().for_each(|group| set_group(*group, *verb == Verb::Take));
            }
            Job::GiveUpAll | Job::ReleaseLeftovers => {
                [0, 1].into_iter().for_each(|group| set_group(group, false))
            }
            Job::Hook { kind, env } => self.hook(kind, env),
            _ => {}
        }
        self.inputs.push_back(Input::JobDone(id));
    }

    fn hook(&mut self, kind: &str, env: &[(String, String)]) {
        let value = |name: &str| env.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str());
        let group = usize::from(value("HA_ipaddr") == KEYS[1]);
        let from_peer = value("HA_src") == NAMES[0];
        let answer = match kind {
            "status" if value("HA_st") == "dead" && from_peer => {
                set_group(0, true);
                let done = Message::of("resource").with("rsc_hold", "foreign").with("info", "mach_down");
                (value("HA_NICEFAILBACK") == "yes").then_some(done)
            }
            "ip-request-resp" if value("HA_dest") == NAMES[1] && value("HA_ok") == "OK" => {
                set_group(group, true);
                None
            }
            "ip-request" if from_peer => {
                let own = if has(group) { "yes" } else { "no" };
                set_group(group, false);
                Some(grant(NAMES[0], KEYS[group], own))
            }
            "hb_takeover" if from_peer => {
                let set = match value("HA_rsc_hold") {
                    "local" => "foreign",
                    "foreign" => "local",
                    _ => "all",
                };
                Some(Message::of("ask_resources").with("rsc_hold", set).with("info", "me"))
            }
            _ => None,
        };
        self.inputs.extend(answer.map(Input::Local));
    }
}

fn grant(to: &str, key: &str, own: &str) -> Message {
    Message::of("ip-request-resp").with("dest", to).with("ipaddr", key).with("weown", own).with("ok", "OK")
}

fn now(born: Instant) -> Now {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    Now { mono: born.elapsed(), wall }
}

fn has(group: usize) -> bool {
    let output = Command::new("ip").args(["-4", "-o", "addr", "show", "dev", "eth0"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).contains(VIPS[group])
}

fn set_group(group: usize, up: bool) {
    if has(group) != up {
        let verb = if up { "add" } else { "del" };
        assert!(
            Command::new("ip").args(["addr", verb, VIPS[group], "dev", "eth0"]).status().unwrap().success()
        );
    }
}
