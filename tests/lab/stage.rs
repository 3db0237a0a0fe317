//! A place of its own for processes: namespaces, held by one process that is their `init`.
//!
//! The outermost stage is the child of this program; all others lie within its process namespace.
//! Its `init` reads a pipe that only this program writes to. Whatever ends this program closes the
//! pipe, the `init` ends, and the kernel kills everything in the process namespace; namespaces,
//! interfaces and mounts go with their last user. Nothing is left to clean up by hand.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Failure, bail};

/// What a laboratory calls.
const TOOLS: [&str; 8] = ["unshare", "nsenter", "setpriv", "mount", "hostname", "ip", "tc", "sh"];
/// Search path within the laboratory, whatever the caller's is.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The last words of every stage's script. Children that nobody waits for vanish by themselves when
/// SIGCHLD is ignored: a zombie would look alive to `kill -0`, which `heartbeat -k` relies on. (`trap ''
/// CHLD` would do in the books; dash does not pass it on.)
const HOLD: &str = "echo ready\nexec env --ignore-signal=CHLD cat >/dev/null";

/// Namespaces and the process that holds them.
pub(crate) struct Stage {
    holder: Child,
    init: u32,
}

impl Stage {
    /// Namespaces directly on the machine, prepared by a shell script: the frame for all the others.
    pub(crate) fn outermost(script: &str) -> Result<Self, Failure> {
        let mut command = Command::new("unshare");
        if !is_root() {
            command.args(["--user", "--map-root-user"]);
        }
        Self::raise(command, script)
    }

    /// Further namespaces inside `frame`, prepared by a shell script.
    pub(crate) fn within(frame: &Self, script: &str) -> Result<Self, Failure> {
        let mut command = frame.enter(&["--pid", "--mount"]);
        command.arg("unshare");
        Self::raise(command, script)
    }

    fn raise(mut command: Command, script: &str) -> Result<Self, Failure> {
        let script = format!("set -e\nexec 2>&1\numask 022\nexport PATH={PATH}\n{script}\n{HOLD}");
        let mut holder = command
            .args([
                "--net",
                "--uts",
                "--ipc",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "--",
            ])
            .args(["sh", "-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| Failure::from(error).of("unshare"))?;
        let mut said = String::new();
        if let Some(output) = holder.stdout.take() {
            for line in BufReader::new(output).lines() {
                match line? {
                    line if line == "ready" => {
                        let init = first_process_below(holder.id())?;
                        return Ok(Self { holder, init });
                    }
                    line => said = format!("{said}{line}\n"),
                }
            }
        }
        let status = holder.wait()?;
        bail!("namespaces could not be made ({status}): {said}{}", hint());
    }

    /// The process that is 1 inside, as this program numbers it.
    pub(crate) fn init(&self) -> u32 {
        self.init
    }

    /// A command that runs `nsenter` into the network namespace and the `further` ones; what shall
    /// run there is still to be added as arguments.
    pub(crate) fn enter(&self, further: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.env_clear().env("PATH", PATH).env("HOME", "/root").env("LANG", "C");
        command.args(["--target", &self.init.to_string(), "--net"]).args(further);
        if !is_root() {
            command.args(["--user", "--preserve-credentials"]);
        }
        command.arg("--").stdin(Stdio::null());
        command
    }

    /// A command in all namespaces of the stage, without the power to reboot.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = self.enter(&["--mount", "--uts", "--ipc", "--pid"]);
        command.args(["setpriv", "--bounding-set=-sys_boot", "--inh-caps=-sys_boot", "--", program]);
        command
    }

    /// Run a shell script in the stage's namespaces (`further` to the network); its output is the answer.
    pub(crate) fn script(&self, further: &[&str], script: &str) -> Result<String, Failure> {
        let mut child = self
            .enter(further)
            .args(["sh", "-s"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(script.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("{}: {}\nin: {script}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A path inside, as this program can open it.
    pub(crate) fn path(&self, inside: &str) -> std::path::PathBuf {
        format!("/proc/{}/root{inside}", self.init).into()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        // an error says that it is gone already
        let _ = self.holder.kill();
        let _ = self.holder.wait();
        let gone = || if alive(self.init) { Err("its init lives".to_owned()) } else { Ok(()) };
        if let Err(failure) = super::wait_until("end of a stage", Duration::from_secs(10), gone) {
            eprintln!("lab: {failure}");
        }
    }
}

fn alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| state_and_parent(&stat).0 != 'Z')
}

/// Walk down the line of only children from `pid` to the process that is number 1 in its namespace.
fn first_process_below(pid: u32) -> Result<u32, Failure> {
    let mut at = pid;
    for _ in 0..4 {
        let Some(child) = child_of(at)? else { break };
        let status = fs::read_to_string(format!("/proc/{child}/status"))?;
        let inside =
            status.lines().find(|l| l.starts_with("NSpid:")).and_then(|l| l.split_whitespace().last());
        // the outermost process of a frame's own namespace is number 1 of nothing below `pid`
        if inside == Some("1") {
            return Ok(child);
        }
        at = child;
    }
    bail!("no init process found below {pid}");
}

fn child_of(parent: u32) -> Result<Option<u32>, Failure> {
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|n| n.parse().ok()) else { continue };
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        if state_and_parent(&stat).1 == parent {
            return Ok(Some(pid));
        }
    }
    Ok(None)
}

/// From /proc/PID/stat; the name in brackets may contain anything.
fn state_and_parent(stat: &str) -> (char, u32) {
    let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let state = fields.next().and_then(|f| f.chars().next()).unwrap_or('?');
    (state, fields.next().and_then(|f| f.parse().ok()).unwrap_or(0))
}

/// A script that does something and undoes it after a while, and prints by the clock of the machine when it began and
/// when it was over.
pub(crate) fn timed(begin: &str, long: Duration, end: &str) -> String {
    const CLOCK: &str = "read now rest </proc/uptime; echo $now";
    format!("{CLOCK}\n{begin}\nsleep {}\n{end}\n{CLOCK}\n", long.as_secs_f64())
}

/// How long that took, from what it printed.
pub(crate) fn elapsed(told: &str) -> Result<Duration, Failure> {
    let times: Vec<f64> = told.lines().filter_map(|line| line.parse().ok()).collect();
    match times.as_slice() {
        [began, over] => Ok(Duration::from_secs_f64((over - began).max(0.0))),
        _ => bail!("two times were to be told: {told}"),
    }
}

/// Whether this program is root on the machine.
pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// An error that names every tool the laboratory needs and cannot find.
pub(crate) fn check_tools() -> Result<(), Failure> {
    let found = |tool: &&str| PATH.split(':').any(|dir| std::path::Path::new(dir).join(tool).exists());
    let missing: Vec<_> = TOOLS.iter().filter(|tool| !found(tool)).copied().collect();
    if !missing.is_empty() {
        bail!("missing: {} (packages util-linux, iproute2, hostname)", missing.join(", "));
    }
    Ok(())
}

fn hint() -> &'static str {
    if is_root() {
        ""
    } else {
        "As an ordinary user this needs user namespaces (sysctl kernel.unprivileged_userns_clone, \
         kernel.apparmor_restrict_unprivileged_userns, user.max_user_namespaces); as root it does not."
    }
}
