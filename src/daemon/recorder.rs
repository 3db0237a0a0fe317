//! Writing a run down, where that is wanted: `HA_RECORD` names the file (heartbeat(8)). A thread of its own does it;
//! when it cannot keep up, inputs are left out of the record and counted.

use crate::engine::{Input, Now, Settings};
use crate::level::Level;
use crate::logging::Logger;
use crate::record::Line;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// The environment variables: the file, and the size that it may reach, in millions of bytes.
pub(super) const FILE: &str = "HA_RECORD";
pub(super) const LIMIT: &str = "HA_RECORD_MB";
const DEFAULT_MB: u64 = 256;

/// Inputs that may wait for a slow disk.
const QUEUE: usize = 4096;
/// So much is gathered before it is written, while more is waiting.
const GATHERED: usize = 64 << 10;
/// At the end, what still waits has so long.
const PATIENCE: Duration = Duration::from_secs(2);

enum Order {
    Write(Now, Input),
    Lost(u64),
    Done(SyncSender<()>),
}

/// Takes inputs and never makes the caller wait.
pub(super) struct Recorder {
    queue: SyncSender<Order>,
    lost: u64,
    over: bool,
}

impl Recorder {
    /// Begins to record, if that is wanted. What is in its way is logged, and keeps no daemon from starting.
    pub(super) fn start(settings: &Settings, now: Now, log: &Logger) -> Option<Self> {
        let path = std::env::var_os(FILE).filter(|path| !path.is_empty()).map(PathBuf::from)?;
        let limit = std::env::var(LIMIT).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(DEFAULT_MB);
        let (queue, orders) = sync_channel(QUEUE);
        let begin = Line::begin(concat!("heartbeat-rs ", env!("CARGO_PKG_VERSION")), now, settings.clone());
        let writer = log.clone();
        let write = move || {
            Tape::record(&path, limit.saturating_mul(1_000_000), &begin, &orders, &writer);
        };
        match thread::Builder::new().name("record".to_owned()).spawn(write) {
            Ok(_) => Some(Self { queue, lost: 0, over: false }),
            Err(error) => {
                log.log(Level::Error, &format!("cannot record this run: {error}"));
                None
            }
        }
    }

    /// Takes down what the engine is about to be handed.
    pub(super) fn input(&mut self, now: Now, input: &Input) {
        if self.over || (self.lost > 0 && !self.sent(Order::Lost(self.lost))) {
            self.lost += 1;
            return;
        }
        self.lost = 0;
        if !self.sent(Order::Write(now, input.clone())) {
            self.lost = 1;
        }
    }

    fn sent(&mut self, order: Order) -> bool {
        let result = self.queue.try_send(order);
        self.over = matches!(result, Err(TrySendError::Disconnected(_)));
        result.is_ok()
    }

    /// Waits for what is still to be written, a little while. For the time when no heart beats any more.
    pub(super) fn finish(&self) {
        let (done, wait) = sync_channel(1);
        if self.queue.try_send(Order::Done(done)).is_ok() {
            let _ = wait.recv_timeout(PATIENCE);
        }
    }
}

/// The file, and how much may still be written to it.
struct Tape {
    file: File,
    left: u64,
    gathered: Vec<u8>,
}

impl Tape {
    /// The thread: until there is nothing more to record, or no room.
    fn record(path: &Path, limit: u64, begin: &Line, orders: &Receiver<Order>, log: &Logger) {
        let place = path.display();
        let over = Self::open(path, limit).and_then(|mut tape| {
            log.log(Level::Info, &format!("This run is recorded in {place}."));
            tape.run(begin, orders)
        });
        match over {
            Ok(true) => {}
            Ok(false) => {
                let text = format!(
                    "{place} has reached {} MB: this run is not recorded any more",
                    limit / 1_000_000
                );
                log.log(Level::Warn, &text);
            }
            Err(error) => log.log(Level::Error, &format!("cannot record this run in {place}: {error}")),
        }
    }

    /// Goes on with the file of an earlier life. One that leaves too little room is set aside.
    fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let there = fs::symlink_metadata(path).map_or(0, |m| if m.is_file() { m.len() } else { 0 });
        if there > limit / 2 {
            fs::rename(path, with_suffix(path, ".old"))?;
        }
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(path)?;
        let found = file.metadata()?;
        if !found.is_file() {
            return Err(io::Error::other("it is there and is no file"));
        }
        file.set_permissions(Permissions::from_mode(0o600))?;
        Ok(Self { file, left: limit.saturating_sub(found.len()), gathered: Vec::new() })
    }

    /// `false` when it is full.
    fn run(&mut self, begin: &Line, orders: &Receiver<Order>) -> io::Result<bool> {
        let mut room = self.put(begin)?;
        while room {
            let order = match orders.try_recv() {
                Ok(order) => order,
                Err(_) => {
                    self.write()?;
                    let Ok(order) = orders.recv() else { return Ok(true) };
                    order
                }
            };
            match order {
                Order::Write(now, input) => room = self.put(&Line::input(now, input))?,
                Order::Lost(count) => room = self.put(&Line::Lost(count))?,
                Order::Done(done) => {
                    self.write()?;
                    let _ = done.try_send(());
                }
            }
        }
        Ok(false)
    }

    fn put(&mut self, line: &Line) -> io::Result<bool> {
        let mut text = line.text()?;
        text.push('\n');
        let room = self.left.checked_sub(text.len() as u64);
        match room {
            Some(left) => self.left = left,
            None => text = Line::Full.text()? + "\n",
        }
        self.gathered.extend(text.bytes());
        if room.is_none() || self.gathered.len() >= GATHERED {
            self.write()?;
        }
        Ok(room.is_some())
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.write_all(&self.gathered)?;
        self.gathered.clear();
        Ok(())
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(seconds: u64) -> Now {
        Now { mono: Duration::from_secs(seconds), wall: seconds }
    }

    fn recorder(room: usize) -> (Recorder, Receiver<Order>) {
        let (queue, orders) = sync_channel(room);
        (Recorder { queue, lost: 0, over: false }, orders)
    }

    fn text(orders: &Receiver<Order>) -> Vec<String> {
        let text = |order| match order {
            Order::Write(now, input) => format!("{} {input:?}", now.wall),
            Order::Lost(count) => format!("lost {count}"),
            Order::Done(_) => "done".to_owned(),
        };
        orders.try_iter().map(text).collect()
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let (mut recorder, orders) = recorder(2);
        (1..=5).for_each(|at| recorder.input(now(at), &Input::Tick));
        assert_eq!(text(&orders), ["1 Tick", "2 Tick"]);
        recorder.input(now(6), &Input::Start);
        assert_eq!(text(&orders), ["lost 3", "6 Start"]);
        drop(orders);
        recorder.input(now(7), &Input::Tick);
        assert!(recorder.over, "nobody writes any more");
    }

    #[test]
    fn a_full_record_says_so_and_a_new_life_sets_it_aside() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("record");
        let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        for (life, limit) in [("first", 200), ("second", 200)] {
            let (queue, orders) = sync_channel(100);
            (0..50)
                .for_each(|at| queue.try_send(Order::Write(now(at), Input::Load(life.to_owned()))).unwrap());
            drop(queue);
            let mut tape = Tape::open(&path, limit).unwrap();
            assert!(!tape.run(&Line::Lost(1), &orders).unwrap(), "it is full");
            let text = read(&path);
            assert!(text.starts_with("{\"lost\":1}\n") && text.ends_with("\n\"full\"\n"), "{text}");
            assert!(text.contains(life) && text.len() < 220, "{text}");
        }
        assert!(read(&with_suffix(&path, ".old")).contains("first"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn only_a_file_is_written_to() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("link");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &path).unwrap();
        assert!(Tape::open(&path, 200).is_err());
        nix::unistd::mkfifo(&dir.path().join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(Tape::open(&dir.path().join("fifo"), 200).is_err());
    }
}
