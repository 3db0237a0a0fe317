//! The cluster: what this node believes of its peers and what it does about it. Pure.
//!
//! The contract:
//!
//! * [`Engine::handle`] takes the moment and one [`Input`] and answers with [`Action`]s to carry out in
//!   order. It never fails and never blocks.
//! * [`Engine::next_deadline`] says when [`Input::Tick`] is due at the latest. A tick that comes too
//!   early is harmless. Hand in every datagram that waits before a tick: the engine looks, then decides.
//! * [`Input::Start`] comes first; after [`Action::End`] nothing has an effect.
//!
//! Rules live by topic: `receive` (the pipeline), `life` (status, death), `startup`, `negotiation`
//! (who holds what), `failback`, `unowned`, `claims` and `double` (who lets go when both do), `buried`, `pause` (a node that did not
//! run), `standby`, `ready` (who takes looks first whether it can), `failed` (groups that do not start), `takeover`, `fencing`, `shutdown`, `jobs`, `membership` (nodes that come and go), `flow` (when
//! clients wait), `deliver` (what clients hear); `sequence`, `mark` and `node` are their data.
//! Section numbers in these files are those of `spec/wire-protocol.md`.

mod action;
mod buried;
mod claims;
mod clock;
mod deliver;
mod double;
mod failback;
mod failed;
mod fencing;
mod flow;
pub mod fuzz;
mod gaps;
mod hold;
mod input;
mod job;
mod jobs;
mod life;
mod mark;
mod membership;
mod negotiation;
mod node;
mod note;
mod pause;
mod ready;
mod reason;
mod receive;
mod retransmit;
mod send;
mod sequence;
mod settings;
mod shutdown;
mod standby;
mod startup;
mod takeover;
mod unowned;
mod view;
mod whereabouts;
mod words;

pub use action::{Action, Ending};
pub use clock::Now;
pub use failed::CAUSE;
pub use gaps::GapSummary;
pub use hold::Hold;
pub use input::{Input, JobId};
pub use job::{Job, TAKING, Verb};
pub use mark::Mark;
pub use note::Note;
pub use reason::Reason;
pub use receive::is_daemons_own;
pub use settings::{Failback, NodeKind, NodeSpec, Settings};
pub use view::{NodeView, Treatment};
pub use words::uuid_text;

use std::collections::BTreeMap;
use std::time::Duration;

/// The state machine of one node.
pub struct Engine {
    settings: Settings,
    now: Now,
    nodes: Vec<node::Node>,
    me: usize,
    random: fastrand::Rng,
    load: String,
    actions: Vec<Action>,
    history: sequence::History,
    /// Every peer so far knows flow control (5.6).
    flow_control: bool,
    flow: flow::Flow,
    /// Nodes that `delnode` took out.
    deleted: Vec<membership::Deleted>,
    startup: startup::Startup,
    pulse: life::Pulse,
    resources: negotiation::Resources,
    claims: claims::Claims,
    double: double::Double,
    pause: pause::Pause,
    whereabouts: whereabouts::Whereabouts,
    failed: failed::Failed,
    jobs: jobs::Jobs,
    fencing: fencing::Fencing,
    shutdown: shutdown::Shutdown,
    /// What API clients want to see: bits of [`Treatment`].
    listeners: u8,
    /// When a kind of note was last made, for those that traffic could repeat without end.
    said: BTreeMap<&'static str, Duration>,
    ended: bool,
}

impl Engine {
    /// An engine that waits for [`Input::Start`]. `None` when the settings do not name this node.
    pub fn new(settings: Settings, now: Now) -> Option<Self> {
        let mut random = fastrand::Rng::with_seed(settings.seed);
        let nodes = node::table(&settings, now.mono, |limit| random.u64(0..limit));
        let me = nodes.iter().position(|n| n.name == settings.me)?;
        Some(Self {
            resources: negotiation::Resources::new(settings.resumed),
            failed: failed::Failed::new(settings.failed, now.mono),
            whereabouts: whereabouts::Whereabouts::new(settings.resumed.is_some()),
            settings,
            now,
            nodes,
            me,
            random,
            load: "n/a".to_owned(),
            actions: Vec::new(),
            history: sequence::History::default(),
            flow_control: true,
            flow: flow::Flow::default(),
            deleted: Vec::new(),
            startup: startup::Startup::default(),
            claims: claims::Claims::default(),
            double: double::Double::default(),
            pause: pause::Pause::default(),
            pulse: life::Pulse::default(),
            jobs: jobs::Jobs::default(),
            fencing: fencing::Fencing::default(),
            shutdown: shutdown::Shutdown::default(),
            listeners: 0,
            said: BTreeMap::new(),
            ended: false,
        })
    }

    /// Takes one event and answers with what to do, in order.
    pub fn handle(&mut self, now: Now, input: Input) -> Vec<Action> {
        if self.ended {
            return Vec::new();
        }
        let (before, due) = (self.now.mono, self.next_deadline());
        self.now = Now { mono: now.mono.max(before), wall: now.wall };
        self.notice_pause(before, due);
        match input {
            Input::Start => self.begin(),
            Input::Remembered(marks) => self.recall(marks),
            Input::Tick => self.tick(),
            Input::Received { link, message } => self.receive(&link, &message),
            Input::Local(message) => self.local(message),
            Input::JobDone(id) => self.job_done(id, true),
            Input::JobFailed(id) => self.job_done(id, false),
            Input::Load(load) => self.load = load,
            Input::Shutdown => self.request_shutdown(),
            Input::Reload => self.request_reload(),
            Input::Listeners(mask) => self.listeners = mask,
            Input::ClientsStopped => self.clients_stopped(),
        }
        self.watch_unsettled();
        self.release_notices();
        self.relieve_clients();
        std::mem::take(&mut self.actions)
    }

    /// When the next tick is due; `None` before the start and after the end.
    pub fn next_deadline(&self) -> Option<Duration> {
        if self.ended || !self.pulse.started {
            return None;
        }
        [
            self.pulse_deadline(),
            self.life_deadline(),
            self.startup_deadline(),
            self.retransmit_deadline(),
            self.negotiation_deadline(),
            self.failed.again_at.filter(|_| !self.is_shutting_down()),
            self.claims_deadline(),
            self.fencing_deadline(),
            self.shutdown_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What this node holds, as its own messages say.
    pub fn holds(&self) -> Hold {
        self.resources.i_hold
    }

    /// Own status: `init`, `up` or `active`.
    pub fn status(&self) -> &str {
        self.nodes.get(self.me).map_or("init", |n| n.status.as_str())
    }

    /// The status of a node as this one sees it.
    pub fn status_of(&self, name: &str) -> Option<&str> {
        self.nodes.iter().find(|n| n.name == name).map(|n| n.status.as_str())
    }

    /// Nothing is in motion: resources are settled as far as this node knows (8.2).
    pub fn is_stable(&self) -> bool {
        self.resources_stable()
    }

    /// How many things it remembers, all collections together.
    fn held(&self) -> usize {
        let of_nodes = |n: &node::Node| 1 + n.links.len() + n.held_notices.len() + n.track.missing();
        self.nodes.iter().map(of_nodes).sum::<usize>()
            + self.history.kept()
            + self.flow.held()
            + self.jobs.held()
            + self.deleted.len()
            + self.said.len()
            + self.resources.unanswered.len()
    }

    fn tick(&mut self) {
        self.end_looking();
        self.bury_the_silent();
        self.startup_tick();
        self.retransmit_tick();
        self.negotiation_tick();
        self.failed_tick();
        self.claims_tick();
        self.fencing_tick();
        self.shutdown_tick();
        self.pulse_tick();
    }

    fn note(&mut self, note: Note) {
        self.actions.push(Action::Note(note));
    }

    /// At most one note of this kind in ten seconds.
    fn note_rarely(&mut self, kind: &'static str, note: Note) {
        const PAUSE: Duration = Duration::from_secs(10);
        let due = self.said.get(kind).is_none_or(|at| self.now.mono >= *at + PAUSE);
        if due {
            self.said.insert(kind, self.now.mono);
            self.note(note);
        }
    }

    fn nice(&self) -> bool {
        self.settings.failback.nice()
    }

    fn other_nodes(&self) -> impl Iterator<Item = &node::Node> {
        let me = self.me;
        self.nodes.iter().enumerate().filter(move |(at, n)| *at != me && n.is_normal()).map(|(_, n)| n)
    }

    fn name_of(&self, at: usize) -> String {
        self.nodes.get(at).map(|n| n.name.clone()).unwrap_or_default()
    }
}
