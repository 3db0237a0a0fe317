//! One node: what is done to it and what can be seen of it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::calls::{self, Call};
use super::flavour::Flavour;
use super::logfile;
use super::stage::{Stage, is_root};
use super::{Failure, bail, network, program};

/// Where the configuration of [`Node::configure`] should send the log.
pub(crate) const LOG: &str = "/var/log/ha-log";
/// A command of an administrator that takes longer than this has failed.
const COMMAND_LIMIT: Duration = Duration::from_secs(120);

/// A machine of the cluster.
pub(crate) struct Node {
    stage: Stage,
    index: usize,
    flavour: Flavour,
}

impl Node {
    /// Private directories laid, recording scripts in place, no cable plugged, nothing running.
    pub(crate) fn boot(frame: &Stage, index: usize, flavour: Flavour) -> Result<Self, Failure> {
        let name = format!("b{index}");
        let stage = Stage::within(frame, &preparation(&name, flavour)).map_err(|f| f.of(&name))?;
        let node = Self { stage, index, flavour };
        node.make_run_directories()?;
        Ok(node)
    }

    /// 1 or 2.
    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Its host name: b1 or b2.
    pub(crate) fn name(&self) -> String {
        format!("b{}", self.index)
    }

    /// Whose software is installed.
    pub(crate) fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// Its namespaces.
    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    // --- files -------------------------------------------------------------------------------

    /// Write a file inside, with its mode. One that can be run comes in one step, see [`program`].
    pub(crate) fn write(&self, path: &str, text: &str, mode: u32) -> Result<(), Failure> {
        let outside = self.stage.path(path);
        if mode & 0o111 != 0 {
            return Ok(program::write(&outside, text, mode)?);
        }
        fs::write(&outside, text).map_err(|e| Failure::from(e).of(path))?;
        Ok(fs::set_permissions(outside, fs::Permissions::from_mode(mode))?)
    }

    /// Lay a program of this machine into the node.
    pub(crate) fn copy(&self, program: &str, path: &str) -> Result<(), Failure> {
        Ok(program::copy(program.as_ref(), &self.stage.path(path))?)
    }

    /// Read a file inside; empty when there is none.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read(self.stage.path(path))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// The three files of /etc/ha.d.
    pub(crate) fn configure(&self, ha_cf: &str, authkeys: &str, haresources: &str) -> Result<(), Failure> {
        self.write("/etc/ha.d/ha.cf", ha_cf, 0o644)?;
        self.write("/etc/ha.d/authkeys", authkeys, 0o600)?;
        self.write("/etc/ha.d/haresources", haresources, 0o644)
    }

    // --- commands ----------------------------------------------------------------------------

    /// Run a program to its end; its output, whatever the exit code.
    pub(crate) fn run(&self, argv: &[&str]) -> Result<Output, Failure> {
        let Some((program, arguments)) = argv.split_first() else { bail!("nothing to run") };
        let mut command = self.stage.command(program);
        command.args(arguments);
        bounded_output(command, COMMAND_LIMIT)
            .map_err(|f| f.of(format!("{}: {}", self.name(), argv.join(" "))))
    }

    /// As [`Node::run`], and exit code 0 is expected.
    pub(crate) fn must(&self, argv: &[&str]) -> Result<String, Failure> {
        let output = self.run(argv)?;
        let text =
            String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!("{}: {}: {}: {text}", self.name(), argv.join(" "), output.status);
        }
        Ok(text)
    }

    /// Start the daemon; it goes to the background by itself.
    pub(crate) fn start(&self) -> Result<(), Failure> {
        self.must(&["/usr/libexec/heartbeat/heartbeat"]).map(drop)
    }

    /// Ask for an orderly stop and wait for its end, as an administrator would.
    pub(crate) fn stop(&self) -> Result<(), Failure> {
        self.must(&["/usr/libexec/heartbeat/heartbeat", "-k"]).map(drop)
    }

    /// `hb_standby WHAT`
    pub(crate) fn hb_standby(&self, what: &str) -> Result<(), Failure> {
        self.must(&["/usr/share/heartbeat/hb_standby", what]).map(drop)
    }

    /// `hb_takeover WHAT`
    pub(crate) fn hb_takeover(&self, what: &str) -> Result<(), Failure> {
        self.must(&["/usr/share/heartbeat/hb_takeover", what]).map(drop)
    }

    /// Kill the daemon's processes and nothing else: resources keep running, cables stay plugged. When this comes
    /// back the daemon has ended: while a killed process is still going, the next one takes it for a daemon that runs.
    pub(crate) fn kill_daemon(&self) -> Result<(), Failure> {
        const KILL: &str =
            "pid=$(($(cat /run/heartbeat.pid))) && { kill -9 -$pid 2>/dev/null || kill -9 $pid; } || exit
            while grep -q '^State:[[:space:]]*[^ZX]' /proc/$pid/status 2>/dev/null; do sleep 0.01; done";
        self.must(&["sh", "-c", KILL]).map(drop)
    }

    /// Every process but the one that holds the namespaces.
    pub(crate) fn kill_everything(&self) -> Result<(), Failure> {
        self.must(&["sh", "-c", "kill -9 -1"]).map(drop)
    }

    /// What a reboot does to /run.
    pub(crate) fn forget_run(&self) -> Result<(), Failure> {
        self.must(&["sh", "-c", "rm -rf /run/*"])?;
        self.make_run_directories()
    }

    fn make_run_directories(&self) -> Result<(), Failure> {
        self.must(&["sh", "-c", RUN_DIRECTORIES]).map(drop)
    }

    // --- observations ------------------------------------------------------------------------

    /// Whether the daemon named in the pid file lives.
    pub(crate) fn daemon_runs(&self) -> bool {
        let pid = self.read("/run/heartbeat.pid");
        let pid = pid.trim();
        !pid.is_empty() && self.stage.path(&format!("/proc/{pid}/stat")).exists()
    }

    /// The names of its processes.
    pub(crate) fn processes(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.stage.path("/proc")) else { return Vec::new() };
        let numbers = entries.flatten().filter(|e| e.file_name().to_string_lossy().parse::<u32>().is_ok());
        // one that ends meanwhile is none
        numbers
            .filter_map(|e| fs::read_to_string(e.path().join("comm")).ok())
            .map(|name| name.trim_end().to_owned())
            .collect()
    }

    /// The virtual addresses it holds.
    pub(crate) fn vips(&self) -> BTreeSet<String> {
        network::held(self)
    }

    /// The daemon's log so far.
    pub(crate) fn log(&self) -> String {
        self.read(LOG)
    }

    /// Wait until the log, from byte `since` on, has a line with `wanted` in it.
    pub(crate) fn wait_for_log(&self, wanted: &str, since: usize, within: Duration) -> Result<(), Failure> {
        super::wait_until(&format!("{}: log line '{wanted}'", self.name()), within, || {
            if logfile::after(&self.log(), since).contains(wanted) {
                Ok(())
            } else {
                Err("not there".to_owned())
            }
        })
    }

    /// Have the calls of resource scripts recorded; adds the script `probe`.
    pub(crate) fn record_calls(&self) -> Result<(), Failure> {
        calls::install(self)
    }

    /// Every call of a recorded resource script so far, oldest first.
    pub(crate) fn calls(&self) -> Vec<Call> {
        calls::parse(&self.read(calls::FILE))
    }

    /// What asked for a reboot of this node, one line each.
    pub(crate) fn reboots_asked(&self) -> String {
        self.read("/var/log/lab/reboots")
    }
}

/// What an init script of either flavour would have made under /run.
const RUN_DIRECTORIES: &str = "\
set -e
umask 022
mkdir -p /run/lock/subsys /run/resource-agents /run/heartbeat/ccm /run/heartbeat/crm /run/heartbeat/dopd
chmod 750 /run/heartbeat /run/heartbeat/*
if id hacluster >/dev/null 2>&1; then chown -R hacluster:haclient /run/heartbeat 2>/dev/null || true; fi
";

/// The script that prepares the node's namespaces, run by their first process.
fn preparation(name: &str, flavour: Flavour) -> String {
    let option = if is_root() { "" } else { ",userxattr" };
    let mut script = format!("hostname {name}\n");
    for dir in ["etc", "usr", "var"] {
        let lower = match flavour {
            Flavour::Reference => format!("/{dir}"),
            Flavour::Ours => format!("{}/{dir}:/{dir}", super::flavour::INSTALLED),
        };
        let own = format!("/mnt/{name}/{dir}");
        script += &format!(
            "mkdir -p {own}/up {own}/work\n\
             mount -t overlay overlay -o lowerdir={lower},upperdir={own}/up,workdir={own}/work{option} /{dir}\n"
        );
    }
    script + PREPARATION
}

const PREPARATION: &str = r#"
for dir in /run /var/log; do mount -t tmpfs -o mode=755 tmpfs $dir; done
mount -t sysfs sysfs /sys || true
mkdir -p /var/log/lab
rm -f /etc/ha.d/ha.cf /etc/ha.d/authkeys /etc/ha.d/haresources
rm -f /var/lib/heartbeat/hb_generation /var/lib/heartbeat/hb_uuid /var/lib/heartbeat/*hostcache /var/lib/heartbeat/hb_peers /var/lib/heartbeat/fifo
printf '#!/bin/sh\necho "$0 $*" >>/var/log/lab/reboots\n' >/mnt/no-reboot
chmod 755 /mnt/no-reboot
for f in /sbin/reboot /sbin/shutdown /sbin/poweroff /sbin/halt /sbin/init; do
    test ! -e $f || mount --bind /mnt/no-reboot $f
done
test ! -e /proc/sysrq-trigger || mount --bind /dev/null /proc/sysrq-trigger
"#;

/// The output of a command that is killed when it does not end in time.
pub(crate) fn bounded_output(mut command: Command, limit: Duration) -> Result<Output, Failure> {
    // output goes to files, not pipes: a daemon may keep them open
    let stdout = tempfile::tempfile()?;
    let stderr = tempfile::tempfile()?;
    let mut child = command.stdout(stdout.try_clone()?).stderr(stderr.try_clone()?).spawn()?;
    let deadline = Instant::now() + limit;
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if Instant::now() >= deadline => {
                end(&mut child);
                bail!("not finished within {} s", limit.as_secs());
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    Ok(Output { status, stdout: rewound(stdout)?, stderr: rewound(stderr)? })
}

fn end(child: &mut Child) {
    // an error says that it ended in this very moment
    let _ = child.kill();
    let _ = child.wait();
}

fn rewound(mut file: fs::File) -> Result<Vec<u8>, Failure> {
    use std::io::{Read, Seek};
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A process started by [`spawn`]; killed when this goes.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.0);
    }
}

/// Start something in a stage that runs until the value is dropped.
pub(crate) fn spawn(mut command: Command) -> Result<Running, Failure> {
    Ok(Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?))
}
