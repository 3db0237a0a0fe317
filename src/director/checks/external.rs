//! A program decides: exit status 0 is up. No shell is between.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::Outcome;

/// How long a program that was told to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(1);

pub(super) async fn external(words: &[String], limit: Duration) -> Outcome {
    let Some((program, arguments)) = words.split_first() else { return Outcome::down("no program") };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // A group of its own: what a script has started ends with it.
    command.process_group(0).kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => return Outcome::down(format!("exec({}) failed: {e}", words.join(", "))),
    };
    let mut group = Group(child.id().and_then(|pid| i32::try_from(pid).ok()).map(Pid::from_raw));
    let Ok(ended) = timeout(limit, child.wait()).await else {
        end(&mut child, &mut group).await;
        let (limit, words) = (limit.as_secs(), words.join(" "));
        return Outcome::down(format!("system_timeout({limit}, {words}) timed out, kill -TERM child"));
    };
    group.is_over();
    match ended {
        Ok(status) if status.success() => Outcome::up("-"),
        Ok(status) => Outcome::down(status.to_string()),
        Err(e) => Outcome::down(e.to_string()),
    }
}

/// Asks it to end, and sees that it does.
async fn end(child: &mut Child, group: &mut Group) {
    group.signal(Signal::SIGTERM);
    if timeout(GRACE, child.wait()).await.is_err() {
        group.signal(Signal::SIGKILL);
        let _ = child.wait().await;
    }
    group.is_over();
}

/// A program and what it has started. Whoever is dropped halfway leaves nothing of it behind.
struct Group(Option<Pid>);

impl Group {
    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.0 {
            // It may have ended by itself just now.
            let _ = killpg(leader, signal);
        }
    }

    /// The program was waited for: its number may soon be another's.
    fn is_over(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}
