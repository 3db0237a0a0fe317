//! Monitor files: each check of a virtual service adds a line to its file, for programs that draw pictures of it
//! (ldirectord.md section 13.3). A thread of its own writes them. Trouble is told in the log when it begins, and
//! when it is over; nothing else comes of it.

mod line;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::log::{Log, append, together};
use crate::logging::Pen;

/// A handle on the thread.
#[derive(Clone, Debug)]
pub struct Monitor(Pen<(Arc<str>, String)>);

impl Monitor {
    /// Starts the thread. To be done after the last fork.
    pub fn start(log: Log) -> io::Result<Monitor> {
        let mut troubles = Troubles { log, lines: BTreeMap::new() };
        let mut write = move |file: &Arc<str>, lines: &str| {
            troubles.note(file, lines, append(Path::new(&**file), lines));
        };
        Pen::start("monitor", false, move |lines| together(&lines, &mut write)).map(Monitor)
    }

    /// A check came to its end. `identity` is [`Virtual::check_identity`](super::config::Virtual::check_identity),
    /// `text` what the check said; no line is made of one that says nothing. Never waits.
    pub fn note(&self, file: &str, identity: &str, up: bool, text: &str) {
        if text.is_empty() {
            return;
        }
        let line = line::line(SystemTime::now(), std::process::id(), identity, up, text) + "\n";
        let length = line.len();
        // One of thousands: the next round brings another.
        let _ = self.0.put((Arc::from(file), line), length);
    }

    /// Waits until all lines are written, at most `patience`. True when they are.
    pub fn flush(&self, patience: Duration) -> bool {
        self.0.flush(patience)
    }
}

/// Files that could not be written, and how many lines each has not got.
struct Troubles {
    log: Log,
    lines: BTreeMap<Arc<str>, usize>,
}

impl Troubles {
    fn note(&mut self, file: &Arc<str>, lines: &str, written: io::Result<()>) {
        match written {
            Ok(()) => {
                if let Some(lost) = self.lines.remove(file) {
                    self.log
                        .say(&format!("monitorfile {file} can be written again, {lost} lines are missing"));
                }
            }
            Err(why) => {
                let first = !self.lines.contains_key(file);
                *self.lines.entry(Arc::clone(file)).or_default() += lines.lines().count();
                if first {
                    self.log.say(&format!("unable to write monitorfile {file}: {why}"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::director::log::Place;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn trouble_is_told_once_and_ends() {
        let dir = tempfile::tempdir().unwrap();
        let log_file = dir.path().join("log");
        let monitor = Monitor::start(Log::direct("x", Place::File(log_file.clone()))).unwrap();
        let home = dir.path().join("later");
        let file = home.join("monitor").to_string_lossy().into_owned();
        for _ in 0..3 {
            monitor.note(&file, "connect:tcp:10.0.0.1:80:::1:gate:\\/:", true, "-");
            assert!(monitor.flush(PATIENCE));
        }
        monitor.note(&file, "on", true, "");
        std::fs::create_dir(&home).unwrap();
        monitor.note(&file, "connect:tcp:10.0.0.1:80:::1:gate:\\/:", false, "-");
        assert!(monitor.flush(PATIENCE));
        let told = std::fs::read_to_string(log_file).unwrap();
        let said: Vec<&str> = told.lines().map(|line| line.split("] ").nth(1).unwrap()).collect();
        assert_eq!(said.len(), 2, "{told}");
        assert!(
            said[0].starts_with("unable to write monitorfile") && said[1].ends_with("3 lines are missing")
        );
        let written = std::fs::read_to_string(file).unwrap();
        assert!(
            written.ends_with("connect tcp 10.0.0.1 80 1 gate /  [down] -\n") && written.lines().count() == 1
        );
    }
}
