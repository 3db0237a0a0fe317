//! The loop that owns the engine. Nothing in it waits for a disk, a script or a name server.

use super::children::Children;
use super::clients::Clients;
use super::executor::Executor;
use super::media::Antennas;
use super::memory::Memory;
use super::signals::Signals;
use super::sources::{Change, Stamps};
use super::{launch, state, systemd};
use crate::engine::{Action, Ending, Engine, Input, Now};
use crate::level::Level;
use crate::logging::Logger;
use crate::paths;
use crate::wire::{self, ErrorClass, Keys, Message, Packing};
use std::collections::VecDeque;
use std::io;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;

/// How often the load average is read anew.
const LOAD_AGE: Duration = Duration::from_secs(1);
/// Bad packets reported in full in one such period; the others are counted.
const REPORT_PERIOD: Duration = Duration::from_secs(10);
const REPORTS: u32 = 5;
/// How long a timer that is due waits for what the media still have: a full socket is read in less.
const LISTEN: Duration = Duration::from_millis(10);
/// Inputs taken in one turn: a script that writes without end must not silence the heartbeat.
const INPUT_BURST: usize = 64;

/// News from outside the engine's world.
pub(super) enum News {
    /// authkeys changed and is good.
    Keys(Box<Keys>),
    /// ha.cf changed and is good.
    Reload,
}

/// What the loop is made from.
pub(super) struct Parts {
    pub(super) engine: Engine,
    pub(super) born: Instant,
    pub(super) media: Antennas,
    pub(super) keys: Keys,
    pub(super) packing: Packing,
    pub(super) executor: Executor,
    pub(super) clients: Clients,
    pub(super) children: Children,
    pub(super) memory: Memory,
    pub(super) inputs: mpsc::Receiver<Input>,
    pub(super) log: Logger,
    pub(super) stamps: Stamps,
    pub(super) log_bad_packets: bool,
}

pub(super) struct Pulse {
    parts: Parts,
    news: (mpsc::Sender<News>, mpsc::Receiver<News>),
    load_read: Option<Instant>,
    /// The index of the key that the peer signs with.
    peer_signs_with: Option<u8>,
    bad: BadPackets,
    ending: Option<Ending>,
}

impl Pulse {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            parts,
            news: mpsc::channel(4),
            load_read: None,
            peer_signs_with: None,
            bad: BadPackets::default(),
            ending: None,
        }
    }

    /// Beats until the end, and says which it was.
    pub(super) async fn beat(mut self, mut signals: Signals) -> io::Result<Ending> {
        let remembered = self.parts.memory.recall();
        self.feed(Input::Remembered(remembered));
        self.feed(Input::Start);
        loop {
            if let Some(ending) = self.ending {
                self.parts.memory.close(self.parts.engine.marks());
                return Ok(ending);
            }
            let due = self.due();
            tokio::select! {
                // What is rare comes first: a flood of packets must not keep a signal waiting.
                biased;
                _ = signals.term.recv() => { systemd::stopping(); self.feed(Input::Shutdown) }
                _ = signals.hup.recv() => self.look_for_changes(),
                _ = signals.usr1.recv() => self.change_debug(1),
                _ = signals.usr2.recv() => self.change_debug(-1),
                _ = signals.alarm.recv() => self.complain_of_alarm(),
                Some(news) = self.news.1.recv() => self.learn(news),
                () = self.parts.media.readable() => {}
                Some(input) = self.parts.inputs.recv() => self.feed(input),
                () = self.parts.clients.ready() => {}
                () = tokio::time::sleep_until(due.into()) => {}
            }
            // After a pause of the whole process the timer may be first to be seen. The sockets say what waits
            // only to a runtime that has asked the kernel since.
            tokio::task::yield_now().await;
            self.look_then_decide();
            // The runtime looks at the sockets and signals only when this task pauses: in a flood it would not.
            tokio::task::yield_now().await;
        }
    }

    fn due(&self) -> Instant {
        let far = Duration::from_secs(3600);
        let due = self.parts.engine.next_deadline().map_or(self.parts.born + far, |at| self.parts.born + at);
        self.parts.clients.deadline().map_or(due, |at| at.min(due))
    }

    /// Everything that waits is heard before a timer may say that a node was silent.
    fn look_then_decide(&mut self) {
        self.hear();
        if Instant::now() >= self.due() {
            self.hear_the_rest();
        }
        for _ in 0..INPUT_BURST {
            let Ok(input) = self.parts.inputs.try_recv() else { break };
            self.feed(input);
        }
        while let Some(input) = self.parts.clients.serve(&self.parts.engine) {
            self.feed(input);
        }
        if Instant::now() >= self.due() {
            self.read_load();
            self.feed(Input::Tick);
        }
        self.parts.memory.keep(|| self.parts.engine.marks());
    }

    /// Before anybody is judged by his silence, what waits is heard to its end, as far as a flood allows.
    fn hear_the_rest(&mut self) {
        let until = Instant::now() + LISTEN;
        while self.hear() > 0 && Instant::now() < until {}
    }

    /// Takes a turn at the media; tells how many datagrams it were.
    fn hear(&mut self) -> usize {
        let Parts { media, keys, log, log_bad_packets, .. } = &mut self.parts;
        let (bad, mut heard) = (&mut self.bad, Vec::new());
        let count = media.hear(keys, |link, message| match message {
            Ok(message) => heard.push((link.to_owned(), message)),
            Err(error) if *log_bad_packets => bad.report(log, link, &error),
            Err(_) => {}
        });
        for (link, message) in heard {
            self.note_signer(&message);
            self.feed(Input::Received { link, message });
        }
        count
    }

    /// A rolling change of keys: see [`Keys::peer_signs_with`].
    fn note_signer(&mut self, message: &Message) {
        let peers =
            message.kind() == Some("status") && message.text("src") != Some(self.parts.engine.local_name());
        if let Some(index) = wire::signer(message).filter(|_| peers) {
            self.peer_signs_with = Some(index);
            self.parts.keys.peer_signs_with(index);
        }
    }

    fn read_load(&mut self) {
        if self.load_read.is_some_and(|at| at.elapsed() < LOAD_AGE) {
            return;
        }
        self.load_read = Some(Instant::now());
        if let Ok(text) = std::fs::read_to_string("/proc/loadavg") {
            let line = text.lines().next().unwrap_or_default();
            self.feed(Input::Load(line.chars().take(63).collect()));
        }
    }

    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        Now { mono: self.parts.born.elapsed(), wall }
    }

    fn feed(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            for action in self.parts.engine.handle(self.now(), input) {
                inputs.extend(self.carry_out(action));
            }
        }
        if self.parts.engine.is_shutting_down() {
            self.parts.children.leave();
        }
    }

    fn carry_out(&mut self, action: Action) -> Option<Input> {
        match action {
            Action::Send(message) => self.send(message),
            Action::Run { id, job } => self.parts.executor.run(id, job),
            Action::Note(note) => {
                for (level, text) in note.lines() {
                    self.parts.log.log(level, &text);
                }
            }
            Action::StartClients => {
                systemd::status("communication is up");
                self.parts.clients.begin();
                self.parts.children.begin();
            }
            Action::StopClients => self.parts.children.stop(),
            Action::Deliver { mut message, treatment } => {
                self.sign_own(&mut message);
                self.parts.clients.deliver(&message, treatment);
            }
            Action::QueryClient(query) => return self.parts.clients.answer(&query),
            Action::PauseClients(pause) => self.parts.clients.pause(pause),
            Action::KeepDeleted(lines) => self.keep_deleted(lines),
            Action::End(ending) => self.ending = Some(ending),
        }
        None
    }

    /// Clients see our own messages as the others do. What was made for them alone has no `hg`.
    fn sign_own(&self, message: &mut Message) {
        if message.value("auth").is_none() && message.value("hg").is_some() {
            wire::seal(message, self.parts.packing.format, &self.parts.keys);
        }
    }

    fn send(&mut self, mut message: Message) {
        if message.kind() == Some("status") {
            self.parts.media.ping(&message, &self.parts.keys);
        }
        wire::seal(&mut message, self.parts.packing.format, &self.parts.keys);
        let packed = wire::pack(&message, &self.parts.packing);
        let encoded =
            packed.and_then(|packed| wire::encode(packed.as_ref().unwrap_or(&message), &self.parts.keys));
        match encoded {
            Ok(bytes) => self.parts.media.send(&bytes),
            Err(error) => self.parts.log.log(Level::Error, &format!("cannot send a message: {error}")),
        }
    }

    fn keep_deleted(&self, lines: String) {
        let log = self.parts.log.clone();
        let keep = move || {
            if let Err(error) = state::keep_deleted(&lines) {
                log.log(Level::Error, &format!("cannot write {}: {error}", paths::DELETED));
            }
        };
        if let Err(error) = thread::Builder::new().name("deleted".to_owned()).spawn(keep) {
            self.parts.log.log(Level::Error, &format!("cannot write {}: {error}", paths::DELETED));
        }
    }

    fn change_debug(&mut self, step: i16) {
        let log = &self.parts.log;
        let old = log.debug_level();
        let new = u8::try_from((i16::from(old) + step).clamp(0, 255)).unwrap_or(old);
        log.set_debug_level(new.max(1));
        if old == 0 && new > 0 {
            log.log(Level::Info, launch::VERSION_LINE);
        }
        log.log(Level::Debug, &format!("debug now set to {new} [pid {}]", std::process::id()));
        log.set_debug_level(new);
    }

    fn complain_of_alarm(&self) {
        let text = format!("Unexpected alarm in process {}", std::process::id());
        self.parts.log.log(Level::Error, &text);
    }

    /// SIGHUP: what changed is read and checked elsewhere; only what is good comes back as news.
    fn look_for_changes(&mut self) {
        let new = Stamps::now();
        let change = self.parts.stamps.compare(&new);
        if change == Change::Nothing {
            return self.parts.log.log(Level::Info, "Configuration unchanged.");
        }
        self.parts.stamps = new;
        let (log, sender) = (self.parts.log.clone(), self.news.0.clone());
        let check = move || {
            if let Some(news) = launch::recheck(change, &log) {
                let _ = sender.blocking_send(news);
            }
        };
        if let Err(error) = thread::Builder::new().name("recheck".to_owned()).spawn(check) {
            self.parts.log.log(Level::Error, &format!("cannot reread the configuration: {error}"));
        }
    }

    fn learn(&mut self, news: News) {
        match news {
            News::Keys(keys) => {
                self.parts.keys = *keys;
                if let Some(index) = self.peer_signs_with {
                    self.parts.keys.peer_signs_with(index);
                }
                self.parts.log.log(Level::Info, "Rereading authentication file.");
            }
            News::Reload => self.feed(Input::Reload),
        }
    }
}

/// Keeps a sender without the key from filling the log.
#[derive(Default)]
struct BadPackets {
    since: Option<Instant>,
    reported: u32,
    silent: u64,
}

impl BadPackets {
    fn report(&mut self, log: &Logger, link: &str, error: &wire::WireError) {
        if self.since.is_none_or(|since| since.elapsed() >= REPORT_PERIOD) {
            if self.silent > 0 {
                log.log(
                    Level::Warn,
                    &format!("{} more bad packets were dropped without a line", self.silent),
                );
            }
            *self = Self { since: Some(Instant::now()), ..Self::default() };
        }
        if error.class() == ErrorClass::Foreign {
            return;
        }
        if self.reported >= REPORTS {
            self.silent += 1;
            return;
        }
        self.reported += 1;
        for (level, text) in error.log_lines() {
            log.log(level, &format!("{text} [{link}]"));
        }
    }
}
