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

use super::pen::Pen;
use crate::logging::format::one_line;
pub use place::Place;
use place::Writer;
pub(in crate::director) use place::append;

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
    Thread(Pen<Arc<Place>>),
}

impl Log {
    /// A log that is written in place. `instance` is the name of the configuration as it was given.
    pub fn direct(instance: &str, place: Place) -> Log {
        Log::over(instance, place, Sink::Direct(Mutex::default()))
    }

    /// The same, written by a thread. To be made after the last fork.
    pub fn background(instance: &str, place: Place) -> io::Result<Log> {
        let mut writer = Writer::default();
        let pen = Pen::start("log", move |place: &Arc<Place>, lines: &str| writer.write(place, lines))?;
        Ok(Log::over(instance, place, Sink::Thread(pen)))
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
        let place = self.place();
        let line = self.spelt(&place, &one_line(text));
        match &self.0.sink {
            Sink::Direct(writer) => {
                writer.lock().unwrap_or_else(PoisonError::into_inner).write(&place, &format!("{line}\n"));
            }
            Sink::Thread(pen) => {
                self.tell_lost(pen, &place);
                if !pen.put(place, line) {
                    pen.lose(1);
                }
            }
        }
    }

    fn place(&self) -> Arc<Place> {
        Arc::clone(&self.0.place.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn spelt(&self, place: &Place, text: &str) -> String {
        place.line(SystemTime::now(), &self.0.instance, text)
    }

    /// The first line that fits again is the number of those that did not.
    fn tell_lost(&self, pen: &Pen<Arc<Place>>, place: &Arc<Place>) {
        let lost = pen.take_lost();
        let line = || self.spelt(place, &format!("{lost} log lines lost"));
        if lost > 0 && !pen.put(Arc::clone(place), line()) {
            pen.lose(lost);
        }
    }

    /// Waits until what was said so far is written, at most `patience`. True when it is.
    pub fn flush(&self, patience: Duration) -> bool {
        let Sink::Thread(pen) = &self.0.sink else { return true };
        self.tell_lost(pen, &self.place());
        pen.flush(patience)
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

    /// A place that takes nothing stands for a disk that stands still.
    #[test]
    fn what_was_lost_is_told() {
        // The thread may have taken as many as may wait before it stands still.
        const LINES: usize = 20_000;
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let told: Arc<Mutex<String>> = Arc::default();
        let there = Arc::clone(&told);
        let pen = Pen::start("log", move |_: &Arc<Place>, lines: &str| {
            let _ = gate.recv();
            there.lock().unwrap().push_str(lines);
        });
        let log = Log::over("x", Place::Stderr, Sink::Thread(pen.unwrap()));
        (0..LINES).for_each(|n| log.say(&n.to_string()));
        drop(go);
        assert!(log.flush(Duration::from_secs(20)));
        log.say("later");
        assert!(log.flush(Duration::from_secs(20)));
        let told = told.lock().unwrap();
        let lost: Vec<&str> = told.lines().filter(|line| line.ends_with("log lines lost")).collect();
        let written = told.lines().filter(|line| line.parse::<u64>().is_ok()).count();
        let counted: usize =
            lost.iter().map(|line| line.split(' ').next().unwrap().parse::<usize>().unwrap()).sum();
        assert_eq!(written + counted, LINES, "{lost:?}");
        assert!(counted > 0 && told.ends_with("later\n"));
    }
}
