//! Asking for standby: at once, or a while after a group could not be started (resources.md section 3).

use super::apart;
use super::context::Context;
use super::environment::Environment;
use crate::engine::{CAUSE, Hold};
use crate::level::Level;
use crate::paths;
use crate::sys::process::spawn_unmasked;
use crate::wire::Message;
use std::path::{Path, PathBuf};

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

/// Asks for standby once the delay is over: a process of its own, because a daemon that is reloaded meanwhile has a
/// group less all the same. It is always the foreign groups: the reference means to choose, and never finds the failed
/// group among its own.
pub(super) fn later(context: &Context, environment: &Environment) {
    let delay = context.options.standby_delay.as_secs().to_string();
    let tool = &context.options.tool.to_string_lossy();
    // Behind a shell that ends at once: nobody here has to wait for it.
    let words = ["-c", r#""$0" "$@" &"#, tool, "standby_after", &delay, Hold::Foreign.word()];
    let mut shell = apart::command(Path::new("/bin/sh"), &words, environment);
    let told = match spawn_unmasked(&mut shell).and_then(|mut shell| shell.wait()) {
        Ok(status) if status.success() => return,
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    context.logger.log(Level::Error, &format!("No standby after the failure: {told}"));
}
