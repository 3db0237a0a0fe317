//! Waiting until a table is what it shall be, and stays so.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use heartbeat::director::table::Table;

use super::kernel::Listing;
use super::room::{LOG, Room};
use crate::lab::{Failure, bail};

/// A table is the wanted one within this: the machine may be busy with other things.
const PATIENCE: Duration = Duration::from_secs(240);
/// And then stays so for this time at least: two rounds of checks, one second apart.
const HOLD: Duration = Duration::from_millis(2300);
/// While some server is checked so often: every other one was, too, as often but one.
const VISITS: usize = 3;
/// How often the table is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Watches a table by netlink; the real tool, which costs the guest two processes, is asked only once the table rests.
pub(crate) struct Watch<'r> {
    room: &'r Room,
    table: Table,
    /// Since when it is what it is.
    since: Instant,
    visits: BTreeMap<SocketAddr, usize>,
    listing: Option<Listing>,
}

impl<'r> Watch<'r> {
    pub(crate) fn over(room: &'r Room) -> Result<Self, Failure> {
        let (table, visits) = (room.kernel.table()?, room.farm.visits());
        Ok(Self { room, table, since: Instant::now(), visits, listing: None })
    }

    /// The table as the real tool shows it, once it has rested for long enough.
    pub(crate) fn look(&mut self) -> Result<Option<&Listing>, Failure> {
        let now = self.room.kernel.table()?;
        if self.table != now {
            let room = self.room;
            *self = Self { table: now, ..Self::over(room)? };
        }
        if !self.rests() {
            return Ok(None);
        }
        if self.listing.is_none() {
            self.listing = Some(self.room.listed()?);
        }
        Ok(self.listing.as_ref())
    }

    /// Whether it has been as it is for long enough, while servers were checked.
    fn rests(&self) -> bool {
        let now = self.room.farm.visits();
        let before = |at| self.visits.get(at).copied().unwrap_or_default();
        let most = now.iter().map(|(at, visits)| visits - before(at)).max().unwrap_or_default();
        let quiet = self.since.elapsed();
        match most {
            // where nobody can be counted (programs, pings, servers that do not listen) time must do; where no
            // director runs nothing changes any more
            0 => quiet >= 3 * HOLD || self.room.pid().is_none(),
            most => quiet >= HOLD && most >= VISITS,
        }
    }
}

/// Waits until the servers of the table are one of `wanted`, and stay it. The answer says which.
pub(crate) fn settled(room: &Room, what: &str, wanted: &[Vec<String>]) -> Result<usize, Failure> {
    let mut watch = Watch::over(room)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let found = watch.look()?.and_then(|listing| wanted.iter().position(|rows| *rows == listing.servers));
        if let Some(which) = found {
            return Ok(which);
        }
        if Instant::now() >= deadline {
            let wanted: Vec<_> = wanted.iter().map(|rows| rows.join("\n")).collect();
            let (is, log) = (room.listed()?.servers.join("\n"), room.read(LOG));
            let name = &room.name;
            bail!(
                "{name}: {what}: the table is\n{is}\nwanted was\n{}\n--- log\n{log}",
                wanted.join("\n--- or\n")
            );
        }
        thread::sleep(LOOK);
    }
}

/// Waits until two tables are the same in everything that the real tool shows, and stay so.
pub(crate) fn same(rooms: [&Room; 2], what: &str) -> Result<(), Failure> {
    let [one, other] = rooms;
    let mut watches = [Watch::over(one)?, Watch::over(other)?];
    let deadline = Instant::now() + PATIENCE;
    loop {
        let [here, there] = &mut watches;
        if let (Some(here), Some(there)) = (here.look()?, there.look()?)
            && here == there
        {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let shown = |room: &Room| room.listed().map(|l| format!("--- {}\n{}", room.name, shown(&l)));
            bail!("{what}: not the same\n{}\n{}", shown(one)?, shown(other)?);
        }
        thread::sleep(LOOK);
    }
}

fn shown(listing: &Listing) -> String {
    format!("{}\nthresholds\n{}", listing.servers.join("\n"), listing.limits.join("\n"))
}
