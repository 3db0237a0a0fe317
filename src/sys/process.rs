//! Forks, children, and what the kernel tells of a process.
#![expect(unsafe_code, reason = "fork, signal and pre_exec have no safe wrapper")]

use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal};
use nix::unistd::{ForkResult, Pid, dup2_stderr, dup2_stdin, dup2_stdout, fork, getpid, gettid};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// What a fork made of this process.
pub enum Forked {
    /// The process that was there before, and the id of the new one.
    Parent(Pid),
    /// The new one.
    Child,
}

/// Forks. Refuses when this process has more than one thread, because the child would inherit locks that
/// nobody opens any more.
pub fn fork_single_threaded() -> io::Result<Forked> {
    alone("fork")?;
    // SAFETY: this is the only thread, so no lock is held by another one.
    match unsafe { fork() } {
        Ok(ForkResult::Parent { child }) => Ok(Forked::Parent(child)),
        Ok(ForkResult::Child) => Ok(Forked::Child),
        Err(errno) => Err(errno.into()),
    }
}

/// Sets a variable of the environment, for this process and all that it starts. Refuses when there is more than one
/// thread: another may read the environment at the same time.
pub fn set_variable(name: &str, value: &str) -> io::Result<()> {
    alone("set a variable")?;
    // SAFETY: this is the only thread, so nobody else reads the environment or changes it.
    unsafe { std::env::set_var(name, value) };
    Ok(())
}

/// Whether this thread is the only one.
fn alone(what: &str) -> io::Result<()> {
    match std::fs::read_dir("/proc/self/task")?.count() {
        1 => Ok(()),
        threads => Err(io::Error::other(format!("cannot {what}: {threads} threads run"))),
    }
}

/// Standard input, output and errors lead nowhere from now on.
pub fn let_go_of_terminal() -> io::Result<()> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    dup2_stdin(&null)?;
    dup2_stdout(&null)?;
    dup2_stderr(&null)?;
    Ok(())
}

/// The program of a process, by the path it had before an upgrade took the file away. `NotFound`: the process is ending
/// and has none any more, or there is none.
pub fn program_of(pid: Pid) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).map(|path| without_deleted(&path))
}

/// The same of this process.
pub fn this_program() -> io::Result<PathBuf> {
    std::env::current_exe().map(|path| without_deleted(&path))
}

fn without_deleted(path: &Path) -> PathBuf {
    let text = path.as_os_str().as_bytes();
    PathBuf::from(OsStr::from_bytes(text.strip_suffix(b" (deleted)").unwrap_or(text)))
}

/// What `/proc/PID/stat` tells of a process, from the third field of proc(5) on: its state, its parent and so forth.
pub fn stat_fields(pid: Pid) -> io::Result<Vec<String>> {
    let stat = fs::read(format!("/proc/{pid}/stat"))?;
    Ok(fields(&String::from_utf8_lossy(&stat)))
}

/// The second field is the name in parentheses, which may hold anything, blanks and parentheses too.
fn fields(stat: &str) -> Vec<String> {
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    behind.split_whitespace().map(str::to_owned).collect()
}

/// Lets the ends of children be noticed, whatever the caller of this program had set: who inherits an
/// ignored SIGCHLD has children that vanish without a word.
pub fn notice_children() -> io::Result<()> {
    // SAFETY: the default action runs no code of ours.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
    Ok(())
}

/// Makes a program start with no signal held back; it would inherit what this thread holds back.
pub fn unmasked(command: &mut Command) -> &mut Command {
    // SAFETY: between fork and exec only one system call is made, which allocates nothing.
    unsafe { command.pre_exec(|| Ok(SigSet::all().thread_unblock()?)) }
}

/// Starts a program with no signal held back, from a thread that holds some back, without a fork of the whole memory.
/// Not so from the first thread: what waits there waits for somebody who is to come.
pub fn spawn_unmasked(command: &mut Command) -> io::Result<Child> {
    if gettid() == getpid() {
        return command.spawn();
    }
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_UNBLOCK)?;
    let child = command.spawn();
    mask.thread_set_mask()?;
    child
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Stdio;

    #[test]
    fn an_upgraded_program_keeps_its_name() {
        assert_eq!(without_deleted(Path::new("/usr/sbin/x (deleted)")), Path::new("/usr/sbin/x"));
        assert_eq!(without_deleted(Path::new("/usr/sbin/x")), Path::new("/usr/sbin/x"));
        assert_eq!(program_of(Pid::this()).unwrap(), this_program().unwrap());
    }

    #[test]
    fn fields_begin_behind_a_name_of_any_kind() {
        assert_eq!(fields("4711 (a) b) S 1 4711\n"), ["S", "1", "4711"]);
        assert!(fields("4711 (a").is_empty());
        let parent = stat_fields(Pid::this()).unwrap().get(1).and_then(|pid| pid.parse().ok());
        assert_eq!(parent, Some(Pid::parent().as_raw()));
    }

    #[test]
    fn a_program_holds_nothing_back_and_its_starter_does_still() {
        let starter = || {
            [Signal::SIGUSR2].into_iter().collect::<SigSet>().thread_block().unwrap();
            let mut command = Command::new("grep");
            command.args(["SigBlk", "/proc/self/status"]).stdout(Stdio::piped());
            let output = spawn_unmasked(&mut command).unwrap().wait_with_output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), "SigBlk:\t0000000000000000\n");
            assert!(SigSet::thread_get_mask().unwrap().contains(Signal::SIGUSR2));
        };
        // Not the first thread, which a test may run on.
        std::thread::spawn(starter).join().unwrap();
    }
}
