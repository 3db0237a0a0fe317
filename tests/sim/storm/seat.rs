//! What sits at a node: our engine, or the model of 3.0.6. The world treats them alike.

use super::script::Kind;
use crate::reference::Reference;
use heartbeat::engine::{Action, Ending, Engine, Input, Job, JobId, Mark, Now, Settings};
use heartbeat::level::Level;
use heartbeat::wire::Message;
use std::time::Duration;

/// What a seat wants done, in order.
pub enum Wish {
    Send(Message),
    Run {
        id: JobId,
        job: Job,
    },
    /// So many log lines; what they say, if somebody reads it.
    Log(usize, Vec<(Level, String)>),
    /// Clients are to be stopped: say that they are.
    StopClients,
    /// A message was taken in.
    Accepted(Message),
    End(Ending),
}

pub enum Seat {
    Ours(Box<Engine>),
    Model(Box<Reference>),
}

impl Seat {
    pub fn new(kind: Kind, settings: Settings, now: Now) -> Self {
        match kind {
            Kind::Ours => Seat::Ours(Box::new(Engine::new(settings, now).unwrap())),
            Kind::Model => Seat::Model(Box::new(Reference::new(settings, now))),
        }
    }

    pub fn handle(&mut self, now: Now, input: Input, reads: bool) -> Vec<Wish> {
        match self {
            Seat::Ours(engine) => {
                engine.handle(now, input).into_iter().filter_map(|a| wish(a, reads)).collect()
            }
            Seat::Model(model) => model.handle(now, input),
        }
    }

    pub fn next_deadline(&self) -> Option<Duration> {
        match self {
            Seat::Ours(engine) => engine.next_deadline(),
            Seat::Model(model) => model.next_deadline(),
        }
    }

    /// What its next life is to know of its peers.
    pub fn marks(&self) -> Vec<Mark> {
        match self {
            Seat::Ours(engine) => engine.marks(),
            Seat::Model(_) => Vec::new(),
        }
    }

    /// A C daemon that took and gave at the same time: what it runs is not what it knows.
    pub fn has_raced(&self) -> bool {
        matches!(self, Seat::Model(model) if model.has_raced())
    }

    /// A C daemon that takes groups in a hand-over, and says meanwhile that nothing moves.
    pub fn takes_unsaid(&self) -> bool {
        matches!(self, Seat::Model(model) if model.is_taking())
    }

    /// Its own status is `active` and it is not on its way out.
    pub fn is_active(&self) -> bool {
        match self {
            Seat::Ours(engine) => engine.status() == "active" && !engine.is_shutting_down(),
            Seat::Model(model) => model.is_active(),
        }
    }

    /// Nothing is in motion, as far as it knows. A C daemon that hears `starting` after what was said later
    /// (packets overtook each other) waits for ever for a peer that is at ease: of it no more is asked than
    /// that it is up.
    pub fn is_calm(&self) -> bool {
        match self {
            Seat::Ours(engine) => self.is_active() && engine.is_stable(),
            Seat::Model(model) => model.is_up(),
        }
    }
}

fn wish(action: Action, reads: bool) -> Option<Wish> {
    Some(match action {
        Action::Send(message) => Wish::Send(message),
        Action::Run { id, job } => Wish::Run { id, job },
        Action::Note(note) => Wish::Log(1, if reads { note.lines() } else { Vec::new() }),
        Action::StopClients => Wish::StopClients,
        Action::Deliver { message, .. } => Wish::Accepted(message),
        Action::End(ending) => Wish::End(ending),
        _ => return None,
    })
}
