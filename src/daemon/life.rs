//! The life of a daemon: its process made ready, the threads put together around the engine, and their end.

use super::children::{Children, Surroundings};
use super::clerk::{Clerk, Errand};
use super::cli::Options;
use super::clients::Clients;
use super::clock::{Clock, wall};
use super::environment::START_FAILED;
use super::executor::Executor;
use super::launch::{FLUSH, held, resource_context, wants_realtime};
use super::media::Antennas;
use super::memory::Memory;
use super::pulse::{Parts, Pulse};
use super::recorder::Recorder;
use super::settings::{self, ThisStart};
use super::signals::Signals;
use super::sources::Stamps;
use super::watcher::Watcher;
use super::{fifo, guardian, keyring, state};
use crate::agents::announce::Crew;
use crate::config::Config;
use crate::engine::{Ending, Engine};
use crate::level::Level;
use crate::logging::{self, Logger};
use crate::paths;
use crate::resources::environment::Environment;
use crate::sys::background::Herald;
use crate::sys::{child, realtime};
use std::io;

/// The version as the log says it.
pub(super) const VERSION_LINE: &str = "heartbeat: version 3.0.6";

/// Inputs that may wait for the pulse before their senders wait.
const INPUTS: usize = 1024;
/// The same for news of the configuration.
const NEWS: usize = 4;
/// Heap that is there from the start, where `memreserve` does not say how much: a daemon that keeps all it may of its
/// messages, and takes over two hundred addresses, has needed less.
const RESERVE_KB: u32 = 768;

/// The daemon's life, on the pulse thread and those around it.
pub(super) fn live(
    options: &Options,
    config: &Config,
    stamps: Stamps,
    herald: &mut Herald,
    watcher: Option<Watcher>,
) -> io::Result<(Ending, Logger)> {
    std::env::set_current_dir(paths::CORE_DIR)?;
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
        // The threads that are started here hold signals back as this one does, until it beats.
        let signals = Signals::catch()?;
        let engine_settings = settings::engine(config, this_start(options, config, log)?);
        let (sender, inputs) = tokio::sync::mpsc::channel(INPUTS);
        let (news_sender, news) = tokio::sync::mpsc::channel(NEWS);
        let clerk = Clerk::start(around.stamps, news_sender, log)?;
        fifo::start(log, &sender, around.realtime)?;
        let mut context = resource_context(config, log);
        context.options.announcers = Some(guard(watcher, around.realtime, log)?);
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
        let media = open_media(config, log).await?;
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

/// Who announces addresses and, where there is a watcher, guards them.
fn guard(watcher: Option<Watcher>, realtime: bool, log: &Logger) -> io::Result<Crew> {
    let crew = Crew::start(realtime)?;
    if let Some(watcher) = watcher
        && let Err(error) = guardian::start(&crew, watcher, realtime, log)
    {
        log.log(Level::Error, &format!("Addresses are not guarded: {error}"));
    }
    Ok(crew)
}

async fn open_media(config: &Config, log: &Logger) -> io::Result<Antennas> {
    Antennas::open(config, log).await.map_err(|notes| {
        notes.iter().for_each(|note| log.log(note.level, &note.text));
        let reasons: Vec<&str> = notes.iter().map(|note| note.text.as_str()).collect();
        io::Error::other(format!("the media cannot be opened: {}", reasons.join("; ")))
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
    let hooks = settings::hooks().unwrap_or_else(|error| {
        log.log(
            Level::Error,
            &format!("Cannot read {}: {error}: groups are taken, no other hook is run", paths::RC_DIR),
        );
        Vec::new()
    });
    let seed = generation.value ^ u64::from(std::process::id()) << 32;
    Ok(ThisStart {
        uuid: uuid.value,
        generation: generation.value,
        hooks,
        resumed,
        failed: resumed.is_some() && std::env::var_os(START_FAILED).is_some(),
        manages: !options.no_resources,
        seed,
    })
}

/// A directive that is checked, but whose effect a later version brings.
fn warn_of_what_is_not_served(config: &Config, log: &Logger) {
    if let Some(watchdog) = &config.watchdog {
        log.log(Level::Warn, &format!("watchdog {watchdog}: not served by this version"));
    }
}
