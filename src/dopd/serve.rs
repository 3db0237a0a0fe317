//! `dopd`: the loop that owns the plans, the socket of the handlers and the connection to the cluster.
//!
//! One thread polls everything; `drbdadm` and the signals have threads that hand in an `Event`.

use super::connection::{Came, Connection};
use super::drbdadm;
use super::plan::{self, Node, Rc, Refusal};
use super::plan_requests::{Asked, Id, Late, Requests, UNANSWERED};
use super::plan_runs::{Runs, Step};
use super::{SOCKET, log};
use crate::client::{Client, ClientError};
use crate::level::Level;
use crate::logging::Logger;
use crate::wire::Message;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// How long the local daemon may take for an answer.
const DAEMON: Duration = Duration::from_secs(10);
/// How many of a kind are taken before the others have their turn.
const TURN: usize = 64;

/// What the other threads have to say.
enum Event {
    Ended(String, drbdadm::Exit),
    Stop,
}

/// The way in for events: the queue, and a byte that wakes the loop.
#[derive(Debug)]
struct Bell {
    events: Sender<Event>,
    wake: UnixStream,
}

impl Bell {
    fn again(&self) -> io::Result<Self> {
        Ok(Self { events: self.events.clone(), wake: self.wake.try_clone()? })
    }

    fn ring(&mut self, event: Event) {
        // when the loop is gone there is nobody to be told; a full pipe wakes it as well
        let _ = self.events.send(event);
        let _ = self.wake.write(&[0]);
    }
}

struct Dopd {
    log: Logger,
    client: Client,
    own: String,
    listener: UnixListener,
    /// No more connections before this: there was no room for one.
    full_until: Option<Instant>,
    connections: BTreeMap<Id, Connection>,
    requests: Requests,
    runs: Runs,
    events: Receiver<Event>,
    woken: UnixStream,
    bell: Bell,
}

/// Runs it; the exit code.
pub fn main() -> u8 {
    let name = std::env::args_os().next().unwrap_or_default().to_string_lossy().into_owned();
    let log = log::of_this_process(&name, false);
    match Dopd::start(log.clone()).and_then(Dopd::run) {
        Ok(()) => 0,
        Err(text) => {
            log.log(Level::Error, &text);
            1
        }
    }
}

impl Dopd {
    fn start(log: Logger) -> Result<Self, String> {
        log.log(Level::Debug, &format!("PID={}", std::process::id()));
        go_to_core_directory();
        log.log(Level::Debug, "Signing in with heartbeat");
        let mut client = Client::sign_on(Some("dopd")).map_err(|error| {
            log.log(Level::Error, "Cannot sign on with heartbeat");
            format!("REASON: {error}")
        })?;
        client.be_patient(Some(DAEMON));
        let own = client.hello().node.clone();
        log.log(Level::Debug, &format!("[We are {own}]"));
        let listener = listen().map_err(|error| format!("cannot listen on {SOCKET}: {error}"))?;
        let (sender, events) = channel();
        let (woken, wake) = pair().map_err(|error| format!("cannot make a socket pair: {error}"))?;
        let bell = Bell { events: sender, wake };
        let for_signals = bell.again().map_err(|error| format!("cannot copy a descriptor: {error}"))?;
        watch_signals(for_signals).map_err(|error| format!("cannot wait for signals: {error}"))?;
        log.log(Level::Debug, "Waiting for messages...");
        Ok(Self {
            log,
            client,
            own,
            listener,
            full_until: None,
            connections: BTreeMap::new(),
            requests: Requests::default(),
            runs: Runs::default(),
            events,
            woken,
            bell,
        })
    }

    fn run(mut self) -> Result<(), String> {
        loop {
            let more = self.take_cluster_messages()?;
            let ready = self.wait(more);
            self.drain_wake();
            while let Ok(event) = self.events.try_recv() {
                match event {
                    Event::Stop => {
                        self.client.sign_off();
                        return Ok(());
                    }
                    Event::Ended(resource, exit) => self.ended(&resource, exit),
                }
            }
            for id in ready {
                self.look_at(id);
            }
            self.accept();
            self.mind_the_time();
        }
    }

    // --- waiting -----------------------------------------------------------------------------

    /// Waits until there is something to do; the connections that have something.
    fn wait(&mut self, more: bool) -> Vec<Id> {
        let now = Instant::now();
        self.full_until = self.full_until.filter(|until| *until > now);
        let deadline = [self.requests.deadline(), self.full_until].into_iter().flatten().min();
        let timeout = match deadline {
            _ if more => PollTimeout::ZERO,
            Some(deadline) => timeout(deadline.saturating_duration_since(now)),
            None => PollTimeout::NONE,
        };
        let mut fds = vec![
            PollFd::new(self.client.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.woken.as_fd(), PollFlags::POLLIN),
        ];
        for connection in self.connections.values() {
            let out = if connection.has_more() { PollFlags::POLLOUT } else { PollFlags::empty() };
            fds.push(PollFd::new(connection.as_fd(), PollFlags::POLLIN | out));
        }
        if self.full_until.is_none() {
            fds.push(PollFd::new(self.listener.as_fd(), PollFlags::POLLIN));
        }
        if poll(&mut fds, timeout).is_err() {
            return Vec::new();
        }
        let ids = self.connections.keys().zip(fds.iter().skip(2));
        ids.filter(|(_, fd)| fd.any().unwrap_or(true)).map(|(id, _)| *id).collect()
    }

    fn drain_wake(&mut self) {
        let mut bytes = [0; 256];
        while matches!(self.woken.read(&mut bytes), Ok(n) if n == bytes.len()) {}
    }

    fn mind_the_time(&mut self) {
        let now = Instant::now();
        for late in self.requests.late(now) {
            match late {
                Late::Unanswered(id) => self.answer(id, UNANSWERED),
                Late::Idle(id) => self.close(id),
            }
        }
    }

    // --- the handlers of this node -----------------------------------------------------------

    fn accept(&mut self) {
        for _ in 0..TURN {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    self.log.log(Level::Warn, &format!("{SOCKET}: cannot accept a connection: {error}"));
                    self.full_until = Some(Instant::now() + Duration::from_secs(1));
                    return;
                }
            };
            let uid = getsockopt(&socket, PeerCredentials).map_or(u32::MAX, |peer| peer.uid());
            if socket.set_nonblocking(true).is_err() {
                continue;
            }
            let (id, evicted) = self.requests.arrived(uid, Instant::now());
            if let Some(evicted) = evicted {
                self.log.log(Level::Warn, &format!("{SOCKET}: too many connections: closing the oldest"));
                self.connections.remove(&evicted);
            }
            self.connections.insert(id, Connection::new(socket));
            self.log.log(Level::Debug, "Client outdater connected");
        }
    }

    fn look_at(&mut self, id: Id) {
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let came = match connection.flush() {
            Ok(()) => connection.read(),
            Err(_) => Came::End,
        };
        match came {
            Came::Nothing => {}
            Came::Message(message) => self.request(id, &message),
            Came::End => self.close(id),
        }
    }

    fn request(&mut self, id: Id, message: &Message) {
        let (Some(peer), Some(resource)) = (message.text("outdater_peer"), message.text("outdater_res"))
        else {
            self.log.log(Level::Warn, "outdater: a message without peer or resource");
            return self.close(id);
        };
        let from = message.text("src").unwrap_or_default();
        self.log.log(Level::Debug, &format!("Got message from ({from}). (peer: {peer}, res :{resource})"));
        let Some(peer) = self.find(peer) else { return self.answer(id, Rc::UNREACHABLE) };
        match self.requests.asked(id, resource, Instant::now()) {
            Asked::Go => self.ask_peer(id, resource, &peer),
            Asked::Busy => {
                self.log.log(Level::Warn, &format!("another instance asks for {resource} already"));
                self.answer(id, Rc::BUSY);
            }
            Asked::Twice => self.close(id),
        }
    }

    /// The node that can be asked under this name; says why there is none.
    fn find(&mut self, peer: &str) -> Option<String> {
        self.log.log(Level::Debug, "Starting node walk");
        let nodes: Vec<Node> = match self.client.walk("nodelist", &[]) {
            Ok(replies) => replies.iter().filter_map(Node::of).collect(),
            Err(error) => {
                self.log.log(Level::Error, &format!("Cannot start node walk: {error}"));
                return None;
            }
        };
        match plan::choose(&nodes, &self.own, peer) {
            Ok(node) => {
                let text = format!("node {} found with status {}", node.name, node.status);
                self.log.log(Level::Debug, &text);
                Some(node.name.clone())
            }
            Err(Refusal::Myself) => {
                self.log.log(Level::Warn, &format!("drbd peer node {peer} is me!"));
                None
            }
            Err(Refusal::NotFound { found }) => {
                if let Some(node) = found {
                    let kind = if node.kind == "normal" { "" } else { " is not a normal node" };
                    let text = format!("Cluster node: {}: status: {}{kind}", node.name, node.status);
                    self.log.log(Level::Warn, &text);
                }
                self.log.log(Level::Warn, &format!("drbd peer {peer} was not found"));
                None
            }
        }
    }

    fn ask_peer(&mut self, id: Id, resource: &str, peer: &str) {
        let text = format!("sending start_outdate message to the other node {} -> {peer}", self.own);
        self.log.log(Level::Info, &text);
        if let Err(error) = self.client.send(&plan::start_outdate(&self.own, resource, peer)) {
            self.log.log(Level::Error, &format!("sending start_outdate failed: {error}"));
            self.answer(id, Rc::UNREACHABLE);
        }
    }

    fn answer(&mut self, id: Id, rc: Rc) {
        self.requests.answered(id, Instant::now());
        let message = plan::outdater_rc(&self.own, rc);
        let written = self.connections.get_mut(&id).map(|connection| connection.write(&message));
        if !matches!(written, Some(Ok(()))) {
            self.close(id);
        }
    }

    fn close(&mut self, id: Id) {
        self.connections.remove(&id);
        self.requests.gone(id);
    }

    // --- the other nodes ---------------------------------------------------------------------

    /// Whether there may be more.
    fn take_cluster_messages(&mut self) -> Result<bool, String> {
        for _ in 0..TURN {
            match self.client.receive(Some(Duration::ZERO)) {
                Ok(Some(message)) => self.cluster_message(&message),
                Ok(None) => return Ok(false),
                Err(error @ (ClientError::Closed | ClientError::Broken(_) | ClientError::Malformed(_))) => {
                    return Err(format!("lost the connection to heartbeat: {error}"));
                }
                Err(error) => {
                    self.log.log(Level::Warn, &error.to_string());
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn cluster_message(&mut self, message: &Message) {
        let (Some(source), Some(resource)) = (message.text("src"), message.text("dop_res")) else { return };
        match message.kind() {
            Some("start_outdate") => {
                let steps = self.runs.asked(resource, source);
                self.carry_out(steps);
            }
            Some("outdate_rc") => {
                let value = message.text("dop_value").unwrap_or_default();
                self.log.log(Level::Debug, &format!("msg_outdate_rc: {resource} {value}"));
                if let Some(id) = self.requests.waiting_for(resource) {
                    self.answer(id, Rc::parse(value).unwrap_or(Rc::OTHER));
                }
            }
            _ => {}
        }
    }

    fn carry_out(&mut self, mut steps: Vec<Step>) {
        while let Some(step) = steps.pop() {
            match step {
                Step::Run(resource) => {
                    self.log.log(
                        Level::Debug,
                        &format!("msg_start_outdate: command: drbdadm outdate {resource}"),
                    );
                    if let Err(error) = self.run_drbdadm(&resource) {
                        self.log.log(Level::Error, &format!("cannot run drbdadm: {error}"));
                        steps.extend(self.runs.ended(&resource, Rc::OTHER));
                    }
                }
                Step::Answer { asker, resource, rc } => self.answer_node(&asker, &resource, rc),
            }
        }
    }

    fn run_drbdadm(&self, resource: &str) -> io::Result<()> {
        let mut bell = self.bell.again()?;
        let name = resource.to_owned();
        drbdadm::outdate(resource, move |exit| bell.ring(Event::Ended(name, exit)))
    }

    fn ended(&mut self, resource: &str, exit: drbdadm::Exit) {
        let exit = exit.unwrap_or_else(|error| {
            self.log.log(Level::Error, &format!("cannot run drbdadm: {error}"));
            None
        });
        let rc = Rc::of_drbdadm(exit);
        let code = exit.map_or_else(|| "none".to_owned(), |code| code.to_string());
        self.log.log(Level::Debug, &format!("msg_start_outdate: {resource}, command rc: {code}, rc: {rc}"));
        let steps = self.runs.ended(resource, rc);
        self.carry_out(steps);
    }

    fn answer_node(&mut self, asker: &str, resource: &str, rc: Rc) {
        self.log.log(Level::Info, &format!("sending return code: {rc}, {} -> {asker}", self.own));
        if let Err(error) = self.client.send(&plan::outdate_rc(rc, resource, &self.own, asker)) {
            self.log.log(Level::Error, &format!("sending the return code failed: {error}"));
        }
    }
}

/// Everybody may connect who can reach the directory: it belongs to the group haclient.
fn listen() -> io::Result<UnixListener> {
    match fs::remove_file(SOCKET) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(SOCKET)?;
    fs::set_permissions(SOCKET, fs::Permissions::from_mode(0o777))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn pair() -> io::Result<(UnixStream, UnixStream)> {
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    write.set_nonblocking(true)?;
    Ok((read, write))
}

/// Where cores of this user go; where there is no such place, anywhere.
fn go_to_core_directory() {
    if let Ok(Some(user)) = nix::unistd::User::from_uid(nix::unistd::geteuid()) {
        let _ = std::env::set_current_dir(format!("/var/lib/heartbeat/cores/{}", user.name));
    }
}

/// Rounded up, lest the last millisecond be spent spinning.
fn timeout(left: Duration) -> PollTimeout {
    PollTimeout::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(PollTimeout::MAX)
}

fn watch_signals(mut bell: Bell) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let (mut terminate, mut interrupt) = {
        let _here = runtime.enter();
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?)
    };
    let wait = move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        bell.ring(Event::Stop);
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(wait).map(drop)
}
