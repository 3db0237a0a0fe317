//! The log of ldirectord (ldirectord.md section 14): one line for each thing that happened, in the reference's form.
//!
//! | file | what it knows |
//! |---|---|
//! | [`line`](mod@line) | how lines are spelt; pure |
//! | `place` | where they go, and putting them there |
//!
//! A verb that ends soon writes in place ([`Log::direct`]); the daemon hands lines to a thread ([`Log::background`]),
//! and no call waits for a disk. Which words are said is decided elsewhere.

pub mod line;
mod place;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::logging::Pen;
use crate::logging::format::one_line;
pub use place::Place;
use place::Writer;
pub(in crate::director) use place::{append, together};

/// A cheap handle on the log.
#[derive(Clone, Debug)]
pub struct Log(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    instance: String,
    /// Taken with each line: lines that were said before a reload go where they belonged.
    place: Mutex<Arc<Place>>,
    sink: Sink,
}

#[derive(Debug)]
enum Sink {
    Direct(Mutex<Writer>),
    Thread(Pen<Line>),
}

/// A whole line, and where it goes.
type Line = (Arc<Place>, String);

impl Log {
    /// A log that is written in place. `instance` is the name of the configuration as it was given.
    pub fn direct(instance: &str, place: Place) -> Log {
        Log::over(instance, place, Sink::Direct(Mutex::default()))
    }

    /// The same, written by a thread. To be made after the last fork.
    pub fn background(instance: &str, place: Place) -> io::Result<Log> {
        let mut writer = Writer::default();
        let write = move |lines: Vec<Line>| together(&lines, |place, text| writer.write(place, text));
        Ok(Log::over(instance, place, Sink::Thread(Pen::start("log", false, write)?)))
    }

    fn over(instance: &str, place: Place, sink: Sink) -> Log {
        Log(Arc::new(Shared { instance: instance.to_owned(), place: Mutex::new(Arc::new(place)), sink }))
    }

    /// From here on lines go there.
    pub fn turn_to(&self, place: Place) {
        *self.0.place.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(place);
    }

    /// Says one line. Control characters in it become blanks.
    pub fn say(&self, text: &str) {
        let (place, line) = self.line(&one_line(text));
        match &self.0.sink {
            Sink::Direct(writer) => {
                writer.lock().unwrap_or_else(PoisonError::into_inner).write(&place, &line);
            }
            Sink::Thread(pen) => {
                let length = line.len();
                pen.say((place, line), length, |count| self.lost(count));
            }
        }
    }

    fn line(&self, text: &str) -> Line {
        let place = Arc::clone(&self.0.place.lock().unwrap_or_else(PoisonError::into_inner));
        let line = place.line(SystemTime::now(), &self.0.instance, text) + "\n";
        (place, line)
    }

    fn lost(&self, count: u64) -> Line {
        self.line(&format!("{count} log lines lost"))
    }

    /// Waits until what was said so far is written, at most `patience`. True when it is.
    pub fn flush(&self, patience: Duration) -> bool {
        let Sink::Thread(pen) = &self.0.sink else { return true };
        pen.finish(patience, |count| self.lost(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_where_they_belonged_when_they_were_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let log = Log::background("web.cf", Place::File(path("one"))).unwrap();
        log.say("first\nof all");
        log.turn_to(Place::File(path("two")));
        log.say("second");
        assert!(log.flush(Duration::from_secs(20)));
        let read = |name: &str| std::fs::read_to_string(path(name)).unwrap();
        let tail = |text: &str| format!("|web.cf|{}] {text}\n", std::process::id());
        assert!(read("one").ends_with(&tail("first of all")), "{}", read("one"));
        assert!(read("two").ends_with(&tail("second")) && read("two").lines().count() == 1);
        let direct = Log::direct("web.cf", Place::File(path("two")));
        direct.say("third");
        assert!(read("two").ends_with(&tail("third")));
    }

    #[test]
    fn what_was_lost_is_told() {
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let told: Arc<Mutex<String>> = Arc::default();
        let there = Arc::clone(&told);
        let write = move |lines: Vec<Line>| {
            let _ = gate.recv();
            lines.iter().for_each(|(_, line)| there.lock().unwrap().push_str(line));
        };
        let log = Log::over("x", Place::Stderr, Sink::Thread(Pen::start("log", false, write).unwrap()));
        // The thread may have taken as many as may wait before it stands still.
        (0..20_000).for_each(|n| log.say(&n.to_string()));
        drop(go);
        assert!(log.flush(Duration::from_secs(20)));
        let told = told.lock().unwrap();
        let (written, lost): (Vec<&str>, _) = told.lines().partition(|line| line.parse::<u64>().is_ok());
        assert!(lost.iter().all(|line| line.ends_with(" log lines lost")), "{lost:?}");
        let counts = lost.iter().filter_map(|line| line.split(' ').next()?.parse::<usize>().ok());
        let lost = counts.sum::<usize>();
        assert!(lost > 0 && written.len() + lost == 20_000, "{lost}");
    }
}
