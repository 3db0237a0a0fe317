//! One program as a process: how it is started, and signals to its group.

use crate::config::{Client, Config};
use crate::daemon::{environment, signals};
use crate::sys::child::{self, Guise, Limit};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{AccessFlags, Pid, access};
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

/// Runs every command.
const SHELL: &str = "/bin/sh";
/// What the reference's daemon ignores or has its children ignore.
const IGNORED: [Signal; 5] =
    [Signal::SIGINT, Signal::SIGPIPE, Signal::SIGALRM, Signal::SIGTTIN, Signal::SIGTTOU];

/// All that is needed to start a program.
pub(super) struct Recipe {
    client: Client,
    environment: Arc<Vec<(OsString, OsString)>>,
    memory: Limit,
    cores: bool,
}

/// Of each program, in file order.
pub(super) fn recipes(config: &Config, memory: Limit) -> Vec<Recipe> {
    let environment = Arc::new(environment::of_programs(config, std::env::vars_os()));
    let recipe = |client: &Client| Recipe {
        client: client.clone(),
        environment: Arc::clone(&environment),
        memory,
        cores: config.cores.enabled,
    };
    config.clients.iter().map(recipe).collect()
}

impl Recipe {
    /// Why its program cannot be executed, if so.
    pub(super) fn look(&self) -> Result<(), String> {
        let program = self.client.command.split_whitespace().next().unwrap_or_default();
        access(program, AccessFlags::X_OK).map_err(|errno| errno.desc().to_owned())
    }

    /// Starts it in a process group of its own, as its user.
    pub(super) fn start(&self) -> io::Result<Child> {
        let mut command = Command::new(SHELL);
        command
            .arg("-c")
            .arg(format!("exec {}", self.client.command))
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        child::disguise(&mut command, self.guise()?);
        command.spawn()
    }

    fn guise(&self) -> io::Result<Guise> {
        let Client { user, uid, gid, .. } = &self.client;
        Ok(Guise {
            uid: *uid,
            gid: *gid,
            groups: child::groups(user, *gid)?,
            ignored: IGNORED.to_vec(),
            blocked: signals::of_programs()?,
            memory: self.memory,
            cores: self.cores,
            nice: child::nice(),
        })
    }
}

/// SIGTERM to a process group.
pub(super) fn terminate(group: u32) {
    send(group, Signal::SIGTERM);
}

/// SIGKILL to a process group.
pub(super) fn kill(group: u32) {
    send(group, Signal::SIGKILL);
}

/// Its leader has not been waited for: the number is still its own.
fn send(group: u32, signal: Signal) {
    if let Ok(group) = i32::try_from(group) {
        let _ = killpg(Pid::from_raw(group), signal);
    }
}
