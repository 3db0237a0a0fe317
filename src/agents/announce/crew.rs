//! Announcing from a thread of a long-lived program: many addresses at once, no process for any of them.
//!
//! One look at the kernel serves all that are due. Whoever ends an announcement waits for the round that is just
//! going out, so that none follows the removal of the address.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Announcement, round};
use crate::agents::netlink::Conversation;
use crate::agents::plan::Snapshot;
use crate::agents::plan::schedule::Turn;
use crate::sys::packet::PacketSocket;
use crate::sys::realtime;

/// What is announced later than this together with something else is due with it.
const TOGETHER: Duration = Duration::from_millis(5);

/// The thread, and what it has to do.
#[derive(Clone)]
pub struct Crew(Arc<Shared>);

struct Shared {
    waiting: Mutex<Vec<Waiting>>,
    news: Condvar,
}

struct Waiting {
    what: Announcement,
    since: Instant,
    due: Instant,
}

impl Crew {
    /// Starts the thread, which lives as long as the program. `preferred`: as those that wait for it are.
    pub fn start(preferred: bool) -> io::Result<Self> {
        let shared = Arc::new(Shared { waiting: Mutex::new(Vec::new()), news: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let work = move || {
            // Jobs wait for its lock: who stops an address must not wait for a script that eats the CPU.
            if preferred {
                realtime::prefer();
            }
            theirs.work();
        };
        thread::Builder::new().name("announcer".to_owned()).spawn(work)?;
        Ok(Self(shared))
    }

    /// Takes the rounds that remain, in place of any older ones for the address.
    pub fn go_on(&self, what: Announcement) {
        let now = Instant::now();
        let mut waiting = self.0.waiting();
        waiting.retain(|one| one.what.ip != what.ip);
        waiting.push(Waiting { since: now, due: now + what.schedule.interval, what });
        self.0.news.notify_one();
    }

    /// Whether there were rounds to come for the address. There are none now.
    pub fn end(&self, ip: IpAddr) -> bool {
        let mut waiting = self.0.waiting();
        let before = waiting.len();
        waiting.retain(|one| one.what.ip != ip);
        waiting.len() < before
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut socket = None;
        let mut waiting = self.waiting();
        loop {
            let next = waiting.iter().map(|one| one.due).min();
            let nap = next.map(|due| due.saturating_duration_since(Instant::now()));
            waiting = match nap {
                Some(Duration::ZERO) => {
                    turn(&mut waiting, &mut socket);
                    waiting
                }
                Some(nap) => self.news.wait_timeout(waiting, nap).unwrap_or_else(PoisonError::into_inner).0,
                None => {
                    // Kept for the next rounds only: closing one takes the kernel a while.
                    socket = None;
                    self.news.wait(waiting).unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }
}

/// One round of all that is due. What cannot be looked at now is due again after its interval.
fn turn(waiting: &mut Vec<Waiting>, socket: &mut Option<PacketSocket>) {
    let now = Instant::now();
    let seen = Conversation::open().and_then(|mut talk| talk.holdings()).ok();
    if socket.is_none() {
        *socket = PacketSocket::open().ok();
    }
    waiting.retain_mut(|one| {
        if one.due > now + TOGETHER {
            return true;
        }
        one.due = now + one.what.schedule.interval;
        match (&seen, &*socket) {
            (Some(seen), Some(socket)) => one.tell(seen, socket, now),
            _ => now < one.since + one.what.schedule.interval.saturating_mul(one.what.schedule.rounds),
        }
    });
}

impl Waiting {
    /// Whether rounds remain.
    fn tell(&mut self, seen: &Snapshot, socket: &PacketSocket, now: Instant) -> bool {
        let held = |index: u32| !self.what.while_held || seen.holders(self.what.ip).any(|a| a.index == index);
        let Some(link) = seen.link(&self.what.nic).filter(|link| held(link.index)) else {
            return false;
        };
        match self.what.schedule.turn(link.is_operational(), now.saturating_duration_since(self.since)) {
            Turn::Stop => return false,
            Turn::Wait => return true,
            Turn::Announce(rest) => self.what.schedule = rest,
        }
        // The link may have gone this very moment; the next round may get through.
        let _ = round(socket, link, self.what.ip);
        self.what.schedule.rounds > 0
    }
}
