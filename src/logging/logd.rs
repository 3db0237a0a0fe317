//! The way through ha_logd: its own client `ha_logger`, one call a line (`use_logd yes`).
//!
//! ha_logd writes the process id of that client into the line. A client that does not come back, because ha_logd
//! stands still, is ended after a while; then the other targets serve for some time before it is tried again.

use super::format::{Record, Voice};
use crate::level::Level;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const CLIENTS: [&str; 2] = ["/usr/sbin/ha_logger", "/usr/bin/ha_logger"];
/// A client may take so long for one line.
const PATIENCE: Duration = Duration::from_secs(1);
/// After one that took longer none is started for this time.
const PAUSE: Duration = Duration::from_secs(10);
/// So many that cannot even be killed, and none is started any more.
const MOST_ABANDONED: usize = 4;
/// Naps while one runs.
const FIRST_NAP: Duration = Duration::from_micros(200);
const LONGEST_NAP: Duration = Duration::from_millis(10);

/// The way there, as far as it is open.
#[derive(Debug)]
pub(super) struct Logd {
    clients: Vec<PathBuf>,
    again: Option<Instant>,
    abandoned: Vec<Child>,
}

impl Default for Logd {
    fn default() -> Self {
        let clients = CLIENTS.into_iter().map(PathBuf::from).collect();
        Self { clients, again: None, abandoned: Vec::new() }
    }
}

impl Logd {
    /// Hands one line over; false when there is no client or no daemon to take it.
    pub(super) fn send(&mut self, record: &Record) -> bool {
        let Some(client) = self.clients.iter().find(|p| p.exists()) else {
            return false;
        };
        let mut command = command(client, record);
        self.abandoned.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        let closed = self.again.is_some_and(|at| Instant::now() < at);
        if closed || self.abandoned.len() >= MOST_ABANDONED {
            return false;
        }
        command.spawn().is_ok_and(|child| self.wait_for(child))
    }

    fn wait_for(&mut self, mut child: Child) -> bool {
        let (deadline, mut nap) = (Instant::now() + PATIENCE, FIRST_NAP);
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return status.success(),
                Ok(None) if Instant::now() < deadline => {}
                _ => break,
            }
            thread::sleep(nap);
            nap = (nap * 2).min(LONGEST_NAP);
        }
        let _ = child.kill();
        self.abandoned.push(child);
        self.again = Some(Instant::now() + PAUSE);
        false
    }
}

fn command(client: &Path, record: &Record) -> Command {
    let tag = match &record.voice {
        Voice::Program { name, .. } => name,
        Voice::Script { tag } => tag,
    };
    let kind = if record.level == Level::Debug { "ha-debug" } else { "ha-log" };
    let mut command = Command::new(client);
    command
        .args(["-t", tag, "-D", kind, &record.message()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn record() -> Record {
        let voice = Voice::Program { name: "heartbeat".into(), pid: 1 };
        Record { voice, level: Level::Info, worded: true, text: "x".into(), at: SystemTime::now() }
    }

    fn through(program: &str) -> Logd {
        Logd { clients: vec![program.into()], ..Logd::default() }
    }

    #[test]
    fn a_client_says_whether_the_line_was_taken() {
        assert!(through("/bin/true").send(&record()));
        assert!(!through("/bin/false").send(&record()));
        assert!(!through("/no/such/program").send(&record()));
    }

    #[test]
    fn one_that_does_not_come_back_is_given_up() {
        let mut logd = through("/bin/true");
        assert!(!logd.wait_for(Command::new("/bin/sleep").arg("1000").spawn().unwrap()));
        assert!(logd.again.is_some() && logd.abandoned.len() == 1);
        assert!(!logd.send(&record()), "not tried again at once");
        logd.again = None;
        assert!(logd.send(&record()), "tried again later");
    }
}
