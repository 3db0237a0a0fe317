//! Who minds the programs: starts them in file order, again when they end, and stops them last first.

use super::End;
use super::program::{Minded, Program, State, Verdict};
use crate::level::Level;
use std::time::Duration;

/// A program that does not end at SIGTERM is killed after this long. The reference waits for ever.
const PATIENCE: Duration = Duration::from_secs(300);

/// What happened. Programs are known by their place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// They may run now.
    Begin,
    /// The answer to [`Act::Look`]: why it cannot be executed, if so.
    Looked(usize, Result<(), String>),
    /// The answer to [`Act::Start`]: the process, or why there is none.
    Started(usize, Result<u32, String>),
    /// A process ended.
    Ended(usize, End),
    /// The daemon is about to end: no program is started any more.
    Leave,
    /// They must end now.
    Stop,
    /// Time has passed.
    Tick,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// Log this.
    Log(Level, String),
    /// Log this as the new process would.
    LogOf(u32, Level, String),
    /// See whether this program can be executed.
    Look(usize),
    /// Start it.
    Start(usize),
    /// SIGTERM to this process group.
    Terminate(u32),
    /// SIGKILL to this process group.
    Kill(u32),
    /// Take the node down.
    Reboot,
    /// All have ended that will.
    Stopped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Waiting,
    Running,
    Leaving,
    /// Those from `left` on are stopped; the one before it is killed at `kill_at`.
    Stopping {
        left: usize,
        kill_at: Option<Duration>,
    },
    Stopped,
}

/// All programs. It is fed with [`Minder::handle`]; what it returns is to be done in that order.
#[derive(Debug)]
pub struct Minder {
    all: Vec<Minded>,
    phase: Phase,
    now: Duration,
    acts: Vec<Act>,
}

impl Minder {
    /// Programs in file order, none running.
    pub fn new(programs: impl IntoIterator<Item = Program>) -> Self {
        let all = programs.into_iter().map(Minded::new).collect();
        Self { all, phase: Phase::Waiting, now: Duration::ZERO, acts: Vec::new() }
    }

    /// What follows from an event at this time.
    pub fn handle(&mut self, now: Duration, event: Event) -> Vec<Act> {
        self.now = now;
        match event {
            Event::Begin if self.phase == Phase::Waiting => self.begin(),
            Event::Looked(index, result) => self.looked(index, result),
            Event::Started(index, result) => self.started(index, result),
            Event::Ended(index, end) => self.ended(index, end),
            Event::Leave => self.leave(),
            Event::Stop => self.stop(),
            Event::Tick => self.tick(),
            Event::Begin => {}
        }
        std::mem::take(&mut self.acts)
    }

    /// When it wants a [`Event::Tick`] at the latest.
    pub fn next_deadline(&self) -> Option<Duration> {
        if let Phase::Stopping { kill_at, .. } = self.phase {
            return kill_at;
        }
        let due = |p: &Minded| if let State::Due { at, .. } = p.state { Some(at) } else { None };
        self.all.iter().filter_map(due).min()
    }

    fn log(&mut self, level: Level, text: String) {
        self.acts.push(Act::Log(level, text));
    }

    fn begin(&mut self) {
        self.phase = Phase::Running;
        for index in 0..self.all.len() {
            self.prepare(index, Duration::ZERO);
        }
    }

    /// Announces a start and has the program looked at; it is started after the pause.
    fn prepare(&mut self, index: usize, pause: Duration) {
        let (since, at) = (self.now, self.now + pause);
        let Some(minded) = self.all.get_mut(index) else { return };
        minded.state = State::Due { at, since };
        let Program { command, uid, gid, .. } = &minded.program;
        let text = format!("Starting child client \"{command}\" ({uid},{gid})");
        self.log(Level::Info, text);
        self.acts.push(Act::Look(index));
    }

    fn looked(&mut self, index: usize, result: Result<(), String>) {
        let now = self.now;
        let Some(minded) = self.all.get_mut(index) else { return };
        let State::Due { at, .. } = minded.state else { return };
        match result {
            Ok(()) if at <= now => self.acts.push(Act::Start(index)),
            Ok(()) => {}
            Err(why) => {
                minded.state = State::Idle;
                let text = format!("Cannot exec {}: {why}", minded.program.command);
                self.log(Level::Error, text);
            }
        }
    }

    fn started(&mut self, index: usize, result: Result<u32, String>) {
        let Some(minded) = self.all.get_mut(index) else { return };
        let State::Due { since, .. } = minded.state else { return };
        match result {
            Ok(pid) => {
                minded.state = State::Running { pid, since };
                let Program { command, uid, gid, .. } = &minded.program;
                let text = format!("Starting \"{command}\" as uid {uid}  gid {gid} (pid {pid})");
                self.acts.push(Act::LogOf(pid, Level::Info, text));
            }
            // No process could be had: that may pass, so it is tried as often as a program that ends at once.
            Err(why) => {
                minded.state = State::Idle;
                let verdict = minded.count(Duration::ZERO);
                let text = format!("Cannot start {}: {why}", minded.program.command);
                self.log(Level::Error, text);
                self.follow(index, verdict);
            }
        }
    }

    fn ended(&mut self, index: usize, end: End) {
        let now = self.now;
        let Some(minded) = self.all.get_mut(index) else { return };
        let State::Running { pid, since } = minded.state else { return };
        minded.state = State::Idle;
        if let Phase::Stopping { .. } = self.phase {
            return self.stop_next();
        }
        let lines = end.lines(&minded.program.command, pid);
        let verdict = minded.judge(end, now.saturating_sub(since));
        lines.into_iter().for_each(|(level, text)| self.log(level, text));
        self.follow(index, verdict);
    }

    fn follow(&mut self, index: usize, verdict: Verdict) {
        let Some(command) = self.all.get(index).map(|m| m.program.command.clone()) else { return };
        match verdict {
            _ if self.phase != Phase::Running => {}
            Verdict::Never => {}
            Verdict::TooFast => self.log(Level::Error, format!("Client {command} \"respawning too fast\"")),
            Verdict::Reboot => {
                self.log(Level::Emerg, format!("Rebooting system.  Reason: {command}"));
                self.acts.push(Act::Reboot);
            }
            Verdict::Again(pause) => {
                self.log(Level::Error, format!("Respawning client \"{command}\":"));
                self.prepare(index, pause);
            }
        }
    }

    fn leave(&mut self) {
        if matches!(self.phase, Phase::Waiting | Phase::Running) {
            self.phase = Phase::Leaving;
            self.forget_starts();
        }
    }

    fn forget_starts(&mut self) {
        let due = self.all.iter_mut().filter(|m| matches!(m.state, State::Due { .. }));
        due.for_each(|minded| minded.state = State::Idle);
    }

    fn stop(&mut self) {
        match self.phase {
            Phase::Stopping { .. } => {}
            Phase::Stopped => self.acts.push(Act::Stopped),
            Phase::Waiting => {
                self.phase = Phase::Stopped;
                self.acts.push(Act::Stopped);
            }
            Phase::Running | Phase::Leaving => {
                self.forget_starts();
                self.phase = Phase::Stopping { left: self.all.len(), kill_at: None };
                self.stop_next();
            }
        }
    }

    /// Goes on to the program before the last one that is done with.
    fn stop_next(&mut self) {
        let Phase::Stopping { left, .. } = self.phase else { return };
        // One that ends before its turn makes no difference to the one that is waited for.
        let waited_for = self.all.get(left).is_some_and(|m| matches!(m.state, State::Running { .. }));
        if waited_for {
            return;
        }
        for index in (0..left).rev() {
            let Some(minded) = self.all.get(index) else { continue };
            let command = &minded.program.command;
            if let State::Running { pid, .. } = minded.state {
                let text = format!("killing {command} process group {pid} with signal 15");
                self.phase = Phase::Stopping { left: index, kill_at: Some(self.now + PATIENCE) };
                self.log(Level::Info, text);
                return self.acts.push(Act::Terminate(pid));
            }
            let text = format!("client [{command}] is not running.");
            self.log(Level::Info, text);
        }
        self.phase = Phase::Stopped;
        self.acts.push(Act::Stopped);
    }

    fn tick(&mut self) {
        let now = self.now;
        if let Phase::Stopping { left, kill_at: Some(at) } = self.phase {
            if now >= at {
                self.kill(left);
            }
            return;
        }
        if self.phase != Phase::Running {
            return;
        }
        let due = |minded: &Minded| matches!(minded.state, State::Due { at, .. } if at <= now);
        let starts = self.all.iter().enumerate().filter(|(_, m)| due(m)).map(|(index, _)| Act::Start(index));
        self.acts.extend(starts.collect::<Vec<_>>());
    }

    /// The one that is waited for has had its time.
    fn kill(&mut self, index: usize) {
        // Nothing resists SIGKILL but a process within the kernel: that one is asked again.
        self.phase = Phase::Stopping { left: index, kill_at: Some(self.now + PATIENCE) };
        let Some(minded) = self.all.get(index) else { return };
        let State::Running { pid, .. } = minded.state else { return };
        let text =
            format!("killing {} process group {pid} with signal 9: it did not end", minded.program.command);
        self.log(Level::Warn, text);
        self.acts.push(Act::Kill(pid));
    }
}
