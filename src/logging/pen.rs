//! A thread that writes lines: whoever has something to say hands it over and never waits for a disk. What does not
//! fit into the queue is lost and counted. What lines are, and where they go, is not known here.

use std::io;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::sys::realtime;

/// Lines that may wait for a slow disk before lines are lost.
const QUEUE: usize = 4096;
/// And bytes of them.
const MOST_BYTES: usize = 16 << 20;
/// Lines are given to who writes together, up to so many bytes.
const TOGETHER: usize = 64 << 10;
/// Between two tries to get a word in.
const NAP: Duration = Duration::from_millis(5);

/// A handle on the thread that writes lines of a kind. The thread ends with the last handle.
#[derive(Clone, Debug)]
pub struct Pen<L> {
    orders: SyncSender<Order<L>>,
    waiting: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Order<L> {
    Write(L, usize),
    Flush(SyncSender<()>),
}

impl<L: Send + 'static> Pen<L> {
    /// Starts the thread: after the last fork. `write` is called there, with one or more lines. Behind a real-time thread
    /// it is to be `preferred` before ordinary ones.
    pub fn start(
        name: &str,
        preferred: bool,
        write: impl FnMut(Vec<L>) + Send + 'static,
    ) -> io::Result<Self> {
        let (orders, receiver) = sync_channel(QUEUE);
        let (waiting, lost) = (Arc::default(), Arc::default());
        let pen = Pen { orders, waiting: Arc::clone(&waiting), lost };
        let run = move || {
            if preferred {
                realtime::prefer();
            }
            write_all(&receiver, &waiting, write);
        };
        thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(pen)
    }

    /// Hands over a line of so many bytes. False when there is no room for it.
    pub fn put(&self, line: L, bytes: usize) -> bool {
        let fits = self.waiting.fetch_add(bytes, Ordering::Relaxed) + bytes <= MOST_BYTES;
        if fits && self.orders.try_send(Order::Write(line, bytes)).is_ok() {
            return true;
        }
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        false
    }

    /// The same. The first that fits again after some that did not is the one that tells how many those were.
    pub fn say(&self, line: L, bytes: usize, lost: impl FnOnce(u64) -> L) {
        self.tell_lost(lost);
        if !self.put(line, bytes) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn tell_lost(&self, line: impl FnOnce(u64) -> L) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 && !self.put(line(lost), 0) {
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
    }

    /// Waits until all that was handed over is written, at most `patience`. True when it is.
    pub fn flush(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let (done, wait) = sync_channel(1);
        let mut order = Order::Flush(done);
        loop {
            match self.orders.try_send(order) {
                Ok(()) => break,
                Err(TrySendError::Full(back)) if Instant::now() < deadline => order = back,
                Err(_) => return false,
            }
            thread::sleep(NAP);
        }
        wait.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok()
    }

    /// The same, and how many were lost is told.
    pub fn finish(&self, patience: Duration, lost: impl FnOnce(u64) -> L) -> bool {
        let deadline = Instant::now() + patience;
        // There is room for it then.
        self.flush(patience) && {
            self.tell_lost(lost);
            self.flush(deadline.saturating_duration_since(Instant::now()))
        }
    }
}

fn write_all<L>(orders: &Receiver<Order<L>>, waiting: &AtomicUsize, mut write: impl FnMut(Vec<L>)) {
    while let Ok(first) = orders.recv() {
        let (mut lines, mut length, mut waits) = (Vec::new(), 0, None);
        for order in iter::once(first).chain(orders.try_iter()) {
            match order {
                Order::Flush(done) => waits = Some(done),
                Order::Write(line, bytes) => {
                    lines.push(line);
                    length += bytes;
                }
            }
            if waits.is_some() || length >= TOGETHER {
                break;
            }
        }
        waiting.fetch_sub(length, Ordering::Relaxed);
        if !lines.is_empty() {
            write(lines);
        }
        if let Some(done) = waits {
            // Who waited may have given up.
            let _ = done.try_send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::mpsc::{Sender, channel};

    const PATIENCE: Duration = Duration::from_secs(20);

    type Written = Arc<Mutex<Vec<Vec<String>>>>;

    /// A pen that stands still until the sender is gone.
    fn held_back() -> (Pen<String>, Sender<()>, Written) {
        let (go, gate) = channel::<()>();
        let written = Written::default();
        let there = Arc::clone(&written);
        let write = move |lines| {
            let _ = gate.recv();
            there.lock().unwrap().push(lines);
        };
        (Pen::start("pen", false, write).unwrap(), go, written)
    }

    #[test]
    fn lines_go_together_and_in_order() {
        let (pen, go, written) = held_back();
        assert!(pen.put("first".into(), 1));
        while pen.waiting.load(Ordering::Relaxed) > 0 {
            thread::yield_now();
        }
        assert!(["a", "b", "c"].into_iter().all(|line| pen.put(line.into(), 1)));
        drop(go);
        assert!(pen.flush(PATIENCE));
        assert_eq!(*written.lock().unwrap(), [vec!["first"], vec!["a", "b", "c"]]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (pen, _go, _) = held_back();
        let taken = (0..9).filter(|_| pen.put(String::new(), MOST_BYTES / 3)).count();
        assert!((2..=4).contains(&taken), "{taken}");
        let taken = (0..2 * QUEUE).filter(|_| pen.put(String::new(), 1)).count();
        assert!(taken <= QUEUE + 1, "{taken}");
        assert!(!pen.flush(Duration::from_millis(20)));
    }

    #[test]
    fn what_was_lost_is_told() {
        let (pen, go, written) = held_back();
        let lost = |count: u64| format!("lost {count}");
        (0..=QUEUE + 2).for_each(|_| pen.say("line".into(), TOGETHER, lost));
        drop(go);
        assert!(pen.finish(PATIENCE, lost));
        pen.say("later".into(), 5, lost);
        assert!(pen.finish(PATIENCE, lost));
        let written = written.lock().unwrap().concat();
        let lines = written.iter().filter(|line| *line == "line").count();
        let counts = written.iter().filter_map(|line| line.strip_prefix("lost ")?.parse::<usize>().ok());
        let lost: Vec<usize> = counts.collect();
        assert_eq!(lines + lost.iter().sum::<usize>(), QUEUE + 3, "{lost:?}");
        assert!(!lost.is_empty() && written.last().is_some_and(|line| line == "later"));
    }
}
