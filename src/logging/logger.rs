//! The handle everybody logs through, and the one thread behind it.

use super::format::{Record, Voice, one_line};
use super::pen::Pen;
use super::settings::Settings;
use super::targets::Targets;
use crate::level::Level;
use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A cheap handle on a log. Clones share the targets; [`Logger::script`] changes the voice.
#[derive(Clone, Debug)]
pub struct Logger {
    voice: Voice,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    sink: Sink,
    debug: AtomicU8,
}

#[derive(Debug)]
enum Sink {
    /// Written by the caller, for short-lived tools and for the time before the daemon forks.
    Direct(Box<Mutex<Targets>>),
    /// Written by the log thread. In a box: the room for all that may wait is made at the start.
    Thread(Pen<Box<Record>>),
}

impl Logger {
    /// A log written in place. `name` is the entity of its lines.
    pub fn direct(name: &str, settings: Settings) -> Self {
        let debug = settings.debug;
        Self::over(name, debug, Sink::Direct(Box::new(Mutex::new(Targets::new(settings)))))
    }

    /// A log written by a thread of its own; no call waits for it. Make it after the last fork. Behind a real-time
    /// thread it is to be `preferred` before ordinary ones.
    pub fn background(name: &str, settings: Settings, preferred: bool) -> io::Result<Self> {
        let debug = settings.debug;
        let mut targets = Targets::new(settings);
        let write = move |records: Vec<Box<Record>>| records.iter().for_each(|record| targets.write(record));
        Ok(Self::over(name, debug, Sink::Thread(Pen::start("log", preferred, write)?)))
    }

    fn over(name: &str, debug: u8, sink: Sink) -> Self {
        let voice = Voice::Program { name: name.into(), pid: std::process::id() };
        Self { voice, shared: Arc::new(Shared { sink, debug: AtomicU8::new(debug) }) }
    }

    /// The same log in the voice of a script: tag `NAME(INSTANCE)[PID]`, lines as `ha_log` writes them.
    #[must_use]
    pub fn script(&self, name: &str, instance: &str) -> Self {
        let tag = format!("{name}({instance})[{}]", std::process::id()).into();
        Self { voice: Voice::Script { tag }, shared: Arc::clone(&self.shared) }
    }

    /// The same log in the voice of another program.
    #[must_use]
    pub fn program(&self, name: &str, pid: u32) -> Self {
        Self { voice: Voice::Program { name: name.into(), pid }, shared: Arc::clone(&self.shared) }
    }

    /// Says one line. Lines of level debug pass only while [`Logger::debug_level`] is above 0.
    pub fn log(&self, level: Level, text: &str) {
        self.put(level, true, text);
    }

    /// Says one line whose text brings its own word for the level, or none, as some scripts of the reference do.
    pub fn bare(&self, level: Level, text: &str) {
        self.put(level, false, text);
    }

    /// The current debug level.
    pub fn debug_level(&self) -> u8 {
        self.shared.debug.load(Ordering::Relaxed)
    }

    /// Changes the debug level of all handles (SIGUSR1, SIGUSR2).
    pub fn set_debug_level(&self, level: u8) {
        self.shared.debug.store(level, Ordering::Relaxed);
    }

    fn put(&self, level: Level, worded: bool, text: &str) {
        if level == Level::Debug && self.debug_level() == 0 {
            return;
        }
        let record = self.record(level, worded, one_line(text));
        match &self.shared.sink {
            Sink::Direct(targets) => targets.lock().unwrap_or_else(PoisonError::into_inner).write(&record),
            Sink::Thread(pen) => {
                let length = record.text.len();
                pen.say(Box::new(record), length, |count| self.lost(count));
            }
        }
    }

    fn record(&self, level: Level, worded: bool, text: String) -> Record {
        Record { voice: self.voice.clone(), level, worded, text, at: SystemTime::now() }
    }

    fn lost(&self, count: u64) -> Box<Record> {
        Box::new(self.record(Level::Warn, true, String::new()).lost(count))
    }

    /// Waits until what was said so far is written, at most `patience`. True when it is.
    pub fn flush(&self, patience: Duration) -> bool {
        let Sink::Thread(pen) = &self.shared.sink else {
            return true;
        };
        pen.finish(patience, |count| self.lost(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(dir: &std::path::Path) -> Settings {
        Settings {
            host: "b1".into(),
            logfile: Some(dir.join("ha-log")),
            debugfile: Some(dir.join("ha-debug")),
            ..Settings::default()
        }
    }

    #[test]
    fn debug_goes_to_the_debug_file_only() {
        let dir = tempfile::tempdir().unwrap();
        let log = Logger::background("heartbeat", settings(dir.path()), false).unwrap();
        log.log(Level::Debug, "unheard");
        log.set_debug_level(1);
        log.log(Level::Debug, "for the developer");
        log.log(Level::Info, "for all");
        log.script("harc", "default").log(Level::Info, "Running it");
        assert!(log.flush(Duration::from_secs(5)));
        let logged = std::fs::read_to_string(dir.path().join("ha-log")).unwrap();
        let debugged = std::fs::read_to_string(dir.path().join("ha-debug")).unwrap();
        assert_eq!((logged.lines().count(), debugged.lines().count()), (2, 3));
        assert!(logged.contains("info: for all") && !logged.contains("developer"));
        assert!(debugged.contains("debug: for the developer") && !debugged.contains("unheard"));
    }

    #[test]
    fn what_was_lost_is_told_as_a_warning() {
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let there = Arc::clone(&told);
        let write = move |records: Vec<Box<Record>>| {
            let _ = gate.recv();
            there.lock().unwrap().extend(records.iter().map(|record| record.message()));
        };
        let log = Logger::over("heartbeat", 0, Sink::Thread(Pen::start("log", false, write).unwrap()));
        // The thread may have taken as many as may wait before it stands still.
        (0..20_000).for_each(|i| log.log(Level::Info, &format!("line {i}")));
        assert!(!log.flush(Duration::from_millis(30)), "it is stuck");
        drop(go);
        assert!(log.flush(Duration::from_secs(20)));
        let told = told.lock().unwrap();
        assert_eq!(told[0], "info: line 0");
        let lost =
            told.iter().filter_map(|line| line.strip_prefix("WARN: ")?.strip_suffix(" log lines lost"));
        let lost: Vec<usize> = lost.map(|count| count.parse().unwrap()).collect();
        assert!(!lost.is_empty());
        assert_eq!(told.len() - lost.len() + lost.iter().sum::<usize>(), 20_000, "{lost:?}");
    }

    #[test]
    fn one_file_for_both_gets_each_line_once() {
        let dir = tempfile::tempdir().unwrap();
        let both = dir.path().join("log");
        let log = Logger::direct(
            "heartbeat",
            Settings {
                logfile: Some(both.clone()),
                debugfile: Some(both.clone()),
                debug: 1,
                ..Settings::default()
            },
        );
        log.log(Level::Info, "a");
        log.log(Level::Debug, "b");
        assert_eq!(std::fs::read_to_string(both).unwrap().lines().count(), 2);
    }
}
