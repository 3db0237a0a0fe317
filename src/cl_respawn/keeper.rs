//! The keeper: one process, which waits for its child or for a signal and does nothing else.

use super::options::{self, Asked, HELP, Options};
use super::pidfile;
use crate::getopt;
use crate::level::Level;
use crate::logging::{self, Facility, Logger, Settings};
use crate::sys::process::{let_go_of_terminal, notice_children, unmasked};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{AccessFlags, Pid, access, setsid};
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Exit codes: a wrong command line, and a pid file that cannot be written.
const USAGE: i32 = 2;
const FAILED: i32 = 1;
/// A program that ran shorter than this twice in a row waits so long before it runs again. The reference
/// does not wait, and fills a processor and the log.
const SHORT: Duration = Duration::from_secs(1);

/// Runs cl_respawn(1) and gives its exit code.
pub fn main() -> i32 {
    let mut words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let own_name = words.next().unwrap_or_default();
    let words: Vec<String> = words.collect();
    let log = logger(true);
    match options::read(&words) {
        Asked::Help => help(0),
        Asked::Nothing => help(USAGE),
        Asked::Wrong(complaint) => {
            let _ = io::stderr().write_all(&getopt::line(own_name.as_bytes(), &complaint));
            log.log(Level::Error, "getopt returnedcharacter code ?.");
            help(USAGE)
        }
        Asked::Keep(options) => keep(&options, &log),
    }
}

fn help(code: i32) -> i32 {
    // A reader that has gone away is no failure.
    let _ = io::stdout().write_all(HELP.as_bytes());
    code
}

fn logger(stderr: bool) -> Logger {
    let facility = Facility::parse("daemon");
    Logger::direct("cl_respawn", Settings { host: logging::host(), facility, stderr, ..Settings::default() })
}

fn keep(options: &Options, log: &Logger) -> i32 {
    let Some((program, arguments)) = options.command.split_first().filter(|(p, _)| runnable(p)) else {
        let text = "Please give the program name which will be run as a child process of cl_respawn.";
        log.log(Level::Error, text);
        return help(USAGE);
    };
    if let Some(path) = options.pidfile.as_deref() {
        if let Some(pid) = pidfile::holder(Path::new(path)) {
            let text = format!("pidfile [{path}] says we're already running as pid [{pid}]");
            log.log(Level::Warn, &text);
            return 0;
        }
        if let Err(error) = pidfile::claim(Path::new(path)) {
            log.log(Level::Error, &format!("Cannot create pidfile [{path}]: {error}"));
            return FAILED;
        }
    }
    // Before the working directory changes: the reference forgets where a relative name led to.
    let file = std::path::absolute(program).unwrap_or_else(|_| program.into());
    let mut command = Command::new(file);
    unmasked(&mut command).args(arguments);
    if let Err(error) = settle() {
        log.log(Level::Error, &format!("cannot leave the terminal: {error}"));
        return FAILED;
    }
    Keeper { command, program, magic: options.magic, log: logger(false) }.run()
}

/// A file that may be executed; the reference looks for it where the name says, not along PATH.
fn runnable(program: &str) -> bool {
    Path::new(program).is_file() && access(program, AccessFlags::X_OK).is_ok()
}

/// The signals it waits for; SIGHUP does nothing.
fn signals() -> SigSet {
    [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD].into_iter().collect()
}

/// A daemon in all but this: it stays the child of who called it.
fn settle() -> io::Result<()> {
    signals().thread_block()?;
    notice_children()?;
    std::env::set_current_dir("/")?;
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    // Fails for the leader of a process group, which a shell's job is.
    let _ = setsid();
    let_go_of_terminal()
}

struct Keeper<'a> {
    command: Command,
    program: &'a str,
    magic: i32,
    log: Logger,
}

impl Keeper<'_> {
    fn run(&mut self) -> i32 {
        let (mut last, mut told) = (None, false);
        loop {
            let began = Instant::now();
            match self.command.spawn() {
                Ok(mut child) => {
                    self.tell_start(child.id(), &mut told);
                    let Some(status) = attend(&mut child) else { return 0 };
                    if self.is_over(child.id(), status) {
                        return 0;
                    }
                }
                Err(error) => self.log.log(Level::Error, &format!("Cannot exec {}: {error}", self.program)),
            }
            let ran = began.elapsed();
            if ran < SHORT && last.is_some_and(|last| last < SHORT) {
                sleep(SHORT);
            }
            last = Some(ran);
        }
    }

    fn tell_start(&self, pid: u32, told: &mut bool) {
        let program = self.program;
        self.log.log(Level::Info, &format!("Child process [{program}] started [ pid: {pid} ]."));
        if *told {
            self.log.log(Level::Notice, &format!("restarted the monitored program, whose PID  is {pid}"));
            return;
        }
        *told = true;
        self.log.log(Level::Notice, &format!("started the monitored program {program}, whose PID is {pid}"));
        // Nothing here speaks its protocol.
        self.log.log(Level::Warn, "Failed to register with apphbd.");
        self.log.log(Level::Warn, "Maybe apphd isn't running.");
    }

    /// Tells how it ended, and whether that was for good.
    fn is_over(&self, pid: u32, status: ExitStatus) -> bool {
        let program = self.program;
        let managed = format!("Managed {program} process {pid}");
        let Some(code) = status.code() else {
            let signal = status.signal().unwrap_or_default();
            self.log.log(Level::Warn, &format!("{managed} killed by signal {signal}."));
            return false;
        };
        let level = if code == 0 { Level::Info } else { Level::Warn };
        self.log.log(level, &format!("{managed} exited with return code {code}."));
        let over = code == self.magic;
        let text = match over {
            true => format!(
                "Don't restart the monitored program {program} [{pid}], since we got the magic exit code."
            ),
            false => format!("process {program}[{pid}] exited, and its exit code is {code}"),
        };
        self.log.log(Level::Info, &text);
        over
    }
}

/// Waits for the end of the child; `None` when it is to be ended, which it then is.
fn attend(child: &mut Child) -> Option<ExitStatus> {
    let signals = signals();
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if signals.wait() == Ok(Signal::SIGTERM) {
            let _ = kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM);
            return None;
        }
    }
}
