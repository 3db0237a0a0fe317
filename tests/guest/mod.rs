//! A guest for a test: the test's own program, started again in a kernel that `run-in-vm` boots.
//!
//! Outside, nothing else is done. `RUN_IN_VM` names the tool when it is in none of the usual places. The guest's kernel
//! must have been fetched before (`run-in-vm --fetch`): a test downloads nothing. There is one guest at a time on a
//! machine: the others wait for it.

#![allow(dead_code, reason = "each test program uses a part of it")]

pub(crate) mod listing;

use std::env;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::fcntl::{Flock, FlockArg};

use crate::skip;

/// Set in the guest.
const INSIDE: &str = "HEARTBEAT_IN_GUEST";
/// What a guest says when it has done everything.
const DONE: &str = "all parts were run in the guest";
/// The Perl program that ours is compared with.
pub(crate) const REFERENCE: &str = "/usr/sbin/ldirectord";

/// What a test wants of its guest.
pub(crate) struct Wants {
    /// The name of the test function, as cargo knows it.
    pub(crate) test: &'static str,
    /// MiB of memory.
    pub(crate) memory: u32,
    /// It has failed when it takes longer, in seconds.
    pub(crate) limit: u32,
    /// Programs of this machine that it uses there.
    pub(crate) programs: &'static [&'static str],
}

/// Runs `inside` in a guest, or tells why there is none. Where there is no tool that makes guests, or no kernel to be
/// had, that is nobody's fault, in CI neither; all else that is missing is.
pub(crate) fn run(wants: &Wants, inside: impl FnOnce()) {
    if env::var_os(INSIDE).is_some() {
        load_devices();
        inside();
        return println!("{DONE}");
    }
    let Some(tool) = tool() else {
        return skip::say(format_args!("{}: no run-in-vm here: RUN_IN_VM may name it", wants.test));
    };
    let cache = cache();
    if !cache.is_dir() {
        let (cache, tool) = (cache.display(), tool.display());
        return skip::say(format_args!("{}: no kernel in {cache}: {tool} --fetch gets one", wants.test));
    }
    let missing: Vec<_> = wants.programs.iter().filter(|program| !Path::new(program).is_file()).collect();
    if !missing.is_empty() {
        return skip::cannot(format_args!("{}: not installed here: {missing:?}", wants.test));
    }
    outside(&tool, wants);
}

/// Runs a shell script in the guest. It must not fail.
pub(crate) fn sh(script: &str) {
    let status = Command::new("sh").args(["-e", "-c", script]).status().unwrap();
    assert!(status.success(), "{script}: {status}");
}

/// The kernel loads what a namespace's first `ip link add` asks for, but a second one that asks while that goes on is told
/// `Unknown device type`: namespaces made beside each other find everything there.
fn load_devices() {
    sh("modprobe -a dummy veth");
}

/// The tool that makes guests.
fn tool() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/vm/run-in-vm");
    let places =
        [env::var_os("RUN_IN_VM").map(PathBuf::from), Some(beside), Some("/work/shared/vm/run-in-vm".into())];
    places.into_iter().flatten().find(|path| path.is_file())
}

fn cache() -> PathBuf {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    cache.or_else(home).unwrap_or_default().join("run-in-vm")
}

fn outside(tool: &Path, wants: &Wants) {
    let _alone = alone();
    let mut command = Command::new(tool);
    command.args(["--timeout", &wants.limit.to_string(), "--memory", &wants.memory.to_string(), "--"]);
    command.arg(env::current_exe().unwrap()).args(["--exact", wants.test, "--nocapture"]).env(INSIDE, "1");
    let mut guest = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut done = false;
    for line in BufReader::new(guest.stdout.take().unwrap()).lines().map_while(Result::ok) {
        done |= line.contains(DONE);
        println!("guest: {line}");
    }
    let status = guest.wait().unwrap();
    assert!(status.success() && done, "the guest has failed: {status}");
}

/// Guests are one after the other, whoever starts them.
fn alone() -> Flock<File> {
    let path = env::temp_dir().join("heartbeat-rs-one-guest");
    let file = File::options().create(true).append(true).open(path).unwrap();
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno).unwrap()
}
