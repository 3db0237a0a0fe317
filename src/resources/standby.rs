//! Asking for standby: at once, or a while after a group could not be started (resources.md section 3).

use super::apart;
use super::context::Context;
use super::environment::Environment;
use super::fifo;
use crate::engine::{CAUSE, Hold};
use crate::level::Level;
use crate::paths;
use crate::wire::Message;
use std::path::PathBuf;
use std::thread;

/// Who waits until it is time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Later {
    /// A thread of this process: the daemon.
    Thread,
    /// A process of its own that outlives this one: the tools.
    Process,
}

/// The request that `hb_standby` makes.
pub(super) fn request(set: Hold) -> Message {
    Message::of("ask_resources").with("rsc_hold", set.word()).with("info", "me")
}

/// The one that follows a failed start.
pub(super) fn request_after_failure(set: Hold) -> Message {
    let (name, value) = CAUSE;
    request(set).with(name, value)
}

/// The FIFO of the daemon.
pub(super) fn fifo_path(environment: &Environment) -> PathBuf {
    environment.get_filled("HA_FIFO").map_or_else(|| PathBuf::from(paths::FIFO), PathBuf::from)
}

/// Asks for standby once the delay is over. It is always the foreign groups: the reference means to
/// choose, and never finds the failed group among its own.
pub(super) fn later(context: &Context, environment: &Environment) {
    match context.options.later {
        Later::Thread => by_thread(context.clone(), fifo_path(environment)),
        Later::Process => by_process(context, environment),
    }
}

fn by_thread(context: Context, fifo: PathBuf) {
    let wait = context.options.standby_delay;
    let logger = context.logger.clone();
    let body = move || {
        thread::sleep(wait);
        let log = context.logger.script("hb_standby", "default");
        log.bare(Level::Info, &format!("Going standby [{}].", Hold::Foreign.word()));
        if let Err(error) = fifo::send(&fifo, &request_after_failure(Hold::Foreign)) {
            log.log(Level::Error, &format!("Cannot ask for standby: {}: {error}", fifo.display()));
        }
    };
    if let Err(error) = thread::Builder::new().name("standby".into()).spawn(body) {
        logger.log(Level::Error, &format!("No standby after the failure: {error}"));
    }
}

fn by_process(context: &Context, environment: &Environment) {
    let delay = context.options.standby_delay.as_secs().to_string();
    let program = std::env::current_exe().unwrap_or_else(|_| context.options.tool.clone());
    let words = ["standby_after", &delay, Hold::Foreign.word()];
    let started = apart::command(&program, &words, environment).spawn();
    if let Err(error) = started {
        context.logger.log(Level::Error, &format!("No standby after the failure: {error}"));
    }
}
