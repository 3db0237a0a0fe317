//! A program decides: exit status 0 is up. No shell is between.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
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
    // Whoever drops us halfway leaves no program behind.
    command.kill_on_drop(true);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(e) => return Outcome::down(format!("exec({}) failed: {e}", words.join(", "))),
    };
    match timeout(limit, child.wait()).await {
        Ok(Ok(status)) if status.success() => Outcome::up("-"),
        Ok(Ok(status)) => Outcome::down(status.to_string()),
        Ok(Err(e)) => Outcome::down(e.to_string()),
        Err(_) => {
            end(&mut child).await;
            let line = format!(
                "system_timeout({}, {}) timed out, kill -TERM child",
                limit.as_secs(),
                words.join(" ")
            );
            Outcome::down(line)
        }
    }
}

/// Asks it to end, and sees that it does.
async fn end(child: &mut Child) {
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        // It may have ended by itself just now.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
    if timeout(GRACE, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}
