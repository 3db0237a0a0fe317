//! One program, from its start to its end. Waits: not for a thread that must not.

use std::io::{self, PipeReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::sys::process::unmasked;

/// So much of what it writes is kept; the rest is read and dropped.
const KEPT: usize = 4 << 10;
/// From SIGTERM to SIGKILL, for a program beyond its limit.
const GRACE: Duration = Duration::from_secs(5);
/// One that does not end after SIGKILL hangs in the system: it is given up after this long.
const LAST: Duration = Duration::from_secs(5);
/// Naps while one runs.
const FIRST_NAP: Duration = Duration::from_micros(500);
const LONGEST_NAP: Duration = Duration::from_millis(20);
/// So many programs that were left behind may go on writing.
const LEFTOVERS: usize = 16;
/// What tells systemd about us, not about them.
const OURS: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// A program to be run.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Program and arguments.
    pub words: &'a [String],
    /// What it reads; nothing when empty.
    pub input: &'a str,
    /// After this long its process group is told to end.
    pub limit: Duration,
}

/// How it ended.
#[derive(Debug)]
pub enum End {
    /// By itself, or by somebody's signal.
    Exit(ExitStatus),
    /// It was told to, because it took too long. Nothing is left of its group.
    Late,
    /// Not even then. Somebody must wait for it, some day.
    Stuck(Box<Child>),
}

/// What became of it.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub end: End,
    /// The beginning of what it wrote, to standard output and standard error.
    pub output: String,
}

impl End {
    /// Why this is no success; `None` where it is one.
    pub fn failure(&self) -> Option<String> {
        match self {
            End::Exit(status) if status.success() => None,
            End::Exit(status) => Some(match (status.code(), status.signal()) {
                (Some(code), _) => format!("exit status {code}"),
                (None, signal) => format!("killed by signal {}", signal.unwrap_or_default()),
            }),
            End::Late => Some("it took too long and was ended".to_owned()),
            End::Stuck(_) => Some("it took too long and cannot be ended".to_owned()),
        }
    }
}

impl Call<'_> {
    /// Runs it in a process group of its own. An error: it could not be started.
    pub fn run(&self) -> io::Result<Finished> {
        let (reader, mut child) = self.spawn()?;
        let mut output = Output { reader, kept: Vec::new(), over: false };
        fcntl(&output.reader, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        feed(&mut child, self.input);
        let end = self.watch(child, &mut output);
        output.drain();
        Ok(Finished { end, output: output.leave() })
    }

    fn spawn(&self) -> io::Result<(PipeReader, Child)> {
        let (reader, writer) = io::pipe()?;
        let (program, arguments) = self.words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = Command::new(program);
        let input = if self.input.is_empty() { Stdio::null() } else { Stdio::piped() };
        command.args(arguments).stdin(input).stdout(writer.try_clone()?).stderr(writer).process_group(0);
        for name in OURS {
            command.env_remove(name);
        }
        let child = unmasked(&mut command).spawn()?;
        Ok((reader, child))
    }

    fn watch(&self, mut child: Child, output: &mut Output) -> End {
        let (begin, group, mut late, mut nap) = (Instant::now(), child.id(), Late::No, FIRST_NAP);
        loop {
            match (child.try_wait(), late) {
                (Ok(Some(status)), Late::No) => return End::Exit(status),
                // The others of its group have as much time as it has.
                (Ok(Some(_)), Late::Told) if signal(group, None) => {}
                (Ok(Some(_)), _) => return End::Late,
                (Ok(None), _) => {}
                (Err(_), _) => return End::Stuck(Box::new(child)),
            }
            output.drain();
            late = late.after(begin.elapsed(), self.limit, group);
            if late == Late::GivenUp {
                return End::Stuck(Box::new(child));
            }
            thread::sleep(nap);
            nap = (nap * 2).min(LONGEST_NAP);
        }
    }
}

/// How far the ending of one that takes too long has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Late {
    No,
    Told,
    Killed,
    GivenUp,
}

impl Late {
    fn after(self, elapsed: Duration, limit: Duration, group: u32) -> Late {
        match self {
            Late::No if elapsed > limit => {
                signal(group, Signal::SIGTERM);
                Late::Told
            }
            Late::Told if elapsed > limit + GRACE => {
                signal(group, Signal::SIGKILL);
                Late::Killed
            }
            Late::Killed if elapsed > limit + GRACE + LAST => Late::GivenUp,
            same => same,
        }
    }
}

/// Signals a group; `None` only asks. Whether anybody is in it. Its number is nobody else's as long as somebody is.
fn signal(group: u32, signal: impl Into<Option<Signal>>) -> bool {
    i32::try_from(group).is_ok_and(|group| killpg(Pid::from_raw(group), signal).is_ok())
}

/// Gives it what it reads. What fits into a pipe fits at once; a program that reads nothing must not hold us.
fn feed(child: &mut Child, input: &str) {
    let Some(mut pipe) = child.stdin.take() else { return };
    let _ = fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK));
    // Whether it read all of it is told by how it ends.
    let _ = pipe.write_all(input.as_bytes());
}

/// What a program writes, read without ever waiting.
struct Output {
    reader: PipeReader,
    kept: Vec<u8>,
    over: bool,
}

impl Output {
    /// Takes what is there, a bounded number of times: who never stops writing must not keep us from seeing the end.
    fn drain(&mut self) {
        let mut bytes = [0; 4096];
        for _ in 0..64 {
            match self.reader.read(&mut bytes) {
                Ok(0) => self.over = true,
                Ok(length) => {
                    let room = KEPT.saturating_sub(self.kept.len()).min(length);
                    self.kept.extend(bytes.get(..room).unwrap_or_default());
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => {}
            }
            return;
        }
    }

    /// The program has ended. What it left running may go on writing: a pipe without a reader would kill it.
    fn leave(self) -> String {
        static LEFT: AtomicUsize = AtomicUsize::new(0);
        let Output { mut reader, kept, over } = self;
        if !over && LEFT.fetch_add(1, Ordering::Relaxed) < LEFTOVERS {
            let read = move || {
                let waits = fcntl(&reader, FcntlArg::F_SETFL(OFlag::empty()));
                let _ = waits.map(|_| io::copy(&mut reader, &mut io::sink()));
                LEFT.fetch_sub(1, Ordering::Relaxed);
            };
            // Without a thread for it the pipe is closed.
            if thread::Builder::new().name("leftover".into()).spawn(read).is_err() {
                LEFT.fetch_sub(1, Ordering::Relaxed);
            }
        } else if !over {
            LEFT.fetch_sub(1, Ordering::Relaxed);
        }
        String::from_utf8_lossy(&kept).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(line: &str, input: &str, limit: Duration) -> Finished {
        let words = ["/bin/sh", "-c", line].map(ToOwned::to_owned);
        Call { words: &words, input, limit }.run().unwrap()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_program_is_fed_and_heard() {
        let finished = run("cat; echo err >&2; exit 3", "text\n", LONG);
        assert_eq!(finished.output, "text\nerr\n");
        assert_eq!(finished.end.failure().as_deref(), Some("exit status 3"));
        let finished = run("test -z \"$NOTIFY_SOCKET\" && readlink /proc/self/fd/0", "", LONG);
        assert_eq!((finished.output.as_str(), finished.end.failure()), ("/dev/null\n", None));
        assert!(Call { words: &["/nonexistent".into()], input: "", limit: LONG }.run().is_err());
    }

    #[test]
    fn who_writes_without_end_is_not_kept_whole() {
        let finished = run("yes | head -c 3000000; echo; true", "unread", LONG);
        assert_eq!((finished.output.len(), finished.end.failure()), (KEPT, None));
    }

    #[test]
    fn a_program_beyond_its_limit_is_ended_with_its_children() {
        for ignore in ["", "trap '' TERM;"] {
            let line = format!("{ignore} sleep 1000 & trap - TERM; echo $!; wait");
            let finished = run(&line, "", Duration::from_secs(1));
            assert!(matches!(finished.end, End::Late), "{finished:?}");
            let child = Pid::from_raw(finished.output.trim().parse().unwrap());
            let deadline = Instant::now() + Duration::from_secs(20);
            while nix::sys::signal::kill(child, None).is_ok() && !is_zombie(child) {
                assert!(Instant::now() < deadline, "the child lives on: {line}");
                thread::sleep(Duration::from_millis(5));
            }
        }
    }

    /// Nobody but the first process of the machine can clear it away.
    fn is_zombie(pid: Pid) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
    }

    #[test]
    fn what_it_leaves_behind_holds_nobody_and_may_go_on_writing() {
        let dir = tempfile::tempdir().unwrap();
        let (go, done) = (dir.path().join("go"), dir.path().join("done"));
        let wait = format!("while ! test -e {}; do sleep 0.01; done", go.display());
        let line = format!("({wait}; echo late; echo later && touch {}) & echo now", done.display());
        let finished = run(&line, "", LONG);
        assert_eq!((finished.output.as_str(), finished.end.failure()), ("now\n", None));
        std::fs::write(go, "").unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while !done.exists() {
            assert!(Instant::now() < deadline, "it died of a closed pipe");
            thread::sleep(Duration::from_millis(5));
        }
    }
}
