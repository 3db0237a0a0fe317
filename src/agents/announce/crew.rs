//! Announcing from a thread of a long-lived program: many addresses at once, no process for any of them.
//!
//! The first packet of each address goes out from the thread that brought it up, at once. What follows is the
//! announcer's: some addresses, a pause, some more, so that thousands of packets are a stream and no flood. Whoever
//! ends an announcement waits for the packets that are just going out, so that none follows the removal of the
//! address.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Announcement, BURST, Form, PAUSE, round, tell};
use crate::agents::netlink::Conversation;
use crate::agents::plan::schedule::Turn;
use crate::agents::plan::{Link, Snapshot};
use crate::sys::packet::PacketSocket;
use crate::sys::realtime;

/// What is announced later than this together with something else is due with it.
const TOGETHER: Duration = Duration::from_millis(5);
/// A look at the kernel's tables serves for so long.
const FRESH: Duration = Duration::from_millis(20);

/// The thread, and what it has to do.
#[derive(Clone)]
pub struct Crew(Arc<Shared>);

struct Shared {
    waiting: Mutex<Vec<Waiting>>,
    news: Condvar,
    /// Open for good: opening and closing one takes the kernel a while.
    socket: Mutex<Option<Arc<PacketSocket>>>,
}

struct Waiting {
    what: Announcement,
    since: Instant,
    due: Instant,
    /// The first packet of a round is out, the second is due.
    half: bool,
}

impl Crew {
    /// Starts the thread, which lives as long as the program. `preferred`: as those that wait for it are.
    pub fn start(preferred: bool) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            waiting: Mutex::new(Vec::new()),
            news: Condvar::new(),
            socket: Mutex::new(PacketSocket::open().ok().map(Arc::new)),
        });
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

    /// Announces each of them: one packet now, the rest from the background, in place of any older ones. What could
    /// not be sent, though the link is in operation.
    pub fn announce(&self, all: Vec<(Announcement, &Link)>) -> Vec<(Announcement, io::Error)> {
        let socket = self.0.socket();
        let (mut fresh, mut failed) = (Vec::new(), Vec::new());
        for (what, link) in all {
            let told = match &socket {
                Ok(socket) => tell(socket, link, what.ip, Form::First),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            // Where the link is only coming up, nobody has heard.
            let half = link.is_operational();
            match told {
                Err(error) if half => failed.push((what.clone(), error)),
                _ => {}
            }
            fresh.push((what, half));
        }
        self.0.wait_for(fresh);
        failed
    }

    /// Takes the rounds that remain, in place of any older ones for the address there.
    pub fn go_on(&self, what: Announcement) {
        self.0.wait_for(vec![(what, false)]);
    }

    /// One more round of each of these, soon; those that wait for one anyway are left alone.
    pub fn remind(&self, all: Vec<Announcement>) {
        let now = Instant::now();
        let mut waiting = self.0.waiting();
        let known: BTreeSet<_> = waiting.iter().map(|one| one.what.key()).collect();
        let new: Vec<_> = all.into_iter().filter(|what| !known.contains(&what.key())).collect();
        waiting.extend(new.into_iter().map(|what| Waiting { what, since: now, due: now, half: false }));
        self.0.news.notify_one();
    }

    /// Whether there were rounds to come for any of these addresses, each on its interface, or on all where none is
    /// named. There are none now.
    pub fn end_all(&self, all: &[(IpAddr, Option<String>)]) -> bool {
        let all: BTreeSet<_> = all.iter().map(|(ip, nic)| (*ip, nic.as_deref())).collect();
        let mut waiting = self.0.waiting();
        let before = waiting.len();
        waiting.retain(|one| {
            let (ip, nic) = one.what.key();
            !all.contains(&(ip, None)) && !all.contains(&(ip, Some(nic)))
        });
        waiting.len() < before
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn socket(&self) -> io::Result<Arc<PacketSocket>> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        if socket.is_none() {
            *socket = Some(Arc::new(PacketSocket::open()?));
        }
        socket.clone().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn wait_for(&self, fresh: Vec<(Announcement, bool)>) {
        if fresh.is_empty() {
            return;
        }
        let now = Instant::now();
        let mut waiting = self.waiting();
        let again: BTreeSet<_> = fresh.iter().map(|(what, _)| what.key()).collect();
        waiting.retain(|one| !again.contains(&one.what.key()));
        waiting.extend(fresh.into_iter().map(|(what, half)| {
            let due = if half { now } else { now + what.schedule.interval };
            Waiting { what, since: now, due, half }
        }));
        self.news.notify_one();
    }

    fn work(&self) {
        let mut seen = Seen::default();
        let mut waiting = self.waiting();
        loop {
            let next = waiting.iter().map(|one| one.due).min();
            let nap = next.map(|due| due.saturating_duration_since(Instant::now()));
            waiting = match nap {
                Some(Duration::ZERO) => {
                    let more = self.turn(&mut waiting, &mut seen);
                    drop(waiting);
                    if more {
                        thread::sleep(PAUSE);
                    }
                    self.waiting()
                }
                Some(nap) => self.news.wait_timeout(waiting, nap).unwrap_or_else(PoisonError::into_inner).0,
                None => {
                    seen = Seen::default();
                    self.news.wait(waiting).unwrap_or_else(PoisonError::into_inner)
                }
            };
        }
    }

    /// Some of what is due, the oldest first. What cannot be looked at now is due again after its interval. Whether
    /// more is due.
    fn turn(&self, waiting: &mut Vec<Waiting>, seen: &mut Seen) -> bool {
        let now = Instant::now();
        let (seen, socket) = (seen.look(now), self.socket().ok());
        waiting.sort_by_key(|one| one.due);
        let (mut room, mut more) = (BURST, false);
        waiting.retain_mut(|one| {
            if one.due > now + TOGETHER {
                return true;
            }
            if room == 0 {
                more = true;
                return true;
            }
            room -= 1;
            match (seen, &socket) {
                (Some(seen), Some(socket)) => one.tell(seen, socket, now),
                _ => one.postpone(now),
            }
        });
        more
    }
}

/// The kernel's tables, as they were a moment ago.
#[derive(Default)]
struct Seen(Option<(Instant, Snapshot)>);

impl Seen {
    fn look(&mut self, now: Instant) -> Option<&Snapshot> {
        let fresh = self.0.as_ref().is_some_and(|(at, _)| now < *at + FRESH);
        if !fresh {
            let seen = Conversation::open().and_then(|mut talk| talk.holdings()).ok();
            self.0 = seen.map(|seen| (now, seen));
        }
        self.0.as_ref().map(|(_, seen)| seen)
    }
}

impl Waiting {
    /// Whether rounds remain.
    fn tell(&mut self, seen: &Snapshot, socket: &PacketSocket, now: Instant) -> bool {
        let held = |index: u32| !self.what.while_held || seen.holders(self.what.ip).any(|a| a.index == index);
        let Some(link) = seen.link(&self.what.nic).filter(|link| held(link.index)) else {
            return false;
        };
        let half = std::mem::take(&mut self.half);
        self.due = if half { self.since } else { now } + self.what.schedule.interval;
        match self.what.schedule.turn(link.is_operational(), now.saturating_duration_since(self.since)) {
            Turn::Stop => return false,
            Turn::Wait => return true,
            Turn::Announce(rest) => self.what.schedule = rest,
        }
        // The link may have gone this very moment; the next round may get through.
        let _ = match half {
            true => tell(socket, link, self.what.ip, Form::Second),
            false => round(socket, link, self.what.ip),
        };
        self.what.schedule.rounds > 0
    }

    fn postpone(&mut self, now: Instant) -> bool {
        self.due = now + self.what.schedule.interval;
        now < self.since + self.what.schedule.interval.saturating_mul(self.what.schedule.rounds)
    }
}
