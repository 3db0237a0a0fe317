//! The last resort: a resource that must not run on two nodes cannot be stopped on this one.
//!
//! Heartbeat is killed without ceremony, so that the other node hears nothing more, and the machine
//! rebooted without sync (resources.md section 3). Processes are found by the pid file and their
//! parent, not by name.

use super::environment::Environment;
use crate::level::Level;
use crate::logging::Logger;
use crate::paths;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;
use std::process::{Command, Stdio};

/// Takes the node down.
pub trait Reboot: Send + Sync {
    /// May return; the plan then goes on with the next resource.
    fn reboot(&self, log: &Logger, environment: &Environment);
}

/// By this process, which is not the daemon.
#[derive(Clone, Copy, Debug)]
pub struct RebootHere;

/// By a process of its own, since the daemon dies first.
#[derive(Clone, Copy, Debug)]
pub struct RebootByTool;

impl Reboot for RebootHere {
    fn reboot(&self, log: &Logger, _: &Environment) {
        log.log(Level::Crit, "Killing heartbeat ungracefully!");
        kill_heartbeat();
        force_reboot(log);
    }
}

impl Reboot for RebootByTool {
    fn reboot(&self, log: &Logger, environment: &Environment) {
        use std::os::unix::process::CommandExt;
        let tool = format!("{}/hb_tool", paths::LIBEXEC);
        let helper = Command::new(tool)
            .args(["last_resort", "stop-failed"])
            .env_clear()
            .envs(environment.iter())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !helper.is_ok_and(|status| status.success()) {
            force_reboot(log);
        }
    }
}

/// The machine's own means, one after the other.
fn force_reboot(log: &Logger) {
    let ways: [(&str, &[&str]); 2] = [("/sbin/reboot", &["-nf"]), ("/sbin/init", &["6"])];
    let worked = |(program, args): &(&str, &[&str])| {
        Command::new(program).args(*args).stdin(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    if !ways.iter().any(worked) {
        log.log(Level::Crit, "Unable to force reboot.");
    }
}

/// SIGKILL to the daemon of the pid file and to its children ipfail and ccm.
fn kill_heartbeat() {
    let Some(daemon) = daemon_pid() else { return };
    for child in
        children_of(daemon).into_iter().filter(|pid| ["ipfail", "ccm"].contains(&name_of(*pid).as_str()))
    {
        let _ = kill(Pid::from_raw(child), Signal::SIGKILL);
    }
    let _ = kill(Pid::from_raw(daemon), Signal::SIGKILL);
}

/// The pid in the pid file, if a heartbeat lives there.
fn daemon_pid() -> Option<i32> {
    let pid = std::fs::read_to_string(paths::PID_FILE).ok()?.trim().parse().ok()?;
    (pid > 1 && name_of(pid).starts_with("heartbeat")).then_some(pid)
}

fn name_of(pid: i32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

fn children_of(parent: i32) -> Vec<i32> {
    let Ok(all) = std::fs::read_dir(Path::new("/proc")) else {
        return Vec::new();
    };
    let pids = all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

/// The second field behind the name in brackets, which may itself hold brackets and blanks.
fn parent_of(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_and_children_find_each_other() {
        let me = i32::try_from(std::process::id()).unwrap();
        let mut child = Command::new("/bin/sleep").arg("5").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert_eq!(parent_of(pid), Some(me));
        assert!(children_of(me).contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
