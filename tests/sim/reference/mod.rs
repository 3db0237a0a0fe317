//! A model of the C daemon, 3.0.6, in haresources mode, with the face of our engine. Written from
//! `spec/wire-protocol.md` (sections in the comments), with the faults that it tells of: they are what ours has
//! to live with.
//!
//! * It handles its own messages before it sends them, so that what they cause overtakes them (3.2).
//! * It believes each accepted message as it comes, also one that is late and tells old news (5.2).
//! * A peer that speaks too late is dead for a moment, which takes everything of it (7.2 step 3, 8.6).
//! * "Both machines own our resources!" is said and nothing is done (8.9).
//! * After a partition it gives up everything and begins anew, 2 s later (7.7).
//!
//! That it looks at waiting messages late, and sometimes at its timers first, is the world's doing.

mod death;
mod jobs;
mod leave;
mod life;
mod negotiate;
mod peer;
mod receive;
mod send;
mod standby;
mod start;

use crate::storm::seat::Wish;
use heartbeat::engine::{Ending, Failback, Hold, Input, Job, JobId, NodeKind, Now, Settings};
use heartbeat::level::Level;
use heartbeat::wire::Message;
use peer::Peer;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Arguments;
use std::time::Duration;

/// How often it looks at its time-outs (13.1).
const POLL: Duration = Duration::from_millis(250);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    LinksPending,
    LinksUp,
    Up,
}

/// `rstate` (8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Init,
    Starting,
    BothStarting,
    Received,
    Stable,
    Shutdown,
}

/// `standby` (8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standby {
    Not,
    Me,
    Other,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    No,
    /// Asked; waits until resources are stable.
    Wanted,
    GivingUp,
    /// Own `shutdone` was handled: two phases, a second each.
    Phase(u8, Duration),
}

pub struct Reference {
    settings: Settings,
    now: Now,
    random: fastrand::Rng,
    peers: Vec<Peer>,
    me: usize,
    out: Vec<Wish>,
    load: String,
    seq: u64,
    history: VecDeque<(u64, Message, Option<Duration>)>,
    flow_control: bool,
    status: String,
    beat_at: Duration,
    poll_at: Duration,
    grace_until: Option<Duration>,
    restart_grace: bool,
    phase: Phase,
    ask_nodes_at: Option<Duration>,
    // 8.2
    state: State,
    i_hold: Hold,
    other_holds: Hold,
    other_stable: bool,
    takeover_in_progress: bool,
    standby: Standby,
    standby_deadline: Option<Duration>,
    standby_set: Hold,
    needs_failback: bool,
    failback_at: Option<Duration>,
    takeover_time: Option<Duration>,
    children: BTreeMap<JobId, Job>,
    queue: VecDeque<Job>,
    last_job: u64,
    raced: bool,
    reload_wanted: bool,
    leaving: Leaving,
    ending: Ending,
    restart_at: Option<Duration>,
    started: bool,
    ended: bool,
}

impl Reference {
    pub fn new(settings: Settings, now: Now) -> Self {
        let mut random = fastrand::Rng::with_seed(settings.seed);
        let peers: Vec<Peer> = settings
            .nodes
            .iter()
            .map(|spec| Peer::new(spec, &settings, now.mono, random.u64(0..10)))
            .collect();
        let me = peers.iter().position(|p| p.name == settings.me).unwrap();
        let resumed = settings.resumed;
        Self {
            random,
            peers,
            me,
            now,
            out: Vec::new(),
            load: "n/a".to_owned(),
            seq: 0,
            history: VecDeque::new(),
            flow_control: true,
            status: "init".to_owned(),
            beat_at: now.mono,
            poll_at: now.mono,
            grace_until: None,
            restart_grace: false,
            phase: Phase::LinksPending,
            ask_nodes_at: None,
            state: if resumed.is_some() { State::Stable } else { State::Init },
            i_hold: resumed.unwrap_or_default(),
            other_holds: Hold::None,
            other_stable: false,
            takeover_in_progress: false,
            standby: Standby::Not,
            standby_deadline: None,
            standby_set: Hold::All,
            needs_failback: false,
            failback_at: None,
            takeover_time: None,
            children: BTreeMap::new(),
            queue: VecDeque::new(),
            last_job: 0,
            raced: false,
            reload_wanted: false,
            leaving: Leaving::No,
            ending: Ending::Stop,
            restart_at: None,
            started: false,
            ended: false,
            settings,
        }
    }

    pub fn handle(&mut self, now: Now, input: Input) -> Vec<Wish> {
        if self.ended {
            return Vec::new();
        }
        self.now = now;
        match input {
            Input::Start => self.begin(),
            Input::Tick => self.tick(),
            Input::Received { link, message } => self.receive(&link, &message),
            Input::Local(message) => self.send(message),
            Input::JobDone(id) => self.job_done(id),
            Input::Load(load) => self.load = load,
            Input::Shutdown => self.want_to_leave(Ending::Stop),
            Input::Reload => self.reload(),
            Input::Remembered(_) | Input::JobFailed(_) | Input::Listeners(_) | Input::ClientsStopped => {}
        }
        std::mem::take(&mut self.out)
    }

    pub fn next_deadline(&self) -> Option<Duration> {
        if !self.started || self.ended {
            return None;
        }
        let phase = if let Leaving::Phase(_, at) = self.leaving { Some(at) } else { None };
        let asks = self.peers.iter().filter_map(Peer::next_request);
        [Some(self.beat_at), Some(self.poll_at), self.grace_until, self.ask_nodes_at, self.failback_at, phase]
            .into_iter()
            .flatten()
            .chain(self.restart_at)
            .chain(asks)
            .min()
    }

    pub fn is_active(&self) -> bool {
        self.status == "active" && self.leaving == Leaving::No && self.restart_at.is_none()
    }

    /// It took groups and gave groups at the same time (8.8: neither waits for the other).
    pub fn has_raced(&self) -> bool {
        self.raced
    }

    /// It takes groups in a hand-over, and says meanwhile that nothing moves.
    pub fn is_taking(&self) -> bool {
        self.standby == Standby::Done
    }

    /// Up, and nothing given up yet.
    pub fn is_up(&self) -> bool {
        self.phase == Phase::Up && matches!(self.leaving, Leaving::No | Leaving::Wanted)
    }

    /// "Resources are stable" (8.2).
    pub fn is_stable(&self) -> bool {
        if !self.children.is_empty() || !self.queue.is_empty() {
            return false;
        }
        let settled = matches!(self.state, State::Stable | State::Shutdown | State::Init);
        !self.nice()
            || (self.other_stable
                && !self.takeover_in_progress
                && self.standby == Standby::Not
                && self.standby_deadline.is_none()
                && settled)
    }

    /// No script runs and none is about to.
    fn is_still(&self) -> bool {
        let idle = self.children.is_empty() && self.queue.is_empty();
        idle && self.standby == Standby::Not && !self.takeover_in_progress
    }

    fn tick(&mut self) {
        let now = self.now.mono;
        self.ask_for_missing();
        if self.grace_until.is_some_and(|until| now >= until) {
            self.grace_until = None;
            self.send_status();
        }
        if now >= self.beat_at {
            self.beat_at = now + self.settings.keepalive;
            self.send_status();
        }
        if now >= self.poll_at {
            self.poll_at = now + POLL;
            self.poll();
        }
        if self.ask_nodes_at.is_some_and(|at| now >= at) {
            self.ask_nodes_at = None;
            self.ask_for_nodes();
        }
        if self.failback_at.is_some_and(|at| now >= at) {
            self.check_failback();
        }
        self.leave_on();
    }

    fn poll(&mut self) {
        for at in 0..self.peers.len() {
            self.check_life(at);
        }
        self.drop_links();
        self.check_links_pending();
        let late = self.takeover_time.is_some_and(|at| self.now.mono > at);
        if self.nice() && self.state == State::Received && late {
            self.state = State::Stable;
            self.acquire_local(false);
            self.log(Level::Info, format_args!("local resource transition completed."));
            self.send_held(true, None);
            self.audit();
        }
    }

    fn nice(&self) -> bool {
        self.settings.failback != Failback::Legacy
    }

    /// It is on its way out, or about to restart.
    fn is_leaving(&self) -> bool {
        self.leaving != Leaving::No
    }

    fn log(&mut self, level: Level, text: Arguments<'_>) {
        self.out.push(Wish::Log(1, vec![(level, text.to_string())]));
    }

    /// Every other member.
    fn others(&self) -> impl Iterator<Item = &Peer> {
        let me = self.me;
        self.peers
            .iter()
            .enumerate()
            .filter(move |(at, p)| *at != me && p.kind == NodeKind::Normal)
            .map(|(_, p)| p)
    }
}
