//! Who waits for what among the local handlers, and for how long. Pure: time comes in.
//!
//! A connection asks once. A resource is asked for by one connection at a time; the next one hears
//! [`Rc::BUSY`]. Everything is bounded: how many there are, and how long each stays.

use super::plan::Rc;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A connection, numbered as it came.
pub type Id = u64;

/// Connections at a time, over all users.
pub const MAX_CONNECTIONS: usize = 512;
/// How long a connection may stay without having asked, or after it has its answer.
pub const IDLE: Duration = Duration::from_secs(10);
/// How long a peer's answer is waited for. The handler gives up earlier, by itself: 60 s unless told otherwise.
pub const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Silent,
    Waiting(String),
    Answered,
}

#[derive(Clone, Debug)]
struct Entry {
    uid: u32,
    state: State,
    until: Instant,
}

/// What a request leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The peer may be asked now.
    Go,
    /// Somebody else is asking for this resource.
    Busy,
    /// This connection has asked already, or is not known.
    Twice,
}

/// What time has done to a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Late {
    /// Nobody answered: tell it [`Rc::UNREACHABLE`].
    Unanswered(Id),
    /// It stays without need: close it.
    Idle(Id),
}

/// All local connections.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    entries: BTreeMap<Id, Entry>,
    next: Id,
}

impl Requests {
    /// A connection of this user came. The second value is the one that has to go for it when there are too many:
    /// the oldest of the user who has most.
    pub fn arrived(&mut self, uid: u32, now: Instant) -> (Id, Option<Id>) {
        let evicted = (self.entries.len() >= MAX_CONNECTIONS).then(|| self.victim()).flatten();
        if let Some(id) = evicted {
            self.gone(id);
        }
        let id = self.next;
        self.next += 1;
        self.entries.insert(id, Entry { uid, state: State::Silent, until: now + IDLE });
        (id, evicted)
    }

    fn victim(&self) -> Option<Id> {
        let mut users: BTreeMap<u32, usize> = BTreeMap::new();
        for entry in self.entries.values() {
            *users.entry(entry.uid).or_default() += 1;
        }
        let (greedy, _) = users.into_iter().max_by_key(|(uid, count)| (*count, *uid))?;
        self.entries.iter().find(|(_, entry)| entry.uid == greedy).map(|(id, _)| *id)
    }

    /// A connection asks for a resource, and the peer can be asked.
    pub fn asked(&mut self, id: Id, resource: &str, now: Instant) -> Asked {
        let busy = self.waiting_for(resource).is_some();
        match self.entries.get_mut(&id) {
            Some(entry) if entry.state == State::Silent && busy => Asked::Busy,
            Some(entry) if entry.state == State::Silent => {
                entry.state = State::Waiting(resource.to_owned());
                entry.until = now + PATIENCE;
                Asked::Go
            }
            _ => Asked::Twice,
        }
    }

    /// Who waits for an answer about this resource.
    pub fn waiting_for(&self, resource: &str) -> Option<Id> {
        let waits = |entry: &Entry| matches!(&entry.state, State::Waiting(r) if r == resource);
        self.entries.iter().find(|(_, entry)| waits(entry)).map(|(id, _)| *id)
    }

    /// A connection has its answer; it is expected to go.
    pub fn answered(&mut self, id: Id, now: Instant) {
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.state = State::Answered;
            entry.until = now + IDLE;
        }
    }

    /// A connection is closed.
    pub fn gone(&mut self, id: Id) {
        self.entries.remove(&id);
    }

    /// When to look at [`Requests::late`] again.
    pub fn deadline(&self) -> Option<Instant> {
        self.entries.values().map(|entry| entry.until).min()
    }

    /// Whose time is over.
    pub fn late(&self, now: Instant) -> Vec<Late> {
        let over = self.entries.iter().filter(|(_, entry)| entry.until <= now);
        over.map(|(id, entry)| match entry.state {
            State::Waiting(_) => Late::Unanswered(*id),
            State::Silent | State::Answered => Late::Idle(*id),
        })
        .collect()
    }
}

/// What a handler hears when its peer did not answer.
pub const UNANSWERED: Rc = Rc::UNREACHABLE;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_for_a_resource() {
        let (mut requests, now) = (Requests::default(), Instant::now());
        let [a, b, c] = [0, 0, 0].map(|uid| requests.arrived(uid, now).0);
        assert_eq!(requests.asked(a, "r0", now), Asked::Go);
        assert_eq!(requests.asked(b, "r0", now), Asked::Busy);
        assert_eq!(requests.asked(c, "r1", now), Asked::Go);
        assert_eq!(requests.asked(a, "r2", now), Asked::Twice);
        assert_eq!(requests.waiting_for("r0"), Some(a));
        requests.answered(a, now);
        assert_eq!(requests.waiting_for("r0"), None);
        assert_eq!(requests.asked(b, "r0", now), Asked::Go);
        requests.gone(b);
        assert_eq!(requests.waiting_for("r0"), None);
    }

    #[test]
    fn each_stay_has_an_end() {
        let (mut requests, now) = (Requests::default(), Instant::now());
        let [silent, waiting, answered] = [0, 0, 0].map(|uid| requests.arrived(uid, now).0);
        requests.asked(waiting, "r0", now);
        requests.answered(answered, now);
        assert_eq!(requests.deadline(), Some(now + IDLE));
        assert_eq!(requests.late(now), []);
        assert_eq!(requests.late(now + IDLE), [Late::Idle(silent), Late::Idle(answered)]);
        let all = [Late::Idle(silent), Late::Unanswered(waiting), Late::Idle(answered)];
        assert_eq!(requests.late(now + PATIENCE), all);
    }

    #[test]
    fn who_fills_it_pays() {
        let (mut requests, now) = (Requests::default(), Instant::now());
        let (root, _) = requests.arrived(0, now);
        let first = requests.arrived(65534, now).0;
        for _ in 2..MAX_CONNECTIONS {
            assert_eq!(requests.arrived(65534, now).1, None);
        }
        assert_eq!(requests.arrived(0, now).1, Some(first));
        assert_eq!(requests.arrived(65534, now).1, Some(first + 1));
        assert_eq!(requests.asked(root, "r0", now), Asked::Go);
        assert!(requests.entries.len() <= MAX_CONNECTIONS);
    }
}
