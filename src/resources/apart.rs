//! A process that must not go down with this one: its own group, no terminal, nothing to hold open.

use super::environment::Environment;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The command, not yet started.
pub(super) fn command(program: &Path, args: &[&str], environment: &Environment) -> Command {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .envs(environment.iter())
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
