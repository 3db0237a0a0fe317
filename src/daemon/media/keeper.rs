//! The thread that keeps media open: it watches interfaces come, go and change their addresses, opens anew what
//! depends on them, and tries again and again what cannot be opened. All of that may wait for the system; the
//! pulse gets finished sockets, and gives back old ones to be closed here. As long as all is well nothing wakes it.

use super::antenna::{Fresh, Old, Wanted};
use crate::media::{Face, Note};
use crate::netlink::News;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;
use tokio::sync::mpsc;

/// How often is tried what failed. The kernel's word that an interface changed comes before.
const PERIOD_MS: u16 = 1000;
/// News seldom come alone: a hundred addresses are a hundred of them, and each look reads all addresses.
const TOGETHER: Duration = Duration::from_millis(20);
/// Reports that may wait for the pulse.
const REPORTS: usize = 16;

/// What the pulse tells. Never waits.
#[derive(Debug)]
pub(super) enum Order {
    /// This medium is gone, and wants to be opened anew.
    Lost(usize),
    /// To be closed.
    Bury(Old),
}

/// What the pulse hears.
#[derive(Debug)]
pub(super) enum Report {
    /// A medium was opened.
    Opened(usize, Fresh),
    /// A medium cannot be opened any more; told once, until it can be.
    Failed(usize, Note),
}

/// The pulse's end.
#[derive(Debug)]
pub(super) struct Keeper {
    orders: Sender<Order>,
    pub(super) reports: mpsc::Receiver<Report>,
    /// The last field: the thread is woken by the end too, and sees that nobody listens any more.
    bell: Bell,
}

/// Wakes the thread, without ever waiting.
#[derive(Debug)]
struct Bell(Arc<EventFd>);

impl Bell {
    fn ring(&self) {
        // What cannot be added any more rings already.
        let _ = self.0.write(1);
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.ring();
    }
}

/// A medium as the keeper knows it.
#[derive(Debug)]
pub(super) struct Ward {
    pub(super) wanted: Wanted,
    /// What its interface was like when it was opened.
    pub(super) face: Option<Face>,
    pub(super) open: bool,
}

impl Keeper {
    /// Starts the thread. Media that are not open have been told of.
    pub(super) fn start(wards: Vec<Ward>) -> io::Result<Self> {
        let (orders, taken) = channel();
        let (sender, reports) = mpsc::channel(REPORTS);
        let bell = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let mut charge = Charge {
            told: wards.iter().map(|ward| !ward.open).collect(),
            wards,
            news: News::open(News::LINKS | News::IPV4).ok(),
            bell: Arc::clone(&bell),
            reports: sender,
        };
        thread::Builder::new().name("media".to_owned()).spawn(move || while charge.turn(&taken) {})?;
        let bell = Bell(bell);
        // The first look is at once: something may have changed between the opening and the first news.
        bell.ring();
        Ok(Self { orders, reports, bell })
    }

    pub(super) fn tell(&self, order: Order) {
        // The thread ends with this end only.
        let _ = self.orders.send(order);
        self.bell.ring();
    }
}

/// The thread's end.
struct Charge {
    wards: Vec<Ward>,
    told: Vec<bool>,
    /// What they say does not matter: everything is looked at anew.
    news: Option<News>,
    bell: Arc<EventFd>,
    reports: mpsc::Sender<Report>,
}

impl Charge {
    /// Whether there is another one.
    fn turn(&mut self, orders: &Receiver<Order>) -> bool {
        self.wait();
        for order in orders.try_iter() {
            match order {
                Order::Bury(old) => drop(old),
                Order::Lost(which) => {
                    self.wards.get_mut(which).into_iter().for_each(|ward| ward.open = false);
                    // The pulse told it.
                    self.told.get_mut(which).into_iter().for_each(|told| *told = true);
                }
            }
        }
        let looks = self.wards.iter_mut().zip(&mut self.told).enumerate();
        let reports: Vec<_> = looks.filter_map(|(which, (ward, told))| ward.look(which, told)).collect();
        reports.into_iter().all(|report| self.reports.blocking_send(report).is_ok())
            && !self.reports.is_closed()
    }

    /// Waits for news or orders; where something is missing, or no news can come, a second at most.
    fn wait(&self) {
        let well = self.news.is_some() && self.wards.iter().all(|ward| ward.open);
        let timeout = if well { PollTimeout::NONE } else { PollTimeout::from(PERIOD_MS) };
        let mut fds = vec![PollFd::new(self.bell.as_fd(), PollFlags::POLLIN)];
        fds.extend(self.news.iter().map(|news| PollFd::new(news.as_fd(), PollFlags::POLLIN)));
        // An interruption only makes the look come early.
        let _ = poll(&mut fds, timeout);
        // Before the orders are taken: one that comes in between rings again.
        let _ = self.bell.read();
        if fds.get(1).is_some_and(|news| news.any() == Some(true)) {
            thread::sleep(TOGETHER);
        }
        if let Some(news) = &self.news {
            news.take(|_| ());
        }
    }
}

impl Ward {
    fn look(&mut self, which: usize, told: &mut bool) -> Option<Report> {
        let face = self.wanted.face();
        if self.open && face == self.face {
            return None;
        }
        match self.wanted.prepare() {
            Ok(fresh) => {
                (self.open, self.face, *told) = (true, face, false);
                Some(Report::Opened(which, fresh))
            }
            Err(note) => {
                self.open = false;
                (!std::mem::replace(told, true)).then_some(Report::Failed(which, note))
            }
        }
    }
}
