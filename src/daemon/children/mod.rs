//! The programs of `respawn` and `failfast`: a thread of their own starts, watches and stops them. What is to
//! be done it asks `respawn`; only it waits for these processes, and it waits for no others.

mod process;

use crate::config::Config;
use crate::engine::Input;
use crate::logging::Logger;
use crate::resources::environment::Environment;
use crate::resources::reboot::Reboot;
use crate::respawn::{Act, End, Event, Minder, Program};
use crate::sys::child::Limit;
use crate::sys::realtime;
use nix::sys::signal::SigSet;
use process::Recipe;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::thread;
use std::time::Instant;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// Speaks to the thread that minds the programs. Never waits for it.
pub(super) struct Children {
    orders: mpsc::UnboundedSender<Event>,
    leaving: bool,
}

/// What the thread needs besides the configuration.
pub(super) struct Surroundings {
    pub(super) log: Logger,
    pub(super) inputs: mpsc::Sender<Input>,
    /// How a node goes down whose failfast program died.
    pub(super) reboot: Arc<dyn Reboot>,
    pub(super) environment: Environment,
    /// The limit of locked memory before the daemon lifted its own.
    pub(super) memory: Limit,
    /// The daemon is real-time: whom it shares locks with goes before ordinary threads.
    pub(super) realtime: bool,
}

impl Children {
    /// Starts the thread; no program yet.
    pub(super) fn start(config: &Config, surroundings: Surroundings) -> io::Result<Self> {
        let (orders, receiver) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let deaths = {
            let _inside = runtime.enter();
            signal(SignalKind::child())?
        };
        let preferred = surroundings.realtime;
        let nursery = Nursery::new(config, surroundings);
        let run = move || {
            if preferred {
                realtime::prefer();
            }
            // Whoever starts us may have held it back.
            let _ = [nix::sys::signal::SIGCHLD].into_iter().collect::<SigSet>().thread_unblock();
            runtime.block_on(nursery.mind(receiver, deaths));
        };
        thread::Builder::new().name("children".to_owned()).spawn(run)?;
        Ok(Self { orders, leaving: false })
    }

    /// Starts the programs, in file order.
    pub(super) fn begin(&self) {
        self.order(Event::Begin);
    }

    /// The daemon is going to end: what dies from now on stays dead and reboots nothing.
    pub(super) fn leave(&mut self) {
        if !self.leaving {
            self.leaving = true;
            self.order(Event::Leave);
        }
    }

    /// Stops them, last first; `Input::ClientsStopped` follows when all are gone.
    pub(super) fn stop(&self) {
        self.order(Event::Stop);
    }

    fn order(&self, event: Event) {
        // The thread lives as long as this handle.
        let _ = self.orders.send(event);
    }
}

/// The thread's own: the rules, how to start each program, and the processes there are.
struct Nursery {
    minder: Minder,
    recipes: Vec<Recipe>,
    processes: Vec<Option<Child>>,
    born: Instant,
    surroundings: Surroundings,
}

impl Nursery {
    fn new(config: &Config, surroundings: Surroundings) -> Self {
        let program = |client: &crate::config::Client| Program {
            command: client.command.clone(),
            uid: client.uid,
            gid: client.gid,
            failfast: client.failfast,
        };
        Self {
            minder: Minder::new(config.clients.iter().map(program)),
            recipes: process::recipes(config, surroundings.memory),
            processes: config.clients.iter().map(|_| None).collect(),
            born: Instant::now(),
            surroundings,
        }
    }

    /// Until the handle is dropped.
    async fn mind(mut self, mut orders: mpsc::UnboundedReceiver<Event>, mut deaths: Signal) {
        loop {
            let deadline = self.minder.next_deadline().map(|at| (self.born + at).into());
            tokio::select! {
                order = orders.recv() => match order {
                    Some(event) => self.feed(event).await,
                    None => return,
                },
                _ = deaths.recv() => self.bury().await,
                () = sleep_until(deadline) => self.feed(Event::Tick).await,
            }
        }
    }

    /// Signals may stand for each other: every process is asked.
    async fn bury(&mut self) {
        for index in 0..self.processes.len() {
            let Some(slot) = self.processes.get_mut(index) else { return };
            let Some(end) = slot.as_mut().and_then(ended) else { continue };
            *slot = None;
            self.feed(Event::Ended(index, end)).await;
        }
    }

    async fn feed(&mut self, event: Event) {
        let mut events = std::collections::VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for act in self.minder.handle(self.born.elapsed(), event) {
                events.extend(self.carry_out(act).await);
            }
        }
    }

    async fn carry_out(&mut self, act: Act) -> Option<Event> {
        let Surroundings { log, inputs, reboot, environment, .. } = &self.surroundings;
        match act {
            Act::Log(level, text) => log.log(level, &text),
            Act::LogOf(pid, level, text) => log.program("heartbeat", pid).log(level, &text),
            Act::Look(index) => return Some(Event::Looked(index, self.recipes.get(index)?.look())),
            Act::Start(index) => return Some(Event::Started(index, self.start(index))),
            Act::Terminate(pid) => process::terminate(pid),
            Act::Kill(pid) => process::kill(pid),
            Act::Reboot => reboot.reboot(log, environment),
            Act::Stopped => {
                let _ = inputs.send(Input::ClientsStopped).await;
            }
        }
        None
    }

    fn start(&mut self, index: usize) -> Result<u32, String> {
        let (Some(recipe), Some(slot)) = (self.recipes.get(index), self.processes.get_mut(index)) else {
            return Err("no such program".to_owned());
        };
        let child = recipe.start().map_err(|error| error.to_string())?;
        Ok(slot.insert(child).id())
    }
}

async fn sleep_until(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// How a process ended, if it did. One that somebody else has waited for counts as ended, how is not known.
fn ended(child: &mut Child) -> Option<End> {
    match child.try_wait() {
        Ok(status) => status.map(end_of),
        Err(_) => Some(End::Code(0)),
    }
}

fn end_of(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Code(code),
        (None, number) => End::Signal { number: number.unwrap_or_default(), core: status.core_dumped() },
    }
}
