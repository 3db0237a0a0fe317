//! A room: a director's own network, process table, /etc/ha.d, /run and /var/log.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::Program;
use super::farm::Farm;
use super::kernel::{self, Kernel, Listing};
use crate::lab::node::bounded_output;
use crate::lab::stage::Stage;
use crate::lab::{Failure, bail, wait_until};

/// The configuration of every room.
pub(crate) const CONFIG: &str = "/etc/ha.d/ldirectord.cf";
/// The log of every room, unless its configuration says otherwise.
pub(crate) const LOG: &str = "/var/log/ldirectord.log";
/// A command of an operator that takes longer than this has failed.
const COMMAND_LIMIT: Duration = Duration::from_secs(90);
/// A daemon comes up, or ends, within this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A director alone.
pub(crate) struct Room {
    pub(crate) name: String,
    pub(crate) program: Program,
    pub(crate) farm: Farm,
    pub(crate) kernel: Kernel,
    pub(crate) stage: Stage,
}

/// Loopback holds the addresses of the servers; everything else is a hole.
const PREPARATION: &str = "\
for dir in /run /var/log /etc/ha.d; do mkdir -p $dir; mount -t tmpfs -o mode=755 tmpfs $dir; done
mkdir -p /run/lock
printf '127.0.0.1 localhost\\n::1 localhost\\n' >/run/hosts
: >/run/resolv.conf
for name in hosts resolv.conf; do mount --bind /run/$name /etc/$name; done
ip link set lo up
ip link add hole type dummy
ip link set hole up
ip route add default dev hole
ip -6 route add default dev hole
";

impl Room {
    /// Nothing runs there yet. `addresses` are those of the servers.
    pub(crate) fn new(name: &str, program: Program, addresses: &[&str]) -> Result<Self, Failure> {
        let mut script = String::from(PREPARATION);
        script += &format!("mount --bind {} {}\n", program.file()?.display(), crate::guest::REFERENCE);
        script += "ip -batch - <<END\n";
        for address in addresses {
            script += &match address.contains(':') {
                true => format!("addr add {address}/128 dev lo nodad\n"),
                false => format!("addr add {address}/32 dev lo\n"),
            };
        }
        script += "END\n";
        let name = format!("{name}, {program}");
        let stage = Stage::outermost(&script).map_err(|f| f.of(&name))?;
        Ok(Self { farm: Farm::on(&stage)?, kernel: Kernel::of(&stage)?, name, program, stage })
    }

    // --- files -------------------------------------------------------------------------------

    /// A file is there as if it had been there always: written elsewhere, then renamed.
    pub(crate) fn write(&self, path: &str, text: &str, mode: u32) -> Result<(), Failure> {
        let path = self.stage.path(path);
        let beside = path.with_extension("new");
        fs::write(&beside, text)?;
        fs::set_permissions(&beside, fs::Permissions::from_mode(mode))?;
        Ok(fs::rename(beside, path)?)
    }

    pub(crate) fn remove(&self, path: &str) -> Result<(), Failure> {
        Ok(fs::remove_file(self.stage.path(path))?)
    }

    pub(crate) fn append(&self, path: &str, text: &str) -> Result<(), Failure> {
        let mut file = fs::File::options().append(true).create(true).open(self.stage.path(path))?;
        Ok(file.write_all(text.as_bytes())?)
    }

    /// Empty when there is none.
    pub(crate) fn read(&self, path: &str) -> String {
        fs::read(self.stage.path(path)).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default()
    }

    // --- commands ----------------------------------------------------------------------------

    /// Runs a program to its end.
    pub(crate) fn run(&self, argv: &[&str]) -> Result<Output, Failure> {
        let Some((program, arguments)) = argv.split_first() else { bail!("nothing to run") };
        let mut command = self.stage.command(program);
        command.args(arguments);
        bounded_output(command, COMMAND_LIMIT).map_err(|f| f.of(format!("{}: {argv:?}", self.name)))
    }

    /// As [`Room::run`], and exit code 0 is expected.
    pub(crate) fn must(&self, argv: &[&str]) -> Result<(), Failure> {
        let ran = self.run(argv)?;
        if !ran.status.success() {
            let said = String::from_utf8_lossy(&ran.stderr) + String::from_utf8_lossy(&ran.stdout);
            bail!("{}: {argv:?}: {}: {said}", self.name, ran.status);
        }
        Ok(())
    }

    /// `ldirectord VERB`, which must succeed.
    pub(crate) fn director(&self, verb: &str) -> Result<(), Failure> {
        self.must(&[crate::guest::REFERENCE, verb])
    }

    /// `ldirectord start`, until its pid is known.
    pub(crate) fn start(&self) -> Result<(), Failure> {
        self.director("start")?;
        wait_until(&format!("{}: it runs", self.name), PATIENCE, || {
            self.pid().map(drop).ok_or_else(|| self.read(LOG))
        })
    }

    /// `ldirectord stop`, until it has ended.
    pub(crate) fn stop(&self) -> Result<(), Failure> {
        self.director("stop")?;
        self.ended()
    }

    /// Waits for the daemon's end.
    pub(crate) fn ended(&self) -> Result<(), Failure> {
        wait_until(&format!("{}: it ends", self.name), PATIENCE, || match self.pid() {
            None => Ok(()),
            Some(pid) => Err(format!("{pid} runs\n{}", self.read(LOG))),
        })
    }

    /// `ipvsadm` as an operator would call it, words separated by blanks.
    pub(crate) fn ipvsadm(&self, words: &str) -> Result<(), Failure> {
        let argv: Vec<&str> = std::iter::once("ipvsadm").chain(words.split(' ')).collect();
        self.must(&argv)
    }

    /// A signal for the daemon.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Failure> {
        let Some(pid) = self.pid() else { bail!("{}: no daemon runs\n{}", self.name, self.read(LOG)) };
        self.must(&["kill", &format!("-{}", signal.as_str().trim_start_matches("SIG")), &pid.to_string()])
    }

    /// Kills a process whose command line begins so, if there is one; whether there was.
    pub(crate) fn kill_one(&self, title: &str) -> bool {
        let found = fs::read_dir(self.stage.path("/proc")).into_iter().flatten().flatten().find(|entry| {
            let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            line.starts_with(title.as_bytes())
        });
        let Some(inside) = found.and_then(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) else {
            return false;
        };
        self.must(&["kill", "-9", &inside.to_string()]).is_ok()
    }

    // --- observations ------------------------------------------------------------------------

    /// The daemon's number in the room, while it runs.
    pub(crate) fn pid(&self) -> Option<i32> {
        let pid: i32 = self.read("/run/ldirectord.ldirectord.pid").trim().parse().ok()?;
        self.stage.path(&format!("/proc/{pid}")).exists().then_some(pid)
    }

    /// The table, by the real tool.
    pub(crate) fn listed(&self) -> Result<Listing, Failure> {
        kernel::listed(&self.stage)
    }
}
