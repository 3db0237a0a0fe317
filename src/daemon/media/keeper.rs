//! The thread that keeps media open: it watches interfaces come, go and change their addresses, opens anew what
//! depends on them, and tries again and again what cannot be opened. All of that may wait for the system; the
//! pulse gets finished sockets, and gives back old ones to be closed here.

use super::antenna::{Fresh, Old, Wanted};
use crate::media::{Face, Note};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::os::fd::AsFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use tokio::sync::mpsc;

/// How often is tried what failed. The kernel's word that an interface changed comes before.
const PERIOD_MS: u16 = 1000;
/// Reports that may wait for the pulse.
const REPORTS: usize = 16;
/// The kernel's groups: links, IPv4 addresses.
const RTMGRP_LINK: u32 = 1;
const RTMGRP_IPV4_IFADDR: u32 = 0x10;

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
        let mut charge = Charge {
            told: wards.iter().map(|ward| !ward.open).collect(),
            wards,
            watch: Watch::open().ok(),
            reports: sender,
        };
        thread::Builder::new().name("media".to_owned()).spawn(move || while charge.turn(&taken) {})?;
        Ok(Self { orders, reports })
    }

    pub(super) fn tell(&self, order: Order) {
        // The thread ends with this end only.
        let _ = self.orders.send(order);
    }
}

/// The thread's end.
struct Charge {
    wards: Vec<Ward>,
    told: Vec<bool>,
    watch: Option<Watch>,
    reports: mpsc::Sender<Report>,
}

impl Charge {
    /// Whether there is another one.
    fn turn(&mut self, orders: &Receiver<Order>) -> bool {
        Watch::wait(self.watch.as_ref());
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

/// The kernel's news of interfaces. What they say does not matter: everything is looked at anew.
struct Watch(Socket);

impl Watch {
    fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind(&SocketAddr::new(0, RTMGRP_LINK | RTMGRP_IPV4_IFADDR))?;
        socket.set_non_blocking(true)?;
        Ok(Self(socket))
    }

    /// Waits for news, or a while.
    fn wait(watch: Option<&Self>) {
        let timeout = PollTimeout::from(PERIOD_MS);
        let Some(Self(socket)) = watch else {
            // An interruption only makes the look come early, here and below.
            let _ = poll(&mut [], timeout);
            return;
        };
        let fd = socket.as_fd();
        let _ = poll(&mut [PollFd::new(fd, PollFlags::POLLIN)], timeout);
        // What overflowed was news as well.
        while socket.recv(&mut Vec::with_capacity(8192), 0).is_ok() {}
    }
}
