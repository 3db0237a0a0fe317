//! From the verb to a daemon that runs, and to its end.

use std::collections::BTreeSet;
use std::io;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::chain;
use super::load::Print;
use super::pidfile::{self, Running};
use super::place::Place;
use super::record::{Mode, Record};
use super::run;
use super::side;
use super::signals;
use super::texts::STARTING;
use super::verbs::{Turned, await_end, complain, log_place, turn};
use crate::director::command::{ChildVerb, Errand};
use crate::director::config::Config;
use crate::director::log::Log;
use crate::director::table::ServiceId;
use crate::sys::background::{self, Herald, Manner, Side};
use crate::sys::process::{let_go_of_terminal, notice_children};

/// Descriptors that are not for checks.
const OTHERS: usize = 128;
/// Descriptors of a check: a program has one for its process beside those it is heard by.
const EACH: usize = 3;
/// No more descriptors than that are asked for.
const MOST: u64 = 65_536;
/// How long who makes way stays for the next one.
const FOLLOWER: Duration = Duration::from_secs(5);
/// A daemon that has not come to the kernel after so long goes on trying, and nobody waits for it any more.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a daemon begins with.
pub(super) struct Start {
    pub(super) place: Place,
    pub(super) config: Config,
    /// The configuration file as it was read.
    pub(super) print: Print,
    pub(super) mode: Mode,
    pub(super) debug: bool,
    pub(super) log: Log,
    /// The command and who has called it: no daemons.
    pub(super) kin: Vec<Pid>,
}

/// Whose the pid file is.
enum Claimed {
    /// Ours; services that an earlier life may have left in the table.
    Ours(BTreeSet<ServiceId>),
    /// Somebody's who runs.
    Theirs(Pid),
}

static DAEMON: AtomicBool = AtomicBool::new(false);

/// Whether this process is, or was, the daemon.
pub(super) fn became_daemon() -> bool {
    DAEMON.load(Ordering::Relaxed)
}

/// Becomes the daemon; the exit code, of the command or of the daemon.
pub(super) fn launch(start: Start) -> i32 {
    if start.debug || start.config.global.supervised {
        start.log.say(&format!("{STARTING} with pid: {}", std::process::id()));
        DAEMON.store(true, Ordering::Relaxed);
        return live(start, Herald::nobody(), BTreeSet::new());
    }
    start.log.say(&format!("{STARTING} as daemon"));
    match background::detach(&Manner { twice: true, patience: Some(PATIENCE) }) {
        Ok(Side::Command(code)) => code,
        Ok(Side::Daemon(herald)) => {
            DAEMON.store(true, Ordering::Relaxed);
            serve(start, herald)
        }
        Err(error) => {
            fails(&start.log, &format!("fork failed: {error}"));
            1
        }
    }
}

fn serve(start: Start, mut herald: Herald) -> i32 {
    background::unmask();
    // Whoever reads our pid may send us a signal.
    let begun = signals::hold_back().and_then(|()| begin_or_join(&start));
    let once = match begun {
        Ok(Ok(once)) => once,
        Ok(Err(code)) => {
            herald.tell(code);
            return code;
        }
        Err(error) => {
            fails(&start.log, &format!("Can not open {}: {error}", start.place.pid_file().display()));
            start.log.say("Exiting with exit_status 1: Initialisation Error");
            herald.tell(1);
            return 1;
        }
    };
    if let Err(error) = let_go_of_terminal().and_then(|()| std::env::set_current_dir("/")) {
        start.log.say(&format!("cannot let go of the terminal: {error}"));
    }
    live(start, herald, once)
}

/// Tells why there is no daemon, on the terminal too: it is still ours.
fn fails(log: &Log, line: &str) {
    complain(line);
    log.say(line);
}

/// Claims the pid file, or has who was faster do what is wanted: the exit code. Who ends is waited for, and followed.
fn begin_or_join(start: &Start) -> io::Result<Result<BTreeSet<ServiceId>, i32>> {
    loop {
        let pid = match claim(start)? {
            Claimed::Ours(once) => return Ok(Ok(once)),
            Claimed::Theirs(pid) => pid,
        };
        match join(start, pid) {
            Turned::Told(code) => return Ok(Err(code)),
            Turned::Ends if await_end(&start.place, pid) => {}
            Turned::Ends => return Ok(Err(1)),
        }
    }
}

/// One of ours is to serve, as ours would have.
fn join(start: &Start, pid: Pid) -> Turned {
    if !pidfile::is_ours(pid) {
        return Turned::Told(0);
    }
    if start.mode == Mode::Active {
        return turn(&start.place, &start.log, pid, Signal::SIGUSR1, Mode::Active);
    }
    let ends = Record::read(&start.place.state_file()).is_some_and(|record| record.pending.is_end());
    if ends { Turned::Ends } else { Turned::Told(0) }
}

/// Writes the pid, unless somebody runs.
fn claim(start: &Start) -> io::Result<Claimed> {
    let turn = pidfile::turn()?;
    let pid_file = start.place.pid_file();
    match pidfile::look(&pid_file) {
        Running::Yes(pid) if !start.kin.contains(&pid) => return Ok(Claimed::Theirs(pid)),
        _ => {}
    }
    let before = Record::read(&start.place.state_file());
    let once = before.map(|record| record.services).unwrap_or_default();
    run::record(&start.config, start.mode, &once).write(&start.place.state_file())?;
    pidfile::write_whole(&pid_file, &format!("{}\n", std::process::id()))?;
    drop(turn);
    Ok(Claimed::Ours(once))
}

fn live(mut start: Start, mut herald: Herald, once: BTreeSet<ServiceId>) -> i32 {
    let (direct, place) = (start.log.clone(), start.place.clone());
    let limit = room(&start.config);
    let lived = begin(&mut start).and_then(|runtime| {
        let ended = runtime.block_on(run::run(start, &mut herald, once, limit));
        // A thread that waits for a disk or a name is not waited for.
        runtime.shutdown_background();
        ended
    });
    let ended = lived.map_err(|error| {
        direct.say(&format!("ldirectord cannot run: {error}"));
        herald.tell(1);
    });
    if let Ok(ended) = &ended {
        ended.side.await_children();
    }
    // Whoever waits for our end waits for this. E-mails may take longer.
    if !ended.as_ref().is_ok_and(|ended| ended.kept) {
        pidfile::remove_with(&place.state_file(), &place.pid_file());
    }
    pidfile::remove_own(&place.pid_file());
    match ended {
        Ok(ended) => {
            ended.side.finish();
            if ended.makes_way {
                pidfile::await_another(&place.pid_file(), FOLLOWER);
            }
            0
        }
        Err(()) => 1,
    }
}

fn begin(start: &mut Start) -> io::Result<tokio::runtime::Runtime> {
    signals::hold_back()?;
    notice_children()?;
    start.log = Log::background(&start.place.instance, log_place(&start.config, start.debug, false))?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// How many checks may run at the same time: each has a descriptor or two, and one that gets none would take its server
/// for down. Asks for more of them where they are needed.
fn room(config: &Config) -> usize {
    let servers: usize = config.virtuals.iter().map(|virt| virt.reals.len()).sum();
    let wanted = u64::try_from(servers * EACH + OTHERS).unwrap_or(MOST).clamp(4096, MOST);
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 512 };
    let raised = wanted.min(hard).max(soft);
    let now = if raised > soft && setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_err() {
        soft
    } else {
        raised
    };
    (usize::try_from(now).unwrap_or(usize::MAX).saturating_sub(OTHERS) / EACH).max(64)
}

/// Asks each instance of a configuration that ours has executed how it is; what it says goes where ours goes.
pub(super) fn ask_children(config: Option<&Config>) {
    for child in config.into_iter().flat_map(chain::children) {
        let words = Errand::execute(&side::itself(), &child, ChildVerb::Status).words;
        let Some((program, arguments)) = words.split_first() else { continue };
        // A child that cannot be asked has nothing to say.
        let _ = Command::new(program).args(arguments).stdin(Stdio::null()).status();
    }
}
