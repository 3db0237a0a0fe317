//! Runs a program for a check: in a process group of its own, of which nothing is left when its time is over or nobody
//! waits for it any more. What it says is read to its end, and the last of it kept.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::sys::process::unmasked;

/// How long a program that was told to end may take before it is killed; and how long somebody may keep its output
/// open after its end.
const GRACE: Duration = Duration::from_secs(1);
/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(10);
/// So much of what it says is kept.
const KEPT: usize = 16 << 10;

/// How it ended.
pub(super) enum Ended {
    /// By itself; the last of what it said.
    Itself(ExitStatus, Vec<u8>),
    /// It took too long.
    TooLong,
}

/// Runs a program. What it is told, it is told on its standard input; what it says is kept only then.
pub(super) async fn run(mut command: Command, told: Option<String>, limit: Duration) -> io::Result<Ended> {
    let pipe = || if told.is_some() { Stdio::piped() } else { Stdio::null() };
    command.stdin(pipe()).stdout(pipe()).stderr(Stdio::null());
    command.process_group(0).kill_on_drop(true);
    unmasked(command.as_std_mut());
    let mut child = command.spawn()?;
    // Dropped before the child is: its number is still its own then.
    let mut group = Group(child.id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw));
    let ended = timeout(limit, talk(&mut child, told.unwrap_or_default())).await;
    match ended {
        Ok(ended) => {
            let (status, said) = ended?;
            // What it left running on purpose may go on.
            group.0 = None;
            Ok(Ended::Itself(status, said))
        }
        Err(_) => {
            group.end().await;
            drop(group);
            child.wait().await?;
            Ok(Ended::TooLong)
        }
    }
}

async fn talk(child: &mut Child, told: String) -> io::Result<(ExitStatus, Vec<u8>)> {
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let mut said = Vec::new();
    let telling = async {
        if let Some(mut input) = input {
            // It may end without having heard all.
            let _ = input.write_all(told.as_bytes()).await;
        }
    };
    let speaks = output.is_some();
    let status = {
        let (hearing, status) = (hear(output, &mut said), async { tokio::join!(telling, child.wait()).1 });
        tokio::pin!(hearing, status);
        tokio::select! {
            ended = &mut status => {
                if speaks {
                    // Somebody else may hold its output open.
                    let _ = timeout(GRACE, hearing).await;
                }
                ended
            }
            () = &mut hearing => status.await,
        }
    };
    Ok((status?, said))
}

/// Reads to the end.
async fn hear(output: Option<ChildStdout>, said: &mut Vec<u8>) {
    let Some(mut output) = output else { return std::future::pending().await };
    let mut bytes = vec![0; KEPT];
    while let Ok(count @ 1..) = output.read(&mut bytes).await {
        said.extend(bytes.get(..count).unwrap_or_default());
        let old = said.len().saturating_sub(KEPT);
        said.drain(..old);
    }
}

/// A process group. Nothing is left of it when this is dropped, unless it was taken out.
struct Group(Option<Pid>);

impl Group {
    /// Asks it to end, and waits a little. Its leader stays a zombie, so that nobody else gets its number.
    async fn end(&self) {
        let Some(pid) = self.0 else { return };
        // It may have ended by itself just now.
        let _ = killpg(pid, Signal::SIGTERM);
        let until = Instant::now() + GRACE;
        while Instant::now() < until && !has_ended(pid) {
            sleep(LOOK).await;
        }
    }
}

fn has_ended(pid: Pid) -> bool {
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    !matches!(waitid(Id::Pid(pid), look), Ok(WaitStatus::StillAlive))
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = killpg(pid, Signal::SIGKILL);
        }
    }
}
