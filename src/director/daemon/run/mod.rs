//! The loop: one thread, one runtime. What comes in goes to the core, what comes out is carried out; nothing here
//! decides or waits.

mod renew;

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::clerk::{self, Errand, News};
use super::core::{Action, Core, Input, Ticket, loads};
use super::kernel::{self, Reply, Request, Way};
use super::launch::Start;
use super::place::Place;
use super::record::{Mode, Pending, Record};
use super::side::{CHILDREN, LATE, Side};
use super::signals::{Signals, Wish};
use crate::director::checks::Outcome;
use crate::director::checks::probe::Probe;
use crate::director::checks::run as check;
use crate::director::command::ChildVerb;
use crate::director::config::{CheckKind, Config, WarmStandby};
use crate::director::log::Log;
use crate::director::maintenance::Names;
use crate::director::plan::Verdict;
use crate::director::table::{Op, ServiceId};
use crate::sys::background::Herald;

/// A pause where there is nothing to wait for.
const LONG: Duration = Duration::from_secs(3600);

/// What is written down of a daemon.
pub(super) fn record(config: &Config, mode: Mode, once: &BTreeSet<ServiceId>) -> Record {
    let own = config.virtuals.iter().map(|virt| virt.id).filter(|_| loads(mode, config));
    let services = own.chain(once.iter().copied()).collect();
    let warm = config.global.warm_standby != WarmStandby::No;
    Record { mode, warm, pending: Pending::Nothing, services, staying: staying(config) }
}

/// The services that are to stay in the table when nobody serves any more.
pub(super) fn staying(config: &Config) -> BTreeSet<ServiceId> {
    config.virtuals.iter().filter(|virt| !virt.clean_stop).map(|virt| virt.id).collect()
}

struct Life<'a> {
    place: Place,
    debug: bool,
    in_background: bool,
    log: Log,
    side: Side,
    core: Core,
    began: Instant,
    checks: JoinSet<(Ticket, Outcome)>,
    kernel: Sender<Request>,
    errands: Sender<Errand>,
    herald: &'a mut Herald,
    waiting: VecDeque<Input>,
    /// When somebody is to be reminded of a server that is down.
    reminder: Option<Duration>,
    /// What is written down of it.
    record: Record,
    /// What it does: executed instances were told so. `None`: it has not come to the kernel yet.
    told: Option<Mode>,
    /// Until when they are waited for, before it is written down that nobody serves.
    parting: Option<Duration>,
    /// The configuration file has changed, and the administrator's program has not been told yet.
    changed: bool,
    /// What is said at the end, once the end is wanted.
    last_words: Option<String>,
    kept: bool,
    makes_way: bool,
    ended: bool,
}

enum Heard {
    Wish(Wish),
    Checked(Ticket, Outcome),
    Kernel(Reply),
    News(News),
    Late,
}

/// What is left of a life.
pub(super) struct Ended {
    /// The table was left as it is, to the next daemon, or could not be cleared.
    pub(super) kept: bool,
    /// The next daemon comes at once.
    pub(super) makes_way: bool,
    /// What is still to be done.
    pub(super) side: Side,
}

/// Lives until the end.
pub(super) async fn run(
    start: Start,
    herald: &mut Herald,
    once: BTreeSet<ServiceId>,
    limit: usize,
) -> io::Result<Ended> {
    let mut signals = Signals::catch()?;
    let (replies, mut answers) = unbounded_channel();
    let (news, mut heard) = unbounded_channel();
    let mut life = Life::begin(start, herald, (once, limit), (replies, news))?;
    life.feed(Input::Tick);
    let ended = life.side.ended();
    while !life.ended {
        let heard = life.hear(&mut signals, &mut answers, &mut heard, &ended).await;
        life.take(heard);
        life.part();
    }
    Ok(life.finish())
}

impl<'a> Life<'a> {
    /// Starts the threads beside it: the kernel's and the clerk's, which answer by these channels.
    fn begin(
        start: Start,
        herald: &'a mut Herald,
        (once, limit): (BTreeSet<ServiceId>, usize),
        (replies, news): (UnboundedSender<Reply>, UnboundedSender<News>),
    ) -> io::Result<Self> {
        let way = Way::chosen().unwrap_or_else(|why| {
            start.log.say(&why);
            Way::Any
        });
        let kernel = kernel::start(way.or_program_here(start.debug), replies)?;
        let names = Names::default();
        let errands = clerk::start(start.place.clone(), start.print, names.clone(), news)?;
        let in_background = !start.debug && !start.config.global.supervised;
        Ok(Life {
            record: record(&start.config, start.mode, &once),
            side: Side::start(start.log.clone(), &start.config, &names)?,
            core: Core::new(Arc::new(start.config), start.mode, limit, once),
            place: start.place,
            debug: start.debug,
            in_background,
            log: start.log,
            began: Instant::now(),
            checks: JoinSet::new(),
            kernel,
            errands,
            herald,
            waiting: VecDeque::new(),
            reminder: None,
            told: None,
            parting: None,
            changed: false,
            last_words: None,
            kept: false,
            makes_way: false,
            ended: false,
        })
    }

    /// What is written down and said at the end.
    fn finish(mut self) -> Ended {
        if self.parting.take().is_some() {
            self.write_down(Mode::Standby);
        }
        // systemd, told of an end, kills whom it watches after a while: the next one.
        if !self.makes_way {
            self.side.tell_systemd_of_the_end();
        }
        if let Some(words) = &self.last_words {
            self.log.say(words);
        }
        Ended { kept: self.kept, makes_way: self.makes_way, side: self.side }
    }
}

impl Life<'_> {
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    async fn hear(
        &mut self,
        signals: &mut Signals,
        answers: &mut UnboundedReceiver<Reply>,
        news: &mut UnboundedReceiver<News>,
        ended: &Notify,
    ) -> Heard {
        let deadline = self.core.next_deadline().into_iter().chain(self.reminder).chain(self.parting).min();
        let pause = deadline.map_or(LONG, |at| at.saturating_sub(self.now()));
        tokio::select! {
            biased;
            wish = signals.next() => Heard::Wish(wish),
            Some(reply) = answers.recv() => Heard::Kernel(reply),
            Some(news) = news.recv() => Heard::News(news),
            Some(ended) = self.checks.join_next() => match ended {
                Ok((ticket, outcome)) => Heard::Checked(ticket, outcome),
                // It was told to end, with its configuration.
                Err(_) => Heard::Late,
            },
            () = ended.notified() => Heard::Late,
            () = sleep(pause) => Heard::Late,
        }
    }

    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Late => self.feed(Input::Tick),
            Heard::Checked(ticket, outcome) => self.checked(ticket, &outcome),
            Heard::Kernel(Reply::Told(line)) => self.log.say(&line),
            Heard::Kernel(Reply::Answer(input)) => self.feed(input),
            Heard::News(news) => self.news(news),
            Heard::Wish(wish) => self.wish(wish),
        }
    }

    /// Hands something to the core, and carries out what comes of it, until there is no more.
    fn feed(&mut self, input: Input) {
        self.waiting.push_back(input);
        while let Some(input) = self.waiting.pop_front() {
            let once = self.core.once().len();
            let actions = self.core.handle(self.now(), input);
            let happened = actions
                .iter()
                .any(|action| matches!(action, Action::Happened(..) | Action::Noticed | Action::Serving(..)));
            actions.into_iter().for_each(|action| self.carry_out(action));
            self.look_after(happened);
            if self.core.once().len() < once {
                self.forget();
            }
        }
    }

    /// What was ours once and is not in the table any more is another's if it comes again. Who ends leaves that to the
    /// next one.
    fn forget(&mut self) {
        let (config, once) = (Arc::clone(self.core.config()), self.core.once());
        let is_ours = |id: &ServiceId| once.contains(id) || config.virtuals.iter().any(|virt| virt.id == *id);
        if self.last_words.is_none() && self.record.keep(is_ours) {
            self.write();
        }
    }

    /// Who is to be reminded, and what systemd shows.
    fn look_after(&mut self, happened: bool) {
        let now = self.now();
        let due = self.reminder.is_some_and(|at| at <= now);
        if happened || due {
            // Who does not serve reminds nobody.
            self.reminder = self.serves().then(|| self.side.remind(now, &self.core)).flatten();
            if let Some(mode) = self.told {
                self.side.tell_systemd(&self.core, mode);
            }
        }
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Log(line) => self.log.say(&line),
            Action::Check { ticket, target, connect } => self.check(ticket, target, connect),
            Action::Forget => self.checks.abort_all(),
            Action::Look => self.tell_kernel(Request::Look),
            Action::Change(ops) => self.change(ops),
            // Who is to be reminded of it is worked out once for all of them.
            Action::Noticed => {}
            Action::Happened(event, status) => self.side.happened(self.core.config(), &event, status),
            Action::Fallback(index, verb) => {
                if let Some(virt) = self.core.config().virtuals.get(index) {
                    self.side.fallback(virt, verb);
                }
            }
            Action::Serving(mode) => self.serving(mode),
            Action::End { clean } => self.end(clean),
        }
    }

    /// Nothing comes into the table that is not written down: who dies leaves no service that nobody knows of.
    fn change(&mut self, ops: Vec<Op>) {
        if self.record.add(&ops) {
            self.write();
        }
        self.tell_kernel(Request::Change(ops));
    }

    fn tell_kernel(&mut self, request: Request) {
        if self.kernel.send(request).is_err() {
            // Only a thread that broke is not there any more.
            self.log.say("the thread for the kernel's table has ended");
            self.end(false);
        }
    }

    /// Whoever comes next is told what was left in the table.
    fn end(&mut self, clean: bool) {
        self.ended = true;
        self.kept |= !clean;
    }

    fn check(&mut self, ticket: Ticket, (index, real): (usize, usize), connect: bool) {
        let config = self.core.config();
        let Some(virt) = config.virtuals.get(index) else { return };
        let Some(server) = virt.reals.get(real) else { return };
        if self.side.is_out(server.at) {
            self.side.note(config, self.core.targets(ticket), false, "Server in maintenance");
            self.waiting.push_back(Input::Answer(ticket, Verdict::Maintenance));
            return;
        }
        let probe = Probe::of(virt, server, connect);
        self.checks.spawn(async move { (ticket, check::run(&probe).await) });
    }

    fn checked(&mut self, ticket: Ticket, outcome: &Outcome) {
        let verdict = if outcome.up { Verdict::Up } else { Verdict::Down };
        let (config, targets) = (self.core.config(), self.core.targets(ticket));
        self.side.note(config, targets, outcome.up, &outcome.text);
        if let Some(line) = worth_a_line(config, targets, outcome) {
            self.log.say(line);
        }
        if self.debug {
            self.debug(ticket, outcome);
        }
        self.feed(Input::Answer(ticket, verdict));
    }

    fn debug(&self, ticket: Ticket, outcome: &Outcome) {
        let config = self.core.config();
        let first = self.core.targets(ticket).first().copied();
        let virt = first.and_then(|(index, real)| Some((config.virtuals.get(index)?, real)));
        let Some((virt, real)) = virt.and_then(|(virt, real)| Some((virt, virt.reals.get(real)?))) else {
            return;
        };
        let word = if outcome.up { "up" } else { "down" };
        self.log.say(&format!("DEBUG2: {} is {word}: {}", virt.check_identity(real), outcome.text));
    }

    fn serves(&self) -> bool {
        self.told == Some(Mode::Active)
    }

    /// What is so from now on. Executed instances do the same; who stops serving waits for them.
    fn serving(&mut self, mode: Mode) {
        let before = self.told.replace(mode);
        match (before, mode) {
            (Some(Mode::Active), Mode::Standby) => self.side.execute(self.core.config(), ChildVerb::Stop),
            (None, Mode::Standby) => self.side.execute(self.core.config(), ChildVerb::Standby),
            (None | Some(Mode::Standby), Mode::Active) => {
                self.side.execute(self.core.config(), ChildVerb::Start);
            }
            _ => {}
        }
        if mode == Mode::Active || self.side.children_are_done() {
            self.parting = None;
            self.write_down(mode);
        } else {
            self.parting = self.parting.or(Some(self.now() + CHILDREN));
            if !self.record.pending.is_end() {
                self.is_told(Pending::StandBy);
            }
        }
    }

    /// Whether who is waited for is done, or late.
    fn part(&mut self) {
        let Some(until) = self.parting else { return };
        let done = self.side.children_are_done();
        if done || self.now() >= until {
            if !done {
                self.log.say(LATE);
            }
            self.parting = None;
            self.write_down(Mode::Standby);
        }
    }

    /// Whoever asks may know, and whoever waits for it may go.
    fn write_down(&mut self, mode: Mode) {
        let pending = self.record.pending;
        self.record = record(self.core.config(), mode, self.core.once());
        if pending.is_end() {
            self.record.pending = pending;
        }
        self.write();
        self.herald.tell(0);
        self.side.tell_systemd(&self.core, mode);
    }

    /// Whoever asks may know that, too.
    fn is_told(&mut self, pending: Pending) {
        self.record.pending = pending;
        self.write();
    }

    fn write(&self) {
        if self.in_background
            && let Err(error) = self.record.write(&self.place.state_file())
        {
            self.log.say(&format!("cannot write {}: {error}", self.place.state_file().display()));
        }
    }

    fn wish(&mut self, wish: Wish) {
        match wish {
            Wish::Reload => {
                self.log.say("Reloading Linux Director Daemon config on signal");
                self.errand(Errand::Read);
            }
            Wish::Serve => self.feed(Input::Activate),
            Wish::Check => self.feed(Input::Release),
            Wish::Leave | Wish::MakeWay => {
                self.kept = self.last_words.is_none();
                self.makes_way = wish == Wish::MakeWay;
                if self.kept {
                    self.is_told(Pending::Leave);
                }
                let words = "Linux Director Daemon ends for a restart: its table stays";
                self.last_words.get_or_insert_with(|| words.to_owned());
                self.feed(Input::Stop { keep: true });
            }
            Wish::End(name) => {
                if self.last_words.is_none() {
                    self.is_told(Pending::End);
                    self.side.execute(self.core.config(), ChildVerb::Shutdown);
                }
                self.last_words
                    .get_or_insert_with(|| format!("Linux Director Daemon terminated on signal: {name}"));
                self.feed(Input::Stop { keep: false });
            }
        }
    }

    fn errand(&mut self, errand: Errand) {
        if self.errands.send(errand).is_err() {
            self.log.say("the thread that reads configurations has ended");
        }
    }
}

/// Programs that cannot be run or take too long are told in the log, each time, as with the reference.
fn worth_a_line<'a>(config: &Config, targets: &[(usize, usize)], outcome: &'a Outcome) -> Option<&'a str> {
    let (index, _) = targets.first()?;
    let kind = config.virtuals.get(*index)?.check.kind;
    let runs = matches!(kind, CheckKind::External | CheckKind::ExternalPerl);
    let odd = outcome.text.starts_with("system_timeout(")
        || outcome.text.starts_with("Exiting with exit_status 127");
    (runs && odd).then_some(&outcome.text)
}
