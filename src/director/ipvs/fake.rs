//! A kernel made of values, for tests.

use super::{Error, Ipvs};
use crate::director::table::{Counted, Info, Op, Role, ServiceId, SyncDaemon, Table, Timeouts};

/// An [`Ipvs`] that keeps its table in memory and remembers what it was told.
#[derive(Clone, Debug, Default)]
pub struct Fake {
    /// The table.
    pub table: Table,
    /// Every change that was made, in order.
    pub told: Vec<Op>,
    /// The sync daemons.
    pub daemons: Vec<SyncDaemon>,
    /// The timeouts.
    pub timeouts: Timeouts,
}

impl Ipvs for Fake {
    fn info(&mut self) -> Result<Info, Error> {
        Ok(Info { version: (1, 2, 1), connections: 4096 })
    }

    fn table(&mut self) -> Result<Table, Error> {
        Ok(self.table.clone())
    }

    fn apply(&mut self, op: &Op) -> Result<(), Error> {
        self.table.apply(op).map_err(|fault| Error::Unfit { what: op.to_string(), fault })?;
        self.told.push(op.clone());
        Ok(())
    }

    fn counters(&mut self) -> Result<Vec<Counted>, Error> {
        let none = |id: &ServiceId| Counted { service: *id, through: Default::default(), dests: Vec::new() };
        Ok(self.table.entries.keys().map(none).collect())
    }

    fn zero(&mut self, _: Option<&ServiceId>) -> Result<(), Error> {
        Ok(())
    }

    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, Error> {
        Ok(self.daemons.clone())
    }

    fn start_daemon(&mut self, daemon: &SyncDaemon) -> Result<(), Error> {
        self.daemons.push(daemon.clone());
        Ok(())
    }

    fn stop_daemon(&mut self, role: Role) -> Result<(), Error> {
        self.daemons.retain(|daemon| daemon.role != role);
        Ok(())
    }

    fn timeouts(&mut self) -> Result<Timeouts, Error> {
        Ok(self.timeouts)
    }

    fn set_timeouts(&mut self, timeouts: &Timeouts) -> Result<(), Error> {
        self.timeouts = *timeouts;
        Ok(())
    }
}
