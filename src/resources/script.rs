//! One script: where it lies, and running it (resources.md sections 1 and 2).
//!
//! A script may leave a daemon behind that keeps its standard output open; we wait for the script
//! itself and never for the end of its output. Whoever reaps children with `waitpid(-1)` elsewhere
//! in the process would steal ours.

use super::environment::Environment;
use crate::sys::process::spawn_unmasked;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// So much of the output of `status` is kept; the rest is read and dropped.
const OUTPUT_KEPT: usize = 64 * 1024;
/// Runs what the kernel cannot.
const SHELL: &str = "/bin/sh";
/// The longest nap between two looks at a running script.
const LONGEST_NAP: Duration = Duration::from_millis(5);
/// From SIGTERM to SIGKILL, for a script beyond its time limit.
const KILL_GRACE: Duration = Duration::from_secs(5);

/// The first executable file `name` in the directories.
pub fn find(name: &str, directories: &[&str]) -> Option<PathBuf> {
    if name.is_empty() {
        return None;
    }
    directories
        .iter()
        .map(|directory| PathBuf::from(format!("{directory}/{name}")))
        .find(|path| is_program(path))
}

/// A regular file (or a link to one) that somebody may execute.
pub fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

/// Where what a script writes goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Appended to this file; `/dev/null` when it cannot be opened.
    Append(PathBuf),
    /// Nowhere.
    Drop,
    /// To our own standard error.
    Inherit,
}

impl Output {
    fn open(&self) -> io::Result<Stdio> {
        match self {
            Output::Append(path) => append(path).map(Stdio::from).or_else(|_| Ok(Stdio::null())),
            Output::Drop => Ok(Stdio::null()),
            Output::Inherit => Ok(Stdio::from(io::stderr())),
        }
    }
}

/// A FIFO that nobody reads must not hold us. But the script gets what it knows: a file that waits.
fn append(path: &Path) -> io::Result<File> {
    use nix::fcntl::{FcntlArg, OFlag, fcntl};
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
    let file = OpenOptions::new().append(true).create(true).mode(0o644).custom_flags(flags).open(path)?;
    fcntl(&file, FcntlArg::F_SETFL(OFlag::O_APPEND))?;
    Ok(file)
}

/// A script about to run.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// The program.
    pub path: &'a Path,
    /// Its arguments, the operation last.
    pub args: Vec<&'a str>,
    /// All of its environment.
    pub environment: &'a Environment,
    /// Its working directory; ours when `None` or missing.
    pub directory: Option<&'a Path>,
    /// Its standard error, and its standard output where that is not captured.
    pub output: Output,
    /// Keep what it writes to standard output.
    pub capture: bool,
    /// After this long its process group is terminated. The reference knows no limit.
    pub limit: Option<Duration>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Exit code; 128 + signal when killed, as a shell counts.
    pub code: i32,
    /// What it wrote to standard output, if that was asked for.
    pub output: Vec<u8>,
    /// How long it took.
    pub took: Duration,
}

impl Call<'_> {
    /// Runs the script in a process group of its own and waits for it. What has no `#!` line is run
    /// by `/bin/sh`, as a shell would do.
    pub fn run(&self) -> io::Result<Finished> {
        let spawned = match spawn_unmasked(&mut self.command(self.path, None)?) {
            Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
                spawn_unmasked(&mut self.command(Path::new(SHELL), Some(self.path))?)
            }
            result => result,
        };
        self.wait_for(&mut spawned?)
    }

    fn command(&self, program: &Path, script: Option<&Path>) -> io::Result<Command> {
        let mut command = Command::new(program);
        command.args(script).args(&self.args).env_clear().envs(self.environment.iter()).process_group(0);
        let stdout = if self.capture { Stdio::piped() } else { self.output.open()? };
        command.stdin(Stdio::null()).stdout(stdout).stderr(self.output.open()?);
        if let Some(directory) = self.directory.filter(|d| d.is_dir()) {
            command.current_dir(directory).env("PWD", directory);
        }
        Ok(command)
    }

    fn wait_for(&self, child: &mut Child) -> io::Result<Finished> {
        let begin = Instant::now();
        let mut reader = Reader::of(child)?;
        let nothing_to_watch = !self.capture && self.limit.is_none();
        let status = if nothing_to_watch { child.wait()? } else { self.watch(child, &mut reader)? };
        Ok(Finished { code: exit_code(status), output: reader.kept, took: begin.elapsed() })
    }

    /// Waits in short naps, reading what comes and minding the limit.
    fn watch(&self, child: &mut Child, reader: &mut Reader) -> io::Result<ExitStatus> {
        let begin = Instant::now();
        let mut watch = Watch { limit: self.limit, group: child.id(), told: None };
        let mut nap = Duration::from_micros(200);
        loop {
            let ended = child.try_wait()?;
            reader.drain();
            if let Some(status) = ended {
                return Ok(status);
            }
            watch.look(begin.elapsed());
            thread::sleep(nap);
            nap = (nap * 2).min(LONGEST_NAP);
        }
    }
}

fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

/// The pipe from a script, read without ever waiting.
struct Reader {
    pipe: Option<File>,
    kept: Vec<u8>,
}

impl Reader {
    fn of(child: &mut Child) -> io::Result<Self> {
        let pipe = child.stdout.take().map(|out| File::from(std::os::fd::OwnedFd::from(out)));
        if let Some(pipe) = &pipe {
            use nix::fcntl::{FcntlArg, OFlag, fcntl};
            fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(Self { pipe, kept: Vec::new() })
    }

    /// Takes what is there, a bounded number of times: a script that never stops writing must not
    /// keep us from seeing its end.
    fn drain(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        let mut buffer = [0; 4096];
        for _ in 0..32 {
            match pipe.read(&mut buffer) {
                Ok(n) if n > 0 => {
                    let room = OUTPUT_KEPT.saturating_sub(self.kept.len()).min(n);
                    self.kept.extend_from_slice(buffer.get(..room).unwrap_or_default());
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                _ => return,
            }
        }
    }
}

/// The time limit of a script, where there is one.
struct Watch {
    limit: Option<Duration>,
    group: u32,
    told: Option<Duration>,
}

impl Watch {
    fn look(&mut self, elapsed: Duration) {
        use nix::sys::signal::Signal;
        let Some(limit) = self.limit.filter(|limit| elapsed > *limit) else {
            return;
        };
        match self.told {
            None => {
                self.told = Some(elapsed);
                self.signal(Signal::SIGTERM);
            }
            Some(at) if elapsed > at.max(limit) + KILL_GRACE => self.signal(Signal::SIGKILL),
            Some(_) => {}
        }
    }

    fn signal(&self, signal: nix::sys::signal::Signal) {
        if let Ok(group) = i32::try_from(self.group) {
            let _ = nix::sys::signal::killpg(nix::unistd::Pid::from_raw(group), signal);
        }
    }
}

/// The name a program was called by, without directory.
pub fn base_name(program: &OsStr) -> String {
    Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by a child, lest a fork of another test hold the file open for writing.
    fn script(dir: &Path, text: &str) -> PathBuf {
        use std::io::Write;
        let path = dir.join("script");
        let mut install = Command::new("install");
        install.args(["-m755", "/dev/stdin"]).arg(&path).stdin(Stdio::piped());
        let mut child = install.spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("#!/bin/sh\n{text}\n").as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
        path
    }

    fn call<'a>(path: &'a Path, environment: &'a Environment, limit: Option<Duration>) -> Call<'a> {
        Call {
            path,
            args: vec!["status"],
            environment,
            directory: None,
            output: Output::Drop,
            capture: true,
            limit,
        }
    }

    #[test]
    fn a_daemon_left_behind_does_not_hold_us() {
        let dir = tempfile::tempdir().unwrap();
        let path = script(dir.path(), "/bin/sleep 30 & echo running");
        let environment = Environment::default();
        let finished = call(&path, &environment, None).run().unwrap();
        assert_eq!((finished.code, finished.output.as_slice()), (0, b"running\n".as_slice()));
        assert!(finished.took < Duration::from_secs(20));
    }

    #[test]
    fn much_output_neither_blocks_nor_piles_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = script(
            dir.path(),
            "i=0; while [ $i -lt 3000 ]; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; i=$((i+1)); done; exit 9",
        );
        let environment = Environment::default();
        let finished = call(&path, &environment, None).run().unwrap();
        assert_eq!((finished.code, finished.output.len()), (9, OUTPUT_KEPT));
    }

    #[test]
    fn a_limit_ends_the_whole_group() {
        let dir = tempfile::tempdir().unwrap();
        let path = script(dir.path(), "/bin/sleep 20; exit 0");
        let environment = Environment::default();
        let finished = call(&path, &environment, Some(Duration::from_millis(100))).run().unwrap();
        assert_eq!(finished.code, 128 + libc::SIGTERM);
    }

    #[test]
    fn the_first_directory_wins_and_must_hold_a_program() {
        let dir = tempfile::tempdir().unwrap();
        let one = dir.path().join("one");
        let two = dir.path().join("two");
        for d in [&one, &two] {
            std::fs::create_dir(d).unwrap();
            script(d, "exit 0");
        }
        let dirs = [one.to_str().unwrap(), two.to_str().unwrap()];
        assert_eq!(find("script", &dirs), Some(one.join("script")));
        std::fs::set_permissions(one.join("script"), PermissionsExt::from_mode(0o644)).unwrap();
        assert_eq!(find("script", &dirs), Some(two.join("script")));
        assert_eq!(find("", &dirs), None);
    }
}
