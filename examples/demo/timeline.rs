//! What happens, as it happens: one line an event, with the time since the beginning.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::lab::{Failure, Lab, wait_until};

/// The lines of heartbeat's log that tell the story.
const TOLD: [&str; 8] = [
    "Status update for node",
    "is dead",
    "Resources being acquired",
    "takeover complete",
    "Acquiring resource group",
    "Releasing resource group",
    "wants to go standby",
    "Other node completed standby",
];

/// How often a log is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// An answer to the client that was news: from whom, and milliseconds since the one before.
type Answer = (String, u64);

/// The clock, the client, and the eyes on both logs.
pub(crate) struct Timeline {
    shared: Arc<Shared>,
    client: Child,
}

struct Shared {
    begin: Instant,
    answers: Mutex<Vec<Answer>>,
}

impl Shared {
    fn print(&self, who: &str, what: &str) {
        println!("{:>7.3} s  {who:<6}  {what}", self.begin.elapsed().as_secs_f64());
    }
}

impl Timeline {
    /// The clock starts, the client asks.
    pub(crate) fn begin(lab: &Lab, address: &str) -> Result<Self, Failure> {
        let shared = Arc::new(Shared { begin: Instant::now(), answers: Mutex::default() });
        let program = std::env::current_exe()?;
        let mut client = lab
            .client()
            .command(&program.to_string_lossy())
            .args(["client", address])
            .stdout(Stdio::piped())
            .spawn()?;
        if let Some(output) = client.stdout.take() {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                BufReader::new(output)
                    .lines()
                    .map_while(Result::ok)
                    .for_each(|line| hear_client(&shared, &line))
            });
        }
        for node in lab.nodes() {
            let (log, name) = (node.stage().path(crate::lab::node::LOG), node.name());
            let shared = Arc::downgrade(&shared);
            thread::spawn(move || {
                follow(log, |line| shared.upgrade().map(|shared| hear_log(&shared, &name, line)))
            });
        }
        Ok(Self { shared, client })
    }

    /// What the audience should know.
    pub(crate) fn say(&self, what: &str) {
        self.shared.print("---", what);
    }

    /// Wait until the client gets the page from this node, after whatever it got before; the gap.
    pub(crate) fn page_from(&self, node: &str, within: Duration) -> Result<u64, Failure> {
        let mut gap = 0;
        wait_until(&format!("page from {node}"), within, || {
            match self.shared.answers.lock().ok().and_then(|answers| answers.last().cloned()) {
                Some((name, since)) if name == node => {
                    gap = since;
                    Ok(())
                }
                last => Err(format!("the last news was {last:?}")),
            }
        })?;
        Ok(gap)
    }
}

impl Drop for Timeline {
    fn drop(&mut self) {
        // an error says that it is gone already
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

/// Every line of a growing file, from its beginning, until `hear` has had enough.
fn follow(path: PathBuf, hear: impl Fn(&str) -> Option<()>) {
    let file = loop {
        match File::open(&path) {
            Ok(file) => break file,
            Err(_) if hear("").is_none() => return,
            Err(_) => thread::sleep(LOOK),
        }
    };
    let mut reader = BufReader::new(file);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok() {
        if line.ends_with('\n') {
            if hear(line.trim_end()).is_none() {
                return;
            }
            line.clear();
        } else {
            if hear("").is_none() {
                return;
            }
            thread::sleep(LOOK);
        }
    }
}

fn hear_client(shared: &Shared, line: &str) {
    let Some((name, gap)) = line.split_once(' ') else { return };
    let gap = gap.parse().unwrap_or(0);
    let Ok(mut answers) = shared.answers.lock() else { return };
    let what = match answers.last() {
        None => format!("gets the page for the first time, from {name}"),
        Some(_) => format!("gets the page from {name}, after {gap} ms without it"),
    };
    shared.print("client", &what);
    answers.push((name.to_owned(), gap));
}

/// A log line without its time stamp and level, if it belongs to the story.
fn hear_log(shared: &Shared, node: &str, line: &str) {
    if !TOLD.iter().any(|told| line.contains(told)) {
        return;
    }
    let text =
        ["info: ", "WARN: "].iter().find_map(|level| line.split_once(level)).map_or(line, |(_, text)| text);
    shared.print(node, text);
}
