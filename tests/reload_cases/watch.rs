//! Looks at the addresses of both nodes all the time.

use crate::lab::{Lab, network};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Shorter than any script takes to move an address away and back.
const EVERY: Duration = Duration::from_millis(4);

type Look = [BTreeSet<String>; 2];

pub(super) struct Watch {
    /// Each change of what the two nodes hold, the first look included.
    changes: Arc<Mutex<Vec<Look>>>,
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn of(lab: &Lab) -> Self {
        let changes = Arc::new(Mutex::new(Vec::new()));
        let end = Arc::new(AtomicBool::new(false));
        let inits = [1, 2].map(|node| lab.node(node).stage().init());
        let (into, until) = (Arc::clone(&changes), Arc::clone(&end));
        let thread = std::thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                let now = network::held_at_once(inits);
                let mut changes = into.lock().unwrap();
                if changes.last() != Some(&now) {
                    changes.push(now);
                }
                drop(changes);
                std::thread::sleep(EVERY);
            }
        });
        Self { changes, end, thread: Some(thread) }
    }

    /// How many changes there were so far.
    pub(super) fn seen(&self) -> usize {
        self.changes.lock().unwrap().len()
    }

    pub(super) fn since(&self, mark: usize) -> Vec<Look> {
        self.changes.lock().unwrap().iter().skip(mark).cloned().collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
