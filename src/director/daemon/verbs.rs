//! The verbs: what each does to a daemon that runs or does not, what it says, its exit code (ldirectord.md 1.2).

use std::io::{self, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use super::chain;
use super::cli::{Command, Verb};
use super::kernel::{self, Way};
use super::launch::{self, Start};
use super::load::{self, Loaded};
use super::pidfile::{self, Running, is_alive, is_doomed, is_ours, look};
use super::place::{Lost, Place};
use super::record::{Mode, Pending, Record};
use super::run;
use crate::director::config::{Config, Global};
use crate::director::log::{Log, Place as LogPlace};
use crate::director::table::ServiceId;

/// Exit codes.
const INITIALISATION: i32 = 1;
const CONFIGURATION: i32 = 2;
const STOPPED: i32 = 3;

/// How long a daemon may take to begin or end serving, with those it executes.
const TURN: Duration = Duration::from_secs(15);
/// So often it is told.
const AGAIN: Duration = Duration::from_secs(1);
/// How long `stop` waits for the end of all of them: longer than it may take, with the kernel and with those it executes.
const STOP: Duration = Duration::from_secs(20);
/// How long `restart` waits for it, before it is forced.
const RESTART: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

/// One call of the program.
pub(super) struct Call {
    /// Program and arguments as they were typed.
    words: Vec<String>,
    command: Command,
    place: Place,
    log: Log,
}

/// Does what is asked; the exit code.
pub(super) fn run(words: Vec<String>, command: Command) -> i32 {
    let place = match Place::find(command.config.as_deref()) {
        Ok(place) => place,
        Err(lost) => return not_found(&lost, command.debug),
    };
    let log = Log::direct(&place.instance, usual_place(command.debug));
    let loaded = match load::load(&place.path, &place.config) {
        Ok(loaded) => loaded,
        Err(error) => {
            complain(&error);
            log.say(&error);
            return exits(&log, INITIALISATION, "Initialisation Error");
        }
    };
    load::told(&loaded.diagnostics, &place.config).iter().for_each(|line| complain(line));
    // Ours: who is to end, or to be asked, need not understand the file (ldirectord.md 15, 1).
    let needs_config = !matches!(command.verb, Verb::Stop | Verb::Shutdown | Verb::Status);
    if loaded.config.is_none() && needs_config {
        return exits(&log, CONFIGURATION, "config_error: Configuration Error");
    }
    if let Some(config) = &loaded.config {
        log.turn_to(log_place(config, command.debug, false));
    }
    if let Err(error) = chain::enter(&place.instance) {
        log.say(&format!("executed instances do not know of this one: {error}"));
    }
    let call = Call { words, command, place, log };
    call.log.say(&format!("Invoking ldirectord invoked as: {} ", call.words.join(" ")));
    let code = call.carry_out(loaded);
    if code != 0 && !call.is_daemon() {
        exits(&call.log, code, &format!("Exiting from ldirectord {}", call.command.verb.word()));
    }
    code
}

/// A reader that has gone away does not want to know.
pub(super) fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Tells the log of an exit code that is not 0.
fn exits(log: &Log, code: i32, why: &str) -> i32 {
    log.say(&format!("Exiting with exit_status {code}: {why}"));
    code
}

fn not_found(lost: &Lost, debug: bool) -> i32 {
    let line = format!("Config file {} not found", lost.name);
    complain(&line);
    let log = Log::direct(&lost.instance, usual_place(debug));
    log.say(&line);
    exits(&log, INITIALISATION, "Initialisation Error")
}

/// Where lines go before the configuration says so.
fn usual_place(debug: bool) -> LogPlace {
    if debug { LogPlace::Stderr } else { LogPlace::default() }
}

/// Where the configuration wants lines. Who runs in the background has nobody to supervise him.
pub(super) fn log_place(config: &Config, debug: bool, in_background: bool) -> LogPlace {
    let supervised = config.global.supervised && !in_background;
    if debug { LogPlace::Stderr } else { LogPlace::of(&Global { supervised, ..config.global.clone() }) }
}

impl Call {
    fn carry_out(&self, loaded: Loaded) -> i32 {
        let running = self.running();
        match self.command.verb {
            Verb::Start => self.start(running, loaded),
            Verb::Standby => self.standby(running, loaded),
            Verb::Stop => self.stop(running, loaded.config.as_ref()),
            Verb::Shutdown => self.shutdown(running, loaded.config.as_ref()),
            Verb::TryRestart if !matches!(running, Running::Yes(_)) => 0,
            Verb::Restart | Verb::TryRestart => self.restart(running, loaded),
            Verb::Reload | Verb::ForceReload => self.reload(running, &loaded),
            Verb::Status => self.status(running, &loaded),
        }
    }

    /// Who runs. Somebody who was killed and is not gone yet does not.
    fn running(&self) -> Running {
        let running = look(&self.place.pid_file());
        if let Running::Yes(pid) = running
            && is_doomed(pid)
        {
            wait(STOP, || !is_alive(pid));
            return look(&self.place.pid_file());
        }
        running
    }

    /// The daemon has its own last words.
    fn is_daemon(&self) -> bool {
        launch::became_daemon()
    }

    fn record(&self) -> Option<Record> {
        Record::read(&self.place.state_file())
    }

    /// What it did that died before it was told to end.
    fn record_of_the_dead(&self) -> Option<Record> {
        self.record().filter(|record| record.pending != Pending::End)
    }

    fn start(&self, running: Running, loaded: Loaded) -> i32 {
        match running {
            // It may be about to serve no more: it is told in any case.
            Running::Yes(pid) if is_ours(pid) => match self.turn(pid, Signal::SIGUSR1, Mode::Active) {
                Turned::Told(code) => code,
                Turned::Ends => self.follow(pid, loaded, Mode::Active),
            },
            Running::Yes(_) => 0,
            _ => self.launch(loaded, Mode::Active),
        }
    }

    fn standby(&self, running: Running, loaded: Loaded) -> i32 {
        match running {
            Running::Yes(pid) if !is_ours(pid) => {
                complain(&format!("process {pid} is no daemon of ours: it cannot only check"));
                INITIALISATION
            }
            Running::Yes(pid) => match self.turn(pid, Signal::SIGUSR2, Mode::Standby) {
                Turned::Told(code) => code,
                Turned::Ends => self.follow(pid, loaded, Mode::Standby),
            },
            // A daemon that served has died: nobody has told it to end.
            _ => {
                let mode = self.record_of_the_dead().map_or(Mode::Standby, |record| record.mode);
                self.launch(loaded, mode)
            }
        }
    }

    fn stop(&self, running: Running, config: Option<&Config>) -> i32 {
        match (running, self.record()) {
            (Running::Yes(pid), Some(record)) if record.warm && is_ours(pid) => {
                match self.turn(pid, Signal::SIGUSR2, Mode::Standby) {
                    Turned::Told(code) => code,
                    Turned::Ends => self.shutdown(running, config),
                }
            }
            _ => self.shutdown(running, config),
        }
    }

    fn shutdown(&self, running: Running, config: Option<&Config>) -> i32 {
        if let Running::Yes(pid) = running {
            let ends_already = self.record().is_some_and(|record| record.pending == Pending::End);
            if ends_already && chain::is_executed(&self.place.instance) {
                // It may be waiting for who has us ask.
                return 0;
            }
            pidfile::signal(pid, Signal::SIGTERM);
            // Who comes next may rely on it where it does not take long.
            if !await_end(&self.place, pid) {
                let late = format!("process {pid} does not end");
                return self.told_of_table(kernel::is_clear(&way(), &self.left(config), &late));
            }
        }
        self.clear_away(config)
    }

    /// Nobody is to serve any more: what a daemon that died, or could not do it, has left in the table goes. Unless
    /// somebody has begun anew meanwhile: all of it is his.
    fn clear_away(&self, config: Option<&Config>) -> i32 {
        // Who cannot have it has no daemon to disturb either: none could begin.
        let _turn = pidfile::turn();
        if matches!(look(&self.place.pid_file()), Running::Yes(_)) {
            return 0;
        }
        let cleared = kernel::take_out(&way(), &self.left(config), &mut |line| self.log.say(&line));
        if cleared.is_ok() {
            // Where there is none there is nothing to forget.
            let _ = std::fs::remove_file(self.place.state_file());
        }
        self.told_of_table(cleared)
    }

    /// The services that may be in the table, but for those that are to stay there: by the configuration, and where it
    /// cannot be read by the one they were put there with.
    fn left(&self, config: Option<&Config>) -> Vec<ServiceId> {
        let Some(Record { services, staying, .. }) = self.record() else { return Vec::new() };
        let staying = config.map_or(staying, run::staying);
        services.difference(&staying).copied().collect()
    }

    /// The exit code of who was to leave nothing in the table.
    fn told_of_table(&self, cleared: Result<(), String>) -> i32 {
        let Err(why) = cleared else { return 0 };
        self.fails(&format!("services of {} are still in the kernel's table: {why}", self.place.config))
    }

    fn restart(&self, running: Running, loaded: Loaded) -> i32 {
        // Who died standing by was not to serve either.
        let record = if let Running::Yes(_) = running { self.record() } else { self.record_of_the_dead() };
        let mode = record.map_or(Mode::Active, |record| record.mode);
        if let Running::Yes(pid) = running {
            // One of ours leaves the table to the next: no connection is lost.
            let signal = if is_ours(pid) { Signal::SIGVTALRM } else { Signal::SIGTERM };
            pidfile::signal(pid, signal);
            if !wait(RESTART, || has_ended(&self.place, pid)) {
                self.log.say(&format!("process {pid} does not end: it is killed"));
                pidfile::signal(pid, Signal::SIGKILL);
                wait(STOP, || !is_alive(pid));
            }
        }
        self.launch(loaded, mode)
    }

    fn reload(&self, running: Running, loaded: &Loaded) -> i32 {
        match running {
            Running::Yes(pid) if chain::comes_back(pid, loaded.config.as_ref()) => {
                self.log.say(&format!(
                    "{} executes who executes it, and was started by itself: it is not told to reload, or each would \
                     tell the other without end",
                    self.place.config
                ));
                0
            }
            Running::Yes(pid) => {
                pidfile::signal(pid, Signal::SIGHUP);
                0
            }
            _ => {
                self.log.say(&format!("ldirectord is stopped for {}", self.place.config));
                INITIALISATION
            }
        }
    }

    fn status(&self, running: Running, loaded: &Loaded) -> i32 {
        let config = &self.place.config;
        let stopped = format!("ldirectord is stopped for {config}");
        match running {
            Running::Yes(pid) if self.only_checks(pid) => {
                // No word here that heartbeat takes for a service in operation.
                complain(&format!("ldirectord for {config} only checks servers (standby), pid: {pid}"));
                say(&stopped);
                STOPPED
            }
            Running::Yes(pid) => {
                let line = format!("ldirectord for {config} is running with pid: {pid}");
                complain(&line);
                self.log.say(&line);
                launch::ask_children(loaded.config.as_ref());
                self.log.say("Exiting from ldirectord status");
                0
            }
            Running::Stale => {
                let file = self.place.pid_file();
                let line = format!("ldirectord stale pid file {} for {config}", file.display());
                complain(&line);
                self.log.say(&line);
                say(&stopped);
                INITIALISATION
            }
            Running::No => {
                say(&stopped);
                STOPPED
            }
        }
    }

    fn only_checks(&self, pid: Pid) -> bool {
        is_ours(pid) && self.record().is_some_and(|record| record.mode == Mode::Standby)
    }

    /// Makes a daemon that runs serve, or not, and waits until it does.
    fn turn(&self, pid: Pid, signal: Signal, mode: Mode) -> Turned {
        turn(&self.place, &self.log, pid, signal, mode)
    }

    /// Takes the place of one that ends.
    fn follow(&self, pid: Pid, loaded: Loaded, mode: Mode) -> i32 {
        if await_end(&self.place, pid) {
            return self.launch(loaded, mode);
        }
        self.fails(&format!("process {pid} for {} has been told to end, and does not", self.place.config))
    }

    fn fails(&self, line: &str) -> i32 {
        complain(line);
        self.log.say(line);
        INITIALISATION
    }

    fn launch(&self, loaded: Loaded, mode: Mode) -> i32 {
        let Some(config) = loaded.config else { return CONFIGURATION };
        launch::launch(Start {
            place: self.place.clone(),
            config,
            print: loaded.print,
            mode,
            debug: self.command.debug,
            log: self.log.clone(),
            kin: pidfile::kin(),
        })
    }
}

/// The way to the kernel, of who has nothing to say of it.
fn way() -> Way {
    Way::chosen().unwrap_or(Way::Any)
}

/// What became of a daemon that was told to serve, or not to.
pub(super) enum Turned {
    /// It does so, or not: the exit code.
    Told(i32),
    /// It ends, or has ended.
    Ends,
}

/// The same. It is told even if it is so: it may be about to be otherwise; and more than once: it may have been told the
/// opposite a moment before.
pub(super) fn turn(place: &Place, log: &Log, pid: Pid, signal: Signal, mode: Mode) -> Turned {
    let record = || Record::read(&place.state_file());
    let ends = || {
        record().is_some_and(|record| record.pending.is_end()) || look(&place.pid_file()) != Running::Yes(pid)
    };
    let is_executed = chain::is_executed(&place.instance);
    let is_so = || record().is_some_and(|record| record.is_so(mode, is_executed));
    let until = Instant::now() + TURN;
    while Instant::now() < until {
        if !ends() {
            pidfile::signal(pid, signal);
        }
        if wait(AGAIN, || is_so() || ends()) {
            return if ends() { Turned::Ends } else { Turned::Told(0) };
        }
    }
    let line = format!("process {pid} does not do as it was told ({signal}) for {}", place.config);
    complain(&line);
    log.say(&line);
    Turned::Told(INITIALISATION)
}

/// Whether a daemon has taken its pid file away, or is not there any more. It may have e-mails to send.
fn has_ended(place: &Place, pid: Pid) -> bool {
    look(&place.pid_file()) != Running::Yes(pid) || !is_alive(pid)
}

/// Waits for that.
pub(super) fn await_end(place: &Place, pid: Pid) -> bool {
    wait(STOP, || has_ended(place, pid))
}

/// Whether it became so in time.
fn wait(patience: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + patience;
    loop {
        if is_so() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        sleep(POLL);
    }
}
