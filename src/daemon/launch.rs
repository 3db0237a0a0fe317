//! From the command line to a beating daemon, and from its end to the exit code (commands.md 1, 1.1).

use super::background::{self, Herald, Side};
use super::children::{Children, Surroundings};
use super::clerk::{Clerk, Errand};
use super::cli::{self, Asked, Options, USAGE_EXIT};
use super::clients::Clients;
use super::clock::{Clock, wall};
use super::executor::Executor;
use super::host::LinuxHost;
use super::media::Antennas;
use super::memory::Memory;
use super::pidfile::{self, Running};
use super::pulse::{News, Parts, Pulse};
use super::recorder::Recorder;
use super::settings::{self, ThisStart};
use super::signals::{self, Signals};
use super::sources::{self, Change, Stamps};
use super::watcher::{self, Watch, Watcher};
use super::{control, environment, fifo, guardian, keyring, replay, state};
use crate::agents::announce::Crew;
use crate::config::{self, Checked, Config, Host};
use crate::engine::{Ending, Engine, Hold, Job};
use crate::level::Level;
use crate::logging::{self, Logger};
use crate::paths::{PID_FILE, SCRATCH};
use crate::resources;
use crate::resources::environment::Environment;
use crate::sys::{child, realtime};
use std::ffi::CString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

/// The version as the log says it.
pub(super) const VERSION_LINE: &str = "heartbeat: version 3.0.6";

/// Exit codes of commands.md section 1.
const FAILED: i32 = 1;
const NO_PERMISSION: i32 = 4;
const NOT_CONFIGURED: i32 = 6;

/// Inputs that may wait for the pulse before their senders wait.
const INPUTS: usize = 1024;
/// The same for news of the configuration.
const NEWS: usize = 4;
/// Heap that is there from the start, where `memreserve` does not say how much: a daemon that keeps all it may of its
/// messages, and takes over two hundred addresses, has needed less.
const RESERVE_KB: u32 = 1024;
/// Time for the last lines to reach the log.
const FLUSH: Duration = Duration::from_secs(2);
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
        Asked::TakeDown => take_down(&LinuxHost::default()),
        Asked::Watch(watch) => watcher::watch(watch),
        Asked::Run(options) => run(&options, &LinuxHost::default()),
    }
}

fn run(options: &Options, host: &LinuxHost) -> i32 {
    if options.directives {
        say(&if options.wiki { config::directive_wiki() } else { config::directive_table() })
    } else if options.kill {
        control::stop()
    } else if options.status {
        control::status(&machine_name(), &host.node_name())
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

fn machine_name() -> String {
    nix::unistd::gethostname().map(|n| n.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
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
        match background::detach() {
            Ok(Side::Command(code)) => return code,
            Ok(Side::Daemon(herald)) => herald,
            Err(error) => {
                log.log(Level::Error, &format!("cannot go into the background: {error}"));
                return FAILED;
            }
        }
    };
    let code = run_daemon(options, config, stamps, &mut herald, log);
    herald.failed(code);
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
    match live(options, config, stamps, herald, watcher) {
        Ok((ending, log)) => finish(options, config, ending, &log),
        Err(error) => {
            log.log(Level::Error, &format!("heartbeat cannot run: {error}"));
            let_go(held(options), resource_context(config, log));
            exit_code(&error)
        }
    }
}

fn wants_realtime(options: &Options, config: &Config) -> bool {
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

/// The daemon's life, on the pulse thread and those around it.
fn live(
    options: &Options,
    config: &Config,
    stamps: Stamps,
    herald: &mut Herald,
    watcher: Option<Watcher>,
) -> io::Result<(Ending, Logger)> {
    background::settle()?;
    let realtime = wants_realtime(options, config);
    let memory = child::memory_limit()?;
    let locked = if realtime { realtime::lock_memory() } else { Ok(()) };
    let log =
        Logger::background("heartbeat", settings::log(&config.logging, &logging::host(), false), realtime)?;
    log.log(Level::Info, VERSION_LINE);
    log.log(Level::Info, concat!("heartbeat-rs ", env!("CARGO_PKG_VERSION"), " stands in for it"));
    if let Err(error) = locked {
        log.log(Level::Warn, &format!("Cannot lock ourselves into memory: {error}"));
    }
    let surroundings = Around { realtime, memory, stamps };
    let result = std::thread::scope(|scope| {
        let pulse = std::thread::Builder::new().name("pulse".to_owned()).spawn_scoped(scope, || {
            if realtime {
                realtime::reserve(config.realtime.reserve_kb.unwrap_or(RESERVE_KB));
                if let Err(error) = realtime::raise_priority(config.realtime.priority) {
                    log.log(Level::Warn, &format!("Cannot get real-time priority: {error}"));
                }
            }
            pulse(options, config, (surroundings, watcher), herald, &log)
        })?;
        pulse.join().map_err(|_| io::Error::other("the pulse thread failed"))?
    });
    // The next life of this process is to know the limit too.
    if let Err(error) = child::set_memory_limit(memory) {
        log.log(Level::Warn, &format!("Cannot restore the limit of locked memory: {error}"));
    }
    log.flush(FLUSH);
    result.map(|ending| (ending, log))
}

/// What the pulse has to know of the process it lives in.
#[derive(Clone, Copy)]
struct Around {
    realtime: bool,
    /// The limit of locked memory before this process lifted its own.
    memory: child::Limit,
    stamps: Stamps,
}

fn pulse(
    options: &Options,
    config: &Config,
    (around, watcher): (Around, Option<Watcher>),
    herald: &mut Herald,
    log: &Logger,
) -> io::Result<Ending> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before any other thread: only this one and those it starts hear signals, and hand them on free.
        let signals = Signals::catch()?;
        let engine_settings = settings::engine(config, this_start(options, config, log)?);
        let (sender, inputs) = tokio::sync::mpsc::channel(INPUTS);
        let (news_sender, news) = tokio::sync::mpsc::channel(NEWS);
        let clerk = Clerk::start(around.stamps, news_sender, log)?;
        fifo::start(log, &sender, around.realtime)?;
        let mut context = resource_context(config, log);
        let crew = Crew::start(around.realtime)?;
        if let Some(watcher) = watcher
            && let Err(error) = guardian::start(&crew, watcher, around.realtime, log)
        {
            log.log(Level::Error, &format!("Addresses are not guarded: {error}"));
        }
        context.options.announcers = Some(crew);
        let executor = Executor::start(&context, &sender, around.realtime)?;
        let clients = Clients::new(config, log)?;
        let surroundings = Surroundings {
            log: log.clone(),
            inputs: sender,
            reboot: context.options.reboot,
            environment: Environment::from_pairs(&context.env),
            memory: around.memory,
            realtime: around.realtime,
        };
        let children = Children::start(config, surroundings)?;
        let memory = Memory::start(log)?;
        let media = Antennas::open(config, log).await.map_err(|notes| {
            notes.iter().for_each(|note| log.log(note.level, &note.text));
            let reasons: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
            io::Error::other(format!("the media cannot be opened: {}", reasons.join("; ")))
        })?;
        let clock = Clock::new()?;
        let now = clock.now();
        let recorder = Recorder::start(&engine_settings, now, log);
        let engine = Engine::new(engine_settings, now)
            .ok_or_else(|| io::Error::other("this node is not among the nodes"))?;
        warn_of_what_is_not_served(config, log);
        herald.ready()?;
        clerk.send(Errand::Ready);
        let parts = Parts {
            engine,
            clock,
            media,
            keys: keyring::of(&config.keys).map_err(|error| io::Error::other(format!("keys: {error:?}")))?,
            packing: settings::packing(config),
            executor,
            clients,
            children,
            clerk,
            memory,
            inputs,
            news,
            recorder,
            log: log.clone(),
            log_bad_packets: config.log_badpack,
        };
        Pulse::new(parts).beat(signals).await
    })
}

fn this_start(options: &Options, config: &Config, log: &Logger) -> io::Result<ThisStart> {
    let wall = wall();
    let generation = state::next_generation(config.hbgenmethod, wall)?;
    let uuid = state::uuid(config.uuidfrom, &config.this_node)?;
    generation.warning.iter().for_each(|text| log.log(Level::Warn, text));
    log.log(Level::Info, &format!("Heartbeat generation: {}", generation.value));
    uuid.warning.iter().for_each(|text| log.log(Level::Info, text));
    let resumed = held(options);
    let seed = generation.value ^ u64::from(std::process::id()) << 32;
    Ok(ThisStart {
        uuid: uuid.value,
        generation: generation.value,
        hooks: settings::hooks(),
        resumed,
        manages: !options.no_resources,
        seed,
    })
}

fn resource_context(config: &Config, log: &Logger) -> resources::Context {
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

/// Directives that are checked but whose effect a later version brings.
fn warn_of_what_is_not_served(config: &Config, log: &Logger) {
    let mut missing = Vec::new();
    missing.extend(config.watchdog.iter().map(|w| format!("watchdog {w}")));
    for what in missing {
        log.log(Level::Warn, &format!("{what}: not served by this version"));
    }
}

/// SIGHUP: reads the files anew; what is wrong is told and changes nothing.
pub(super) fn recheck(change: Change, log: &Logger) -> Option<News> {
    let checked = config::check(&sources::read(0), &LinuxHost::default());
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
    let held = match ending {
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
            None
        }
        Ending::Reload(held) => Some(held),
    };
    log.log(Level::Info, "Performing heartbeat restart exec.");
    log.flush(FLUSH);
    let error = again(options, held);
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

fn held(options: &Options) -> Option<Hold> {
    options.held.as_deref().and_then(Hold::parse)
}

/// The program of that name first: an upgrade replaced ours, and what runs here has no name any more.
fn again(options: &Options, held: Option<Hold>) -> io::Error {
    let named = std::env::current_exe().ok().map(|path| pidfile::without_deleted(&path));
    if let Some(program) = named {
        let _ = exec(&program, options, held);
    }
    exec(Path::new("/proc/self/exe"), options, held)
}

fn exec(program: &Path, options: &Options, held: Option<Hold>) -> io::Error {
    let mut words = vec!["heartbeat", "-f"];
    words.extend((0..options.debug).map(|_| "-d"));
    words.extend(options.no_realtime.then_some("-l"));
    words.extend(options.no_resources.then_some("-M"));
    if let Some(held) = held {
        words.extend(["-R", "-C", held.word()]);
    }
    let text = |bytes: &[u8]| CString::new(bytes).unwrap_or_default();
    let words: Vec<CString> = words.iter().map(|word| text(word.as_bytes())).collect();
    // Not std's: that one lets waiting signals loose before the new program can take them.
    match nix::unistd::execv(&text(program.as_os_str().as_bytes()), &words) {
        Ok(never) => match never {},
        Err(errno) => errno.into(),
    }
}
