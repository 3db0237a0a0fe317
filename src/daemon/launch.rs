//! From the command line to a beating daemon, and from its end to the exit code (commands.md 1, 1.1).

use super::cli::{self, Asked, Options, USAGE_EXIT};
use super::environment::START_FAILED;
use super::host::LinuxHost;
use super::pidfile::{self, Running};
use super::pulse::News;
use super::sources::{self, Change, Stamps};
use super::watcher::{self, Watch, Watcher};
use super::{control, environment, keyring, life, replay, settings, signals, state};
use crate::config::{self, Checked, Config, Host};
use crate::engine::{Ending, Hold, Job};
use crate::level::Level;
use crate::logging::{self, Logger};
use crate::paths::{PID_FILE, SCRATCH};
use crate::resources;
use crate::sys::background::{self, Herald, Manner, Side};
use crate::sys::process::this_program;
use std::ffi::CString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// Exit codes of commands.md section 1.
const FAILED: i32 = 1;
const NO_PERMISSION: i32 = 4;
const NOT_CONFIGURED: i32 = 6;

/// Time for the last lines to reach the log.
pub(super) const FLUSH: Duration = Duration::from_secs(2);
/// Who is to restart must have a log that moves within this time: the next life begins with writing to it.
const LOG_MOVES: Duration = Duration::from_secs(5);

/// Runs heartbeat(8) and gives its exit code.
pub fn main() -> i32 {
    let read = cli::read(std::env::args_os());
    // Whoever closed stderr does not want to know.
    let _ = io::stderr().write_all(&read.complaint);
    match read.asked {
        Asked::Version => say(&format!("{}\n", config::HBVERSION)),
        Asked::Wrong => USAGE_EXIT,
        Asked::Replay(file) => replay::main(&file),
        Asked::TakeDown => take_down(&LinuxHost),
        Asked::Watch(watch) => watcher::watch(watch),
        Asked::Run(options) => run(&options, &LinuxHost),
    }
}

fn run(options: &Options, host: &LinuxHost) -> i32 {
    if options.directives {
        say(&if options.wiki { config::directive_wiki() } else { config::directive_table() })
    } else if options.kill {
        control::stop()
    } else if options.status {
        control::status(&logging::host().to_lowercase(), &host.node_name())
    } else {
        start(options, host)
    }
}

/// Logs as the configuration says, as far as it is good.
fn take_down(host: &LinuxHost) -> i32 {
    background::unmask();
    let logging = config::check(&sources::read(0), host).logging;
    watcher::take_down(&Logger::direct("heartbeat", settings::log(&logging, &logging::host(), true)))
}

/// Prints. A reader that has gone away is no failure.
fn say(text: &str) -> i32 {
    let _ = io::stdout().write_all(text.as_bytes());
    0
}

fn start(options: &Options, host: &LinuxHost) -> i32 {
    background::unmask();
    let stamps = Stamps::now();
    let running = pidfile::look();
    let checked = config::check(&sources::read(options.debug), host);
    // After a restart nobody waits at a terminal: a reader of stderr that stands still must not hold us.
    let log = Logger::direct("heartbeat", settings::log(&checked.logging, &logging::host(), !options.resume));
    tell(&checked, options.reread && matches!(running, Running::Yes(_)), &log);
    let config = match (checked.config, running) {
        (Some(config), _) => config,
        (None, Running::Yes(pid)) if options.reread => {
            log.log(Level::Info, &format!("Config errors: Heartbeat pid {pid} NOT restarted"));
            return FAILED;
        }
        (None, _) => {
            let (host, env) = (host.node_name(), inherited().collect());
            let context =
                resources::Context { host, env, logger: log, options: resources::Options::default() };
            let_go(held(options), context);
            return if sources::forbidden() { NO_PERMISSION } else { NOT_CONFIGURED };
        }
    };
    if options.verbose {
        say(&config::effective(&config));
    }
    if !options.reread || !matches!(running, Running::Yes(_)) {
        config::validated_lines().iter().for_each(|line| log.log(Level::Info, line));
    }
    match running {
        Running::Yes(pid) if options.reread => {
            log.log(Level::Info, &format!("Signalling heartbeat pid {pid} to reread config files"));
            control::reread(pid)
        }
        Running::Yes(pid) => {
            log.log(Level::Info, &format!("heartbeat: already running [pid {pid}]."));
            0
        }
        _ => launch(options, &config, stamps, &log),
    }
}

/// Everything there is to say about the files: the reference's lines, then ours with the place. A warning
/// that repeats one of the reference takes one line, so that what is new does not drown.
fn tell(checked: &Checked, running: bool, log: &Logger) {
    let lines = checked.reference_lines().iter().filter(|(_, text)| !running || text != config::REFUSED);
    lines.for_each(|(level, text)| log.log(*level, text));
    for diagnostic in &checked.diagnostics {
        if diagnostic.is_error() || diagnostic.reference.is_empty() {
            diagnostic.render().lines().for_each(|line| log.log(diagnostic.level, line));
        } else {
            log.log(diagnostic.level, &diagnostic.in_one_line());
        }
    }
}

fn launch(options: &Options, config: &Config, stamps: Stamps, log: &Logger) -> i32 {
    if let Err(error) = state::make_directories() {
        log.log(Level::Error, &format!("cannot make the directories of heartbeat: {error}"));
        return exit_code(&error);
    }
    let mut herald = if options.foreground || options.resume {
        Herald::nobody()
    } else {
        // The reference's command returns before its media are open and says 0 whatever follows; ours waits for heartbeats.
        match background::detach(&Manner { twice: false, patience: None }) {
            Ok(Side::Command(code)) => return code,
            Ok(Side::Daemon(herald)) => herald,
            Err(error) => {
                log.log(Level::Error, &format!("cannot go into the background: {error}"));
                return FAILED;
            }
        }
    };
    let code = run_daemon(options, config, stamps, &mut herald, log);
    herald.tell(code);
    code
}

fn run_daemon(options: &Options, config: &Config, stamps: Stamps, herald: &mut Herald, log: &Logger) -> i32 {
    let held_back = signals::hold_back();
    if let Err(error) = held_back.and_then(|()| pidfile::claim()) {
        log.log(Level::Error, &format!("heartbeat: could not create pidfile [{PID_FILE}]: {error}"));
        return NO_PERMISSION;
    }
    if let Err(error) = state::renew_scratch() {
        log.log(Level::Error, &format!("cannot make {SCRATCH} anew: {error}"));
    }
    let watcher = if options.no_resources { None } else { watched(options, config, log) };
    match life::live(options, config, stamps, herald, watcher) {
        Ok((ending, log)) => finish(options, config, ending, &log),
        Err(error) => {
            log.log(Level::Error, &format!("heartbeat cannot run: {error}"));
            let_go(held(options), resource_context(config, log));
            exit_code(&error)
        }
    }
}

pub(super) fn wants_realtime(options: &Options, config: &Config) -> bool {
    config.realtime.enabled && !options.no_realtime
}

/// What watches over who answers for our addresses: this process, where that can be said.
fn watched(options: &Options, config: &Config, log: &Logger) -> Option<Watcher> {
    match watcher::this_process() {
        Ok(owner) => {
            let held = held(options);
            let priority = wants_realtime(options, config).then_some(config.realtime.priority);
            let watcher = watcher::start(Watch { owner, priority }, held.is_some(), log);
            if let Some(held) = held {
                resources::adopt(held, &resource_context(config, log));
            }
            Some(watcher)
        }
        Err(error) => {
            log.log(Level::Warn, &format!("Addresses are not guarded: /proc/self/stat: {error}"));
            None
        }
    }
}

fn exit_code(error: &io::Error) -> i32 {
    if error.kind() == io::ErrorKind::PermissionDenied { NO_PERMISSION } else { FAILED }
}

pub(super) fn resource_context(config: &Config, log: &Logger) -> resources::Context {
    resources::Context {
        host: config.this_node.clone(),
        env: environment::of_children(config, inherited()),
        logger: log.clone(),
        options: resources::Options {
            stonith: config.stonith.as_ref().map(resources::stonith::Device::new),
            ..resources::Options::default()
        },
    }
}

/// The environment this process was started with, as far as it is text.
fn inherited() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// SIGHUP: reads the files anew; what is wrong is told and changes nothing.
pub(super) fn recheck(change: Change, log: &Logger) -> Option<News> {
    let checked = config::check(&sources::read(0), &LinuxHost);
    let Some(config) = &checked.config else {
        tell(&checked, true, log);
        log.log(Level::Error, "Config errors: going on with the configuration of the last start");
        return None;
    };
    match change {
        Change::Configuration => Some(News::Reload),
        Change::Keys => keyring::of(&config.keys).ok().map(Box::new).map(News::Keys),
        Change::Nothing => None,
    }
}

/// Whether the next life of this process would come to its first heartbeat: it writes to the log and to its state
/// before, and meanwhile nobody hears of us.
pub(super) fn may_restart(log: &Logger) -> bool {
    let hindrance = match state::try_to_keep() {
        Err(error) => error.to_string(),
        Ok(()) if log.flush(LOG_MOVES) => return true,
        Ok(()) => "the log does not move".to_owned(),
    };
    let text = format!("cannot restart now: {hindrance}: going on with the configuration of the last start");
    log.log(Level::Error, &text);
    false
}

/// After the pulse: the last words, or the next life. The log thread writes them, which a disk may hold up.
fn finish(options: &Options, config: &Config, ending: Ending, log: &Logger) -> i32 {
    let code = leave(options, config, ending, log);
    log.flush(FLUSH);
    code
}

fn leave(options: &Options, config: &Config, ending: Ending, log: &Logger) -> i32 {
    if ending != Ending::Stop {
        log.log(Level::Info, "Restarting heartbeat.");
    }
    let (held, failed) = match ending {
        Ending::Stop => {
            log.log(Level::Info, &format!("{} Heartbeat shutdown complete.", config.this_node));
            return 0;
        }
        Ending::Restart => {
            log.log(Level::Info, &format!("{} Heartbeat shutdown complete.", config.this_node));
            // Longer than the dead time, so that every peer has noticed.
            let whole = config.timing.deadtime.as_millis().div_ceil(1000) as u64;
            if signals::stopped_within(Duration::from_secs(whole + 1)) {
                return 0;
            }
            (None, false)
        }
        Ending::Reload { held, failed } => (Some(held), failed),
    };
    log.log(Level::Info, "Performing heartbeat restart exec.");
    log.flush(FLUSH);
    let error = again(options, held, failed);
    log.log(Level::Crit, &format!("cannot restart: {error}"));
    let_go(held, resource_context(config, log));
    FAILED
}

/// A life that cannot begin must not leave services running that nobody watches: the peer will take them. Also where
/// nothing counts as held: in legacy mode groups run while another one's answer is awaited.
fn let_go(held: Option<Hold>, context: resources::Context) {
    if held.is_some() {
        resources::run_job(&Job::GiveUpAll, &context, &mut |_| {});
    }
}

/// What `-C` says.
pub(super) fn held(options: &Options) -> Option<Hold> {
    options.held.as_deref().and_then(Hold::parse)
}

/// The program of that name first: an upgrade replaced ours, and what runs here has no name any more.
fn again(options: &Options, held: Option<Hold>, failed: bool) -> io::Error {
    if let Ok(program) = this_program() {
        let _ = exec(&program, options, held, failed);
    }
    exec(Path::new("/proc/self/exe"), options, held, failed)
}

/// What the command line of 3.0.6 has no word for goes by environment.
fn exec(program: &Path, options: &Options, held: Option<Hold>, failed: bool) -> io::Error {
    let mut words = vec!["heartbeat", "-f"];
    words.extend((0..options.debug).map(|_| "-d"));
    words.extend(options.no_realtime.then_some("-l"));
    words.extend(options.no_resources.then_some("-M"));
    if let Some(held) = held {
        words.extend(["-R", "-C", held.word()]);
    }
    let text = |bytes: &[u8]| CString::new(bytes).unwrap_or_default();
    let words: Vec<CString> = words.iter().map(|word| text(word.as_bytes())).collect();
    let inherited = std::env::vars_os().filter(|(name, _)| name != START_FAILED);
    let told = failed.then(|| (START_FAILED.into(), "1".into()));
    let variables: Vec<CString> = inherited
        .chain(told)
        .map(|(name, value)| text(&[name.as_bytes(), b"=", value.as_bytes()].concat()))
        .collect();
    // Not std's: that one lets waiting signals loose before the new program can take them.
    match nix::unistd::execve(&text(program.as_os_str().as_bytes()), &words, &variables) {
        Ok(never) => match never {},
        Err(errno) => errno.into(),
    }
}
