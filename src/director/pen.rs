//! A thread that writes lines: whoever has something to write hands it over and never waits for a disk. What does
//! not fit into the queue is lost and counted. What the lines say, and where they go, is not known here.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// Lines that may wait for a slow disk before lines are lost.
const QUEUE: usize = 4096;
/// And bytes of them.
const MOST_BYTES: usize = 16 << 20;
/// Lines for the same place are written together up to so many bytes.
const TOGETHER: usize = 64 << 10;
/// Between two tries to get a word in.
const NAP: Duration = Duration::from_millis(5);

/// A handle on the thread. `P` says where a line goes. The thread ends with the last handle.
#[derive(Clone, Debug)]
pub struct Pen<P> {
    orders: SyncSender<Order<P>>,
    waiting: Arc<AtomicUsize>,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Order<P> {
    Write(P, String),
    Flush(SyncSender<()>),
}

impl<P: PartialEq + Send + 'static> Pen<P> {
    /// Starts the thread. `write` is called there, with one or more whole lines for one place.
    pub fn start(name: &str, write: impl FnMut(&P, &str) + Send + 'static) -> io::Result<Pen<P>> {
        let (orders, receiver) = sync_channel(QUEUE);
        let (waiting, lost) = (Arc::default(), Arc::default());
        let pen = Pen { orders, waiting: Arc::clone(&waiting), lost };
        thread::Builder::new().name(name.to_owned()).spawn(move || write_all(&receiver, &waiting, write))?;
        Ok(pen)
    }

    /// Hands one line over, without its end. False when there is no room for it.
    pub fn put(&self, place: P, mut line: String) -> bool {
        line.push('\n');
        let length = line.len();
        let fits = self.waiting.fetch_add(length, Ordering::Relaxed) + length <= MOST_BYTES;
        if fits && self.orders.try_send(Order::Write(place, line)).is_ok() {
            return true;
        }
        self.waiting.fetch_sub(length, Ordering::Relaxed);
        false
    }

    /// So many lines are lost, and nobody was told yet.
    pub fn lose(&self, lines: u64) {
        self.lost.fetch_add(lines, Ordering::Relaxed);
    }

    /// How many were; counted anew from here on.
    pub fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
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
}

fn write_all<P: PartialEq>(
    orders: &Receiver<Order<P>>,
    waiting: &AtomicUsize,
    mut write: impl FnMut(&P, &str),
) {
    let mut next = None;
    while let Some(order) = next.take().or_else(|| orders.recv().ok()) {
        match order {
            Order::Flush(done) => drop(done.try_send(())),
            Order::Write(place, mut text) => {
                next = gather(orders, &place, &mut text);
                waiting.fetch_sub(text.len(), Ordering::Relaxed);
                write(&place, &text);
            }
        }
    }
}

/// Takes what waits for the same place, and the first order that is something else.
fn gather<P: PartialEq>(orders: &Receiver<Order<P>>, place: &P, text: &mut String) -> Option<Order<P>> {
    while text.len() < TOGETHER {
        match orders.try_recv().ok()? {
            Order::Write(same, more) if same == *place => text.push_str(&more),
            other => return Some(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    #[test]
    fn lines_of_one_place_go_together_and_in_order() {
        let written: Arc<Mutex<Vec<(u8, String)>>> = Arc::default();
        let (go, gate) = channel::<()>();
        let there = Arc::clone(&written);
        let pen = Pen::start("pen", move |place: &u8, text: &str| {
            gate.recv().unwrap();
            there.lock().unwrap().push((*place, text.to_owned()));
        })
        .unwrap();
        assert!(pen.put(1, "first".into()));
        while pen.waiting.load(Ordering::Relaxed) > 0 {
            thread::yield_now();
        }
        let later = [(1, "a"), (1, "b"), (2, "c"), (1, "d")];
        assert!(later.into_iter().all(|(place, line)| pen.put(place, line.into())));
        (0..4).for_each(|_| go.send(()).unwrap());
        assert!(pen.flush(Duration::from_secs(20)));
        let told = [(1, "first\n"), (1, "a\nb\n"), (2, "c\n"), (1, "d\n")].map(|(p, t)| (p, t.to_owned()));
        assert_eq!(*written.lock().unwrap(), told);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (_go, gate) = channel::<()>();
        let pen = Pen::start("pen", move |_: &u8, _: &str| {
            let _ = gate.recv();
        })
        .unwrap();
        let line = "x".repeat(MOST_BYTES / 3);
        let taken = (0..9).filter(|_| pen.put(1, line.clone())).count();
        assert!((2..=4).contains(&taken), "{taken}");
        let taken = (0..2 * QUEUE).filter(|_| pen.put(1, String::new())).count();
        assert!(taken <= QUEUE + 1, "{taken}");
        assert!(!pen.flush(Duration::from_millis(20)));
    }
}
