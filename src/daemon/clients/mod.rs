//! The register socket: accepts API clients, carries bytes between them and `api`. The rules are in `api`.
//!
//! All of it runs on the pulse thread: nothing waits, and what is done in one turn is bounded, as is what is
//! kept for each client and for all of them together.

mod chatter;
mod connection;
mod door;

use crate::api::frame::frame;
use crate::api::{ConnId, Desk, Order, Reason, Rules, Sight};
use crate::config::Config;
use crate::engine::{Engine, Input, Treatment};
use crate::level::Level;
use crate::logging::{Facility, Logger};
use crate::sys::poller::{Poller, Want};
use crate::wire::Message;
use chatter::Chatter;
use connection::{Connection, Heard};
use door::{Door, Visit};
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::{Pid, getuid};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// The door among what the poller watches; connections count from 1.
const DOOR: ConnId = ConnId(0);
/// New connections in one turn.
const VISITS: usize = 32;
/// Clients heard in one turn, and the bytes after which a turn ends early.
const TURN: usize = 64;
const TURN_BYTES: usize = 1 << 20;
/// Connections at the same time.
const MOST: usize = 2000;
/// Time to sign on.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether clients live.
const AUDIT: Duration = Duration::from_secs(9);
/// How soon the door is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Bytes that may wait for one client, and for each when much waits for all of them.
const MOST_QUEUED: usize = 4 << 20;
const FEW_QUEUED: usize = 64 << 10;
/// Bytes that wait for all clients, and that came from all and are not complete: then it is much.
const MUCH: usize = 64 << 20;
const MUCH_HELD: usize = 32 << 20;
/// Read at once.
const SCRATCH: usize = 64 << 10;

/// Everybody who is connected to the register socket.
pub(super) struct Clients {
    desk: Desk,
    log: Logger,
    chatter: Chatter,
    poller: Poller,
    door: Option<Door>,
    /// When to try the door again: it could not be made, or nobody more could come in.
    retry: Option<Instant>,
    connections: BTreeMap<ConnId, Connection>,
    newest: u64,
    /// What is still to be carried out.
    orders: VecDeque<Order>,
    /// Who is to be heard: in this turn, and afterwards.
    turn: Option<VecDeque<ConnId>>,
    line: VecDeque<ConnId>,
    heard: usize,
    queued: usize,
    held: usize,
    /// What the engine was told that clients listen to.
    told: u8,
    audit: Instant,
    paused: bool,
    last: Option<(Rc<Message>, Rc<[u8]>)>,
    scratch: Vec<u8>,
}

impl Clients {
    /// Nobody can come in before [`Clients::begin`]. To be called within the runtime.
    pub(super) fn new(config: &Config, log: &Logger) -> io::Result<Self> {
        let rules = Rules::new(config, facility(config), getuid().as_raw());
        Ok(Self {
            desk: Desk::new(rules, &config.this_node),
            log: log.clone(),
            chatter: Chatter::default(),
            poller: Poller::new()?,
            door: None,
            retry: None,
            connections: BTreeMap::new(),
            newest: DOOR.0,
            orders: VecDeque::new(),
            turn: None,
            line: VecDeque::new(),
            heard: 0,
            queued: 0,
            held: 0,
            told: 0,
            audit: Instant::now() + AUDIT,
            paused: false,
            last: None,
            scratch: vec![0; SCRATCH],
        })
    }

    /// Communication is up: makes the register socket.
    pub(super) fn begin(&mut self) {
        if self.door.is_some() {
            return;
        }
        let opened = Door::open().and_then(|door| self.poller.add(&door, DOOR.0, Want::READ).map(|()| door));
        match opened {
            Ok(door) => (self.door, self.retry) = (Some(door), None),
            Err(error) => {
                if self.retry.is_none() {
                    let path = crate::paths::REGISTER;
                    self.log.log(Level::Error, &format!("cannot make the socket {path}: {error}"));
                }
                self.retry = Some(Instant::now() + RETRY);
            }
        }
    }

    /// Waits until a client wants something.
    pub(super) async fn ready(&self) {
        if self.orders.is_empty() && self.line.is_empty() {
            self.poller.ready().await;
        }
    }

    /// When it wants to be served although no client moved.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let audit = (!self.connections.is_empty()).then_some(self.audit);
        self.retry.into_iter().chain(audit).min()
    }

    /// Serves whoever wants something, a bounded amount in one turn, up to the next thing that the engine
    /// must hear before this can go on. `None` ends the turn.
    pub(super) fn serve(&mut self, engine: &Engine) -> Option<Input> {
        if self.turn.is_none() {
            self.begin_turn();
        }
        loop {
            while let Some(order) = self.orders.pop_front() {
                if matches!(order, Order::Cluster(_))
                    && let Some(input) = self.listeners()
                {
                    self.orders.push_front(order);
                    return Some(input);
                }
                if let Some(message) = self.carry_out(order) {
                    return Some(Input::Local(message));
                }
            }
            match self.turn.as_mut().and_then(VecDeque::pop_front) {
                Some(id) if self.heard < TURN_BYTES => self.hear(id, engine),
                Some(id) => self.line.push_back(id),
                None => break,
            }
        }
        let input = self.listeners();
        if input.is_none() {
            self.turn = None;
        }
        input
    }

    /// Gives a message to those that it is for.
    pub(super) fn deliver(&mut self, message: &Message, treatment: Treatment) {
        // Before what waits in `orders`: an answer comes after what happened before it.
        for order in self.desk.deliver(message, treatment) {
            self.carry_out(order);
        }
    }

    /// Answers a peer's question for a client of this machine.
    pub(super) fn answer(&mut self, query: &Message) -> Option<Input> {
        self.desk.answer(query).map(Input::Local)
    }

    /// Takes no more messages from clients until told otherwise.
    pub(super) fn pause(&mut self, pause: bool) {
        self.paused = pause;
        let all: Vec<ConnId> = self.connections.keys().copied().collect();
        for id in all {
            self.watch(id);
            if !pause && self.connections.get(&id).is_some_and(Connection::has_message) {
                self.put_in_line(id);
            }
        }
    }

    fn listeners(&mut self) -> Option<Input> {
        let mask = self.desk.listeners();
        let news = mask != self.told;
        self.told = mask;
        news.then_some(Input::Listeners(mask))
    }

    fn begin_turn(&mut self) {
        self.heard = 0;
        let now = Instant::now();
        self.chores(now);
        let found: Vec<ConnId> = self.poller.look().into_iter().map(ConnId).collect();
        if found.contains(&DOOR) {
            self.let_in(now);
        }
        for id in found {
            self.put_in_line(id);
            self.flush(id);
        }
        let turn = self.line.len().min(TURN);
        self.turn = Some(self.line.drain(..turn).collect());
    }

    fn chores(&mut self, now: Instant) {
        if self.retry.is_some_and(|at| at <= now) {
            self.retry = None;
            match &self.door {
                Some(door) => drop(self.poller.add(door, DOOR.0, Want::READ)),
                None => self.begin(),
            }
        }
        if self.audit <= now {
            self.audit = now + AUDIT;
            self.orders.extend(self.desk.audit(&alive));
            let late = |(id, c): (&ConnId, &Connection)| {
                (now.duration_since(c.since) > PATIENCE && !self.desk.is_signed_on(*id)).then_some(*id)
            };
            let late: Vec<ConnId> = self.connections.iter().filter_map(late).collect();
            late.into_iter().for_each(|id| self.drop_client(id, Reason::BadClient));
        }
    }

    fn let_in(&mut self, now: Instant) {
        for _ in 0..VISITS {
            match self.door.as_ref().map_or(Visit::Nobody, Door::visit) {
                Visit::Nobody => return,
                Visit::Somebody(stream) => {
                    // One that cannot be asked who it is, is gone already.
                    if let Ok((connection, peer)) = Connection::new(stream) {
                        self.make_room();
                        self.newest += 1;
                        let id = ConnId(self.newest);
                        self.connections.insert(id, connection);
                        self.desk.connected(id, peer);
                        self.watch(id);
                    }
                }
                Visit::NoRoom(error) => {
                    self.chatter.log(
                        &self.log,
                        Level::Error,
                        &format!("cannot accept an API client: {error}"),
                    );
                    if let Some(door) = &self.door {
                        self.poller.remove(door);
                    }
                    self.retry = Some(now + RETRY);
                    return;
                }
            }
        }
    }

    /// Makes room for one more: the oldest who did not sign on goes; if all did, the newest.
    fn make_room(&mut self) {
        let count = self.connections.len();
        if count < MOST.min(door::room(count)) {
            return;
        }
        let stranger = self.connections.keys().copied().find(|id| !self.desk.is_signed_on(*id));
        let Some(id) = stranger.or_else(|| self.connections.keys().next_back().copied()) else { return };
        self.chatter.log(&self.log, Level::Warn, "too many API clients: one must go");
        self.drop_client(id, Reason::BadClient);
        self.close(id);
    }

    fn put_in_line(&mut self, id: ConnId) {
        if let Some(connection) = self.connections.get_mut(&id)
            && !std::mem::replace(&mut connection.in_line, true)
        {
            self.line.push_back(id);
        }
    }

    /// One look at the socket, at most one message.
    fn hear(&mut self, id: ConnId, engine: &Engine) {
        let paused = self.paused && self.desk.is_signed_on(id);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        connection.in_line = false;
        if paused || connection.is_congested() {
            return;
        }
        let before = connection.held();
        let heard = match connection.has_message() {
            true => Heard::Open,
            false => connection.hear(&mut self.scratch),
        };
        let came = connection.take();
        let (after, more) = (connection.held(), connection.has_message());
        self.held = (self.held + after).saturating_sub(before);
        self.heard += before.abs_diff(after);
        if more {
            self.put_in_line(id);
        }
        match came {
            Some(came) => {
                let sight = Sight { engine, alive: &alive };
                self.orders.extend(self.desk.received(id, came, sight));
                // One that signed on while all are paused is paused as well.
                self.watch(id);
            }
            None if heard == Heard::End => self.drop_client(id, Reason::Eof),
            None if self.held > MUCH_HELD && after > FEW_QUEUED => self.drop_client(id, Reason::BadClient),
            None => {}
        }
    }

    fn drop_client(&mut self, id: ConnId, reason: Reason) {
        self.orders.extend(self.desk.gone(id, reason));
    }

    fn carry_out(&mut self, order: Order) -> Option<Message> {
        match order {
            Order::Cluster(message) => return Some(message),
            Order::Write { to, message, signal } => self.write(to, message, signal),
            Order::Close(id) => self.close(id),
            Order::Limit(id, messages) => {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.set_limit(messages);
                }
            }
            Order::Log(level, text) => self.chatter.log(&self.log, level, &text),
        }
        None
    }

    fn write(&mut self, to: ConnId, message: Rc<Message>, signal: Option<(i32, i32)>) {
        let Some(bytes) = self.framed(message) else { return };
        let most = if self.queued > MUCH { FEW_QUEUED } else { MOST_QUEUED };
        let Some(connection) = self.connections.get_mut(&to) else { return };
        let before = connection.queued();
        let sent = connection.send(bytes, most);
        self.queued = (self.queued + connection.queued()).saturating_sub(before);
        if !sent {
            self.drop_client(to, Reason::SendFail);
        }
        self.written(to);
        if let Some((pid, signal)) = signal
            && let Ok(signal) = nix::sys::signal::Signal::try_from(signal)
        {
            // Its end is noticed elsewhere.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// The bytes of a message; many clients get the same one.
    fn framed(&mut self, message: Rc<Message>) -> Option<Rc<[u8]>> {
        if let Some((known, bytes)) = &self.last
            && Rc::ptr_eq(known, &message)
        {
            return Some(Rc::clone(bytes));
        }
        match frame(&message) {
            Ok(bytes) => {
                let bytes: Rc<[u8]> = bytes.into();
                self.last = Some((message, Rc::clone(&bytes)));
                Some(bytes)
            }
            Err(error) => {
                let text = format!("cannot give a message to an API client: {error}");
                self.chatter.log(&self.log, Level::Error, &text);
                None
            }
        }
    }

    fn flush(&mut self, id: ConnId) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let before = connection.queued();
        if before == 0 {
            return;
        }
        let open = connection.flush();
        self.queued = (self.queued + connection.queued()).saturating_sub(before);
        if !open {
            self.drop_client(id, Reason::SendFail);
        }
        self.written(id);
    }

    /// After bytes went out, or did not: what it said before may be heard now.
    fn written(&mut self, id: ConnId) {
        if self.connections.get(&id).is_some_and(|c| c.has_message() && !c.is_congested()) {
            self.put_in_line(id);
        }
        self.watch(id);
    }

    /// Tells the poller what is wanted of a connection now.
    fn watch(&mut self, id: ConnId) {
        let silent = self.paused && self.desk.is_signed_on(id);
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let want = Want { read: !connection.is_congested(), write: connection.queued() > 0 };
        let wanted = (!silent).then_some(want);
        let done = match (connection.watched, wanted) {
            (before, after) if before == after => Ok(()),
            (_, None) => {
                self.poller.remove(&*connection);
                Ok(())
            }
            (None, Some(want)) => self.poller.add(&*connection, id.0, want),
            (Some(_), Some(want)) => self.poller.change(&*connection, id.0, want),
        };
        connection.watched = wanted;
        if done.is_err() {
            self.drop_client(id, Reason::BadClient);
        }
    }

    fn close(&mut self, id: ConnId) {
        if let Some(connection) = self.connections.remove(&id) {
            self.queued = self.queued.saturating_sub(connection.queued());
            self.held = self.held.saturating_sub(connection.held());
        }
    }
}

/// The number of `logfacility` as the API tells it.
fn facility(config: &Config) -> i32 {
    let named = config.logging.facility.as_deref().and_then(Facility::parse);
    let given = config.parameters.iter().any(|(name, _)| name == "logfacility");
    named.map_or(if given { 0 } else { -1 }, |facility| i32::from(facility.priority(0)))
}

/// Whether there is such a process.
fn alive(pid: i32) -> bool {
    kill(Pid::from_raw(pid), None) != Err(Errno::ESRCH)
}
