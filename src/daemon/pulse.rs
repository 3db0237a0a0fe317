//! The loop that owns the engine. Nothing in it waits for a disk, a script or a name server.

use super::children::Children;
use super::clerk::{Clerk, Errand};
use super::clients::Clients;
use super::clock::Clock;
use super::executor::Executor;
use super::life;
use super::load::Load;
use super::media::Antennas;
use super::memory::Memory;
use super::recorder::Recorder;
use super::signals::Signals;
use crate::engine::{Action, Ending, Engine, Input, Note};
use crate::level::Level;
use crate::logging::Logger;
use crate::media::FEWEST;
use crate::wire::{self, ErrorClass, Keys, Message, Packing};
use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// Bad packets reported in full in one such period; the others are counted.
const REPORT_PERIOD: Duration = Duration::from_secs(10);
const REPORTS: u32 = 5;
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
    pub(super) clock: Clock,
    pub(super) media: Antennas,
    pub(super) keys: Keys,
    pub(super) packing: Packing,
    pub(super) executor: Executor,
    pub(super) clients: Clients,
    pub(super) children: Children,
    pub(super) clerk: Clerk,
    pub(super) memory: Memory,
    pub(super) inputs: mpsc::Receiver<Input>,
    pub(super) news: mpsc::Receiver<News>,
    pub(super) recorder: Option<Recorder>,
    pub(super) log: Logger,
    pub(super) log_bad_packets: bool,
}

pub(super) struct Pulse {
    parts: Parts,
    load: Load,
    /// The index of the key that the peer signs with.
    peer_signs_with: Option<u8>,
    bad: BadPackets,
    /// Something was sent in this turn.
    said: bool,
    ending: Option<Ending>,
}

/// What ended a wait.
enum Woken {
    Stop,
    Reread,
    Debug(i16),
    Alarm,
    News(News),
    Input(Input),
    /// What is looked for in every turn.
    Look,
}

impl Pulse {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            parts,
            load: Load::open(),
            peer_signs_with: None,
            bad: BadPackets::default(),
            said: false,
            ending: None,
        }
    }

    /// Beats until the end, and says which it was.
    pub(super) async fn beat(mut self, mut signals: Signals) -> io::Result<Ending> {
        signals.listen()?;
        let remembered = self.parts.memory.recall();
        self.feed(Input::Remembered(remembered));
        self.feed(Input::Start);
        loop {
            if let Some(ending) = self.ending {
                self.tell_gaps();
                self.parts.clerk.finish();
                self.parts.recorder.iter().for_each(Recorder::finish);
                self.parts.memory.close(self.parts.engine.marks());
                self.parts.media.finish().await;
                signals.hand_on().await?;
                return Ok(ending);
            }
            let due = self.due();
            self.parts.clock.set(due)?;
            let (woken, paused) = pausing(self.wait(&mut signals)).await;
            // The runtime looks at the sockets and signals only when this task pauses: in a flood it would not.
            if !paused {
                tokio::task::yield_now().await;
            }
            // The machine may have slept: nothing is done or said before it was heard what others said.
            self.hear();
            self.act_on(woken);
            self.take_turns();
            if std::mem::take(&mut self.said) {
                // A network brings back at once what was said to all on it: that is worth no turn of its own.
                self.hear();
            }
        }
    }

    async fn wait(&mut self, signals: &mut Signals) -> Woken {
        let parts = &mut self.parts;
        tokio::select! {
            // What is rare comes first: a flood of packets must not keep a signal waiting.
            biased;
            _ = signals.term.recv() => Woken::Stop,
            _ = signals.hup.recv() => Woken::Reread,
            _ = signals.usr1.recv() => Woken::Debug(1),
            _ = signals.usr2.recv() => Woken::Debug(-1),
            _ = signals.alarm.recv() => Woken::Alarm,
            Some(news) = parts.news.recv() => Woken::News(news),
            () = parts.media.readable() => Woken::Look,
            Some(input) = parts.inputs.recv() => Woken::Input(input),
            () = parts.clients.ready() => Woken::Look,
            () = parts.clock.alarm() => Woken::Look,
        }
    }

    fn act_on(&mut self, woken: Woken) {
        match woken {
            Woken::Stop => {
                self.parts.clerk.send(Errand::Stopping);
                self.feed(Input::Shutdown);
            }
            Woken::Reread => self.parts.clerk.send(Errand::Reread),
            Woken::Debug(step) => {
                self.change_debug(step);
                if step > 0 {
                    self.tell_gaps();
                }
            }
            Woken::Alarm => self.complain_of_alarm(),
            Woken::News(news) => self.learn(news),
            Woken::Input(input) => self.feed(input),
            Woken::Look => {}
        }
    }

    fn due(&self) -> Duration {
        self.parts.clock.due(self.parts.engine.next_deadline(), self.parts.clients.deadline())
    }

    /// Scripts and clients, and at last the timer: it may say that a node was silent.
    fn take_turns(&mut self) {
        for _ in 0..INPUT_BURST {
            let Ok(input) = self.parts.inputs.try_recv() else { break };
            self.feed(input);
        }
        while let Some(input) = self.parts.clients.serve(&self.parts.engine) {
            self.feed(input);
        }
        if self.parts.clock.has_come(self.due()) {
            if let Some(load) = self.load.read() {
                self.feed(Input::Load(load));
            }
            self.feed(Input::Tick);
        }
        self.parts.memory.keep(|| self.parts.engine.marks());
    }

    /// Everything that waits is heard before a timer may say that a node was silent. A flood does not hold the
    /// timer up: what did not wait when this began is not waited for.
    fn hear(&mut self) {
        for _ in 0..self.parts.media.bursts() {
            if self.hear_a_burst() < FEWEST {
                return;
            }
        }
    }

    /// Takes a turn at the media; tells how many datagrams it were.
    fn hear_a_burst(&mut self) -> usize {
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

    fn feed(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let now = self.parts.clock.now();
            if let Some(recorder) = &mut self.parts.recorder {
                recorder.input(now, &input);
            }
            for action in self.parts.engine.handle(now, input) {
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
            Action::Note(note) => self.log(&note),
            Action::StartClients => {
                self.parts.clerk.send(Errand::CommunicationUp);
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
            Action::KeepDeleted(lines) => self.parts.clerk.send(Errand::KeepDeleted(lines)),
            Action::End(ending) => self.ending = Some(ending),
        }
        None
    }

    fn log(&self, note: &Note) {
        for (level, text) in note.lines() {
            self.parts.log.log(level, &text);
        }
    }

    /// How regularly each peer was heard: a few lines for whoever chooses `deadtime`.
    fn tell_gaps(&self) {
        self.parts.engine.heartbeat_gaps().iter().for_each(|note| self.log(note));
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
        self.parts.media.send(message, &self.parts.packing, &self.parts.keys);
        self.said = true;
    }

    fn change_debug(&mut self, step: i16) {
        let log = &self.parts.log;
        let old = log.debug_level();
        let new = u8::try_from((i16::from(old) + step).clamp(0, 255)).unwrap_or(old);
        log.set_debug_level(new.max(1));
        if old == 0 && new > 0 {
            log.log(Level::Info, life::VERSION_LINE);
        }
        log.log(Level::Debug, &format!("debug now set to {new} [pid {}]", std::process::id()));
        log.set_debug_level(new);
    }

    fn complain_of_alarm(&self) {
        let text = format!("Unexpected alarm in process {}", std::process::id());
        self.parts.log.log(Level::Error, &text);
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

/// What comes out of `wait`, and whether it had to be waited for.
async fn pausing<T>(wait: impl Future<Output = T>) -> (T, bool) {
    let (mut wait, mut paused) = (std::pin::pin!(wait), false);
    let out = std::future::poll_fn(|context| {
        let poll = wait.as_mut().poll(context);
        paused |= poll.is_pending();
        poll
    });
    let out = out.await;
    (out, paused)
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
