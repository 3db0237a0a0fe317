//! From the verb to a daemon that runs, and to its end.

use std::io;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode as Bits, umask};

use super::background::{self, Herald, Side};
use super::cli::Verb;
use super::journal::Journal;
use super::load::Print;
use super::pidfile::{self, Running};
use super::place::Place;
use super::record::{Mode, Record};
use super::run;
use super::signals;
use super::texts::STARTING;
use crate::director::config::Config;
use crate::sys::process::notice_children;

/// Descriptors that are not for checks.
const OTHERS: usize = 128;
/// No more descriptors than that are asked for.
const MOST: u64 = 65_536;
/// The directory of pid files: who writes one locks it.
const RUN: &str = "/var/run";

/// What a daemon begins with.
pub(super) struct Start {
    pub(super) place: Place,
    pub(super) config: Config,
    /// The configuration file as it was read.
    pub(super) print: Print,
    pub(super) mode: Mode,
    pub(super) debug: bool,
    pub(super) log: Journal,
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
        return live(start, Herald::nobody(), Vec::new());
    }
    start.log.say(&format!("{STARTING} as daemon"));
    match background::detach() {
        Ok(Side::Command(code)) => code,
        Ok(Side::Daemon(herald)) => {
            DAEMON.store(true, Ordering::Relaxed);
            serve(start, herald)
        }
        Err(error) => {
            start.log.say(&format!("fork failed: {error}"));
            1
        }
    }
}

fn serve(start: Start, mut herald: Herald) -> i32 {
    umask(Bits::S_IWGRP | Bits::S_IWOTH);
    let once = match claim(&start) {
        Ok(Some(once)) => once,
        Ok(None) => {
            herald.tell(0);
            return 0;
        }
        Err(error) => {
            start.log.say(&format!("Can not open {}: {error}", start.place.pid_file().display()));
            start.log.say("Exiting with exit_status 1: Initialisation Error");
            herald.tell(1);
            return 1;
        }
    };
    if let Err(error) = background::let_go() {
        start.log.say(&format!("cannot let go of the terminal: {error}"));
    }
    let (pid_file, state_file) = (start.place.pid_file(), start.place.state_file());
    let keep = live(start, herald, once);
    if keep != KEPT {
        let _ = std::fs::remove_file(state_file);
    }
    pidfile::remove_own(&pid_file);
    0
}

/// The loop's word for: the table was left as it is, to the next daemon.
const KEPT: i32 = -1;

/// Writes the pid, unless somebody runs (`None`). The services that an earlier life may have left in the table.
fn claim(start: &Start) -> io::Result<Option<Vec<crate::director::table::ServiceId>>> {
    let turn = std::fs::File::open(RUN).and_then(|dir| {
        Flock::lock(dir, FlockArg::LockExclusive).map_err(|(_, errno)| io::Error::from(errno))
    })?;
    let pid_file = start.place.pid_file();
    if matches!(pidfile::look(&pid_file), Running::Yes(_)) {
        return Ok(None);
    }
    let before = Record::read(&start.place.state_file()).filter(|record| record.mode == Mode::Active);
    let once = before.map(|record| record.services).unwrap_or_default();
    run::record(&start.config, start.mode, &once).write(&start.place.state_file())?;
    pidfile::write_whole(&pid_file, &format!("{}\n", std::process::id()))?;
    drop(turn);
    Ok(Some(once))
}

fn live(start: Start, mut herald: Herald, once: Vec<crate::director::table::ServiceId>) -> i32 {
    let log = start.log.clone();
    let limit = room(&start.config);
    let made = signals::hold_back()
        .and_then(|()| notice_children())
        .and_then(|()| tokio::runtime::Builder::new_current_thread().enable_all().build());
    let ended = made.and_then(|runtime| {
        let ended = runtime.block_on(run::run(start, &mut herald, once, limit));
        // A thread that waits for a disk or a name is not waited for.
        runtime.shutdown_timeout(Duration::ZERO);
        ended
    });
    match ended {
        Ok(kept) if kept => KEPT,
        Ok(_) => 0,
        Err(error) => {
            log.say(&format!("ldirectord cannot run: {error}"));
            herald.tell(1);
            1
        }
    }
}

/// How many checks may run at the same time: each has a descriptor. Asks for more of them where they are needed.
fn room(config: &Config) -> usize {
    let servers: usize = config.virtuals.iter().map(|virt| virt.reals.len()).sum();
    let wanted = u64::try_from(servers * 2 + OTHERS).unwrap_or(MOST).clamp(4096, MOST);
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return 512 };
    let raised = wanted.min(hard).max(soft);
    let now = if raised > soft && setrlimit(Resource::RLIMIT_NOFILE, raised, hard).is_err() {
        soft
    } else {
        raised
    };
    usize::try_from(now).unwrap_or(usize::MAX).saturating_sub(OTHERS).max(64)
}

/// Runs a verb for each configuration that ours has executed, one after the other.
pub(super) fn ask_children(config: Option<&Config>, verb: Verb) {
    for child in config.into_iter().flat_map(|config| &config.global.execute) {
        let Ok(program) = std::env::current_exe() else { return };
        // A child that cannot be asked has nothing to say.
        let _ = Command::new(program).args([child.as_str(), verb.word()]).stdin(Stdio::null()).status();
    }
}
