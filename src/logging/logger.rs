//! The handle everybody logs through, and the one thread behind it.

use super::format::{Record, Voice, one_line};
use super::settings::Settings;
use super::targets::Targets;
use crate::level::Level;
use crate::sys::realtime;
use std::io;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// Lines that may wait for a slow disk before lines are lost.
const QUEUE: usize = 4096;

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
    lost: AtomicU64,
}

#[derive(Debug)]
enum Sink {
    /// Written by the caller, for short-lived tools and for the time before the daemon forks.
    Direct(Box<Mutex<Targets>>),
    /// Written by the log thread.
    Thread(SyncSender<Order>),
}

enum Order {
    /// In a box: the room for all that may wait is made at the start.
    Write(Box<Record>),
    Flush(SyncSender<()>),
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
        let targets = Targets::new(settings);
        let (sender, receiver) = sync_channel(QUEUE);
        let run = move || {
            if preferred {
                realtime::prefer();
            }
            write_all(targets, &receiver);
        };
        thread::Builder::new().name("log".into()).spawn(run)?;
        Ok(Self::over(name, debug, Sink::Thread(sender)))
    }

    fn over(name: &str, debug: u8, sink: Sink) -> Self {
        let voice = Voice::Program { name: name.into(), pid: std::process::id() };
        Self {
            voice,
            shared: Arc::new(Shared { sink, debug: AtomicU8::new(debug), lost: AtomicU64::new(0) }),
        }
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
        let record =
            Record { voice: self.voice.clone(), level, worded, text: one_line(text), at: SystemTime::now() };
        match &self.shared.sink {
            Sink::Direct(targets) => targets.lock().unwrap_or_else(PoisonError::into_inner).write(&record),
            Sink::Thread(queue) => self.enqueue(queue, Box::new(record)),
        }
    }

    /// After an overflow the first line that fits again is the count of those that did not.
    fn enqueue(&self, queue: &SyncSender<Order>, record: Box<Record>) {
        let lost = self.shared.lost.swap(0, Ordering::Relaxed);
        let mut missing = lost;
        if lost > 0 && queue.try_send(Order::Write(Box::new(record.lost(lost)))).is_ok() {
            missing = 0;
        }
        if queue.try_send(Order::Write(record)).is_err() {
            missing += 1;
        }
        self.shared.lost.fetch_add(missing, Ordering::Relaxed);
    }

    fn lost_lines(&self, lost: u64) -> Record {
        let text = format!("{lost} log lines lost");
        Record { voice: self.voice.clone(), level: Level::Warn, worded: true, text, at: SystemTime::now() }
    }

    /// Waits until what was said so far is written, at most `patience`. True when it is.
    pub fn flush(&self, patience: Duration) -> bool {
        let Sink::Thread(queue) = &self.shared.sink else {
            return true;
        };
        let deadline = Instant::now() + patience;
        let lost = self.shared.lost.swap(0, Ordering::Relaxed);
        if lost > 0 && !send_until(queue, Order::Write(Box::new(self.lost_lines(lost))), deadline) {
            self.shared.lost.fetch_add(lost, Ordering::Relaxed);
        }
        let (done, wait) = sync_channel(1);
        send_until(queue, Order::Flush(done), deadline)
            && wait.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok()
    }
}

fn send_until(queue: &SyncSender<Order>, order: Order, deadline: Instant) -> bool {
    let mut order = order;
    loop {
        match queue.try_send(order) {
            Ok(()) => return true,
            Err(TrySendError::Full(back)) if Instant::now() < deadline => order = back,
            Err(_) => return false,
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn write_all(mut targets: Targets, orders: &Receiver<Order>) {
    for order in orders {
        match order {
            Order::Write(record) => targets.write(&record),
            Order::Flush(done) => drop(done.try_send(())),
        }
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
    fn a_full_queue_loses_lines_counts_them_and_says_so() {
        let (sender, receiver) = sync_channel(2);
        let log = Logger::over("heartbeat", 0, Sink::Thread(sender));
        for i in 0..5 {
            log.log(Level::Info, &format!("line {i}"));
        }
        let text = |order: Order| match order {
            Order::Write(record) => record.message(),
            Order::Flush(_) => "flush".into(),
        };
        let first: Vec<_> = receiver.try_iter().map(text).collect();
        assert_eq!(first, ["info: line 0", "info: line 1"]);
        log.log(Level::Info, "later");
        let second: Vec<_> = receiver.try_iter().map(text).collect();
        assert_eq!(second, ["WARN: 3 log lines lost", "info: later"]);
    }

    #[test]
    fn flush_gives_up_at_its_deadline() {
        let (sender, _receiver) = sync_channel(1);
        let log = Logger::over("heartbeat", 0, Sink::Thread(sender));
        log.log(Level::Info, "stuck");
        assert!(!log.flush(Duration::from_millis(30)));
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
