//! The last resort: a resource that must not run on two nodes cannot be stopped on this one.
//!
//! Heartbeat is killed without ceremony, so that the other node hears nothing more, and the machine
//! rebooted without sync (resources.md section 3). Processes are found by the pid file and their
//! parent, not by name.

use super::apart;
use super::environment::Environment;
use crate::level::Level;
use crate::logging::Logger;
use crate::paths;
use crate::sys::process::{spawn_unmasked, stat_fields};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long the reason may take to be written; then it is lost with the daemon.
const FLUSH: Duration = Duration::from_secs(1);

/// Takes the node down.
pub trait Reboot: Send + Sync {
    /// May return; the plan then goes on with the next resource.
    fn reboot(&self, log: &Logger, environment: &Environment);
}

/// By this process, which is not the daemon.
#[derive(Clone, Copy, Debug)]
pub struct RebootHere;

/// By a process of its own, since the daemon dies first: our multi-call program of this path.
#[derive(Clone, Debug)]
pub struct RebootByTool(pub PathBuf);

impl Reboot for RebootHere {
    fn reboot(&self, log: &Logger, _: &Environment) {
        log.log(Level::Crit, "Killing heartbeat ungracefully!");
        kill_heartbeat(Path::new(paths::PID_FILE));
        force_reboot(log);
    }
}

impl Reboot for RebootByTool {
    fn reboot(&self, log: &Logger, environment: &Environment) {
        log.flush(FLUSH);
        let mut helper = apart::command(&self.0, &["last_resort", "stop-failed"], environment);
        let helper = spawn_unmasked(&mut helper).and_then(|mut helper| helper.wait());
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

/// SIGKILL to the daemon of the pid file and to its children of heartbeat.
fn kill_heartbeat(pid_file: &Path) {
    let Some(daemon) = daemon_pid(pid_file) else {
        return;
    };
    let helpers = ["heartbeat", "ipfail", "ccm"];
    for child in children_of(daemon).into_iter().filter(|pid| helpers.contains(&name_of(*pid).as_str())) {
        let _ = kill(Pid::from_raw(child), Signal::SIGKILL);
    }
    let _ = kill(Pid::from_raw(daemon), Signal::SIGKILL);
}

/// The pid in the pid file, if a heartbeat lives there: the file outlives the daemon.
fn daemon_pid(pid_file: &Path) -> Option<i32> {
    let pid = std::fs::read_to_string(pid_file).ok()?.trim().parse().ok()?;
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

fn parent_of(pid: i32) -> Option<i32> {
    stat_fields(Pid::from_raw(pid)).ok()?.get(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid_of(child: &std::process::Child) -> i32 {
        i32::try_from(child.id()).unwrap()
    }

    fn eventually(mut holds: impl FnMut() -> bool) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !holds() {
            assert!(std::time::Instant::now() < deadline, "never came true");
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// The daemon has said more than is written yet; the tool looks at what is there when it begins.
    #[test]
    fn the_daemon_leaves_it_to_the_tool_and_its_last_lines_are_written_before() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("log");
        let settings = crate::logging::Settings { logfile: Some(file.clone()), ..Default::default() };
        let log = Logger::background("heartbeat", settings, false).unwrap();
        let mut environment = Environment::default();
        environment.set("OUT", dir.path().join("out").to_str().unwrap());
        environment.set("LOG", file.to_str().unwrap());
        let tool = dir.path().join("tool");
        let copied =
            Command::new("install").args(["-m755", "/dev/stdin"]).arg(&tool).stdin(Stdio::piped()).spawn();
        let mut copied = copied.unwrap();
        let body = "#!/bin/sh\n{ echo \"$*\"; tail -n 1 \"$LOG\"; } > \"$OUT\"\n";
        std::io::Write::write_all(&mut copied.stdin.take().unwrap(), body.as_bytes()).unwrap();
        assert!(copied.wait().unwrap().success());
        (0..2000).for_each(|n| log.log(Level::Info, &format!("line {n}")));
        log.log(Level::Crit, "the reason");
        RebootByTool(tool).reboot(&log, &environment);
        let out = std::fs::read_to_string(dir.path().join("out")).unwrap();
        assert!(out.starts_with("last_resort stop-failed\n") && out.ends_with("CRIT: the reason\n"), "{out}");
    }

    #[test]
    fn only_a_heartbeat_and_its_helpers_are_killed() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for (name, program) in [("heartbeat", "/bin/sh"), ("ipfail", "/bin/sleep"), ("other", "/bin/sleep")] {
            assert!(Command::new("cp").arg(program).arg(at(name)).status().unwrap().success());
        }
        let body = "./ipfail 30 & echo $! > ipfail.pid; ./other 30 & echo $! > other.pid; wait";
        let mut daemon =
            Command::new(at("heartbeat")).args(["-c", body]).current_dir(dir.path()).spawn().unwrap();
        let (mut ipfail, mut other) = (0, 0);
        eventually(|| {
            let pid_in = |name: &str| std::fs::read_to_string(at(name)).ok()?.trim().parse::<i32>().ok();
            ipfail = pid_in("ipfail.pid").unwrap_or(0);
            other = pid_in("other.pid").unwrap_or(0);
            name_of(ipfail) == "ipfail" && name_of(other) == "other"
        });

        std::fs::write(at("pid"), format!("{other:10}\n")).unwrap();
        kill_heartbeat(&at("pid"));
        assert!(parent_of(other).is_some() && daemon.try_wait().unwrap().is_none());

        std::fs::write(at("pid"), format!("{:10}\n", pid_of(&daemon))).unwrap();
        kill_heartbeat(&at("pid"));
        assert!(!daemon.wait().unwrap().success());
        let gone = |pid: i32| {
            kill(Pid::from_raw(pid), None).is_err()
                || stat_fields(Pid::from_raw(pid)).is_ok_and(|fields| fields[0] == "Z")
        };
        eventually(|| gone(ipfail));
        assert!(!gone(other));
        kill(Pid::from_raw(other), Signal::SIGKILL).unwrap();
    }
}
