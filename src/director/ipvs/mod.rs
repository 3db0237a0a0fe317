//! Reading and changing the kernel's table.
//!
//! | file | pure | what it knows |
//! |---|---|---|
//! | [`wire`] | yes | the messages in bytes |
//! | [`Netlink`] | | the conversation with the kernel |
//! | [`Ipvsadm`] | | the same by way of the program `ipvsadm` |
//! | [`Fake`] | yes | a kernel made of values, for tests |

mod command;
mod command_text;
mod fake;
mod netlink;
pub mod wire;

use std::fmt;
use std::io;

use nix::errno::Errno;

use super::table::{Counted, Fault, Info, Op, Role, ServiceId, SyncDaemon, Table, Timeouts};

pub use command::Ipvsadm;
pub use fake::Fake;
pub use netlink::Netlink;

/// A kernel's IPVS, however it is reached. No program of ours asks for the counters, their zero and the timeouts yet:
/// they are there for who uses the library, and are tested against the kernel like the rest.
pub trait Ipvs {
    /// Version and size.
    fn info(&mut self) -> Result<Info, Error>;
    /// The whole table.
    fn table(&mut self) -> Result<Table, Error>;
    /// Makes one change.
    fn apply(&mut self, op: &Op) -> Result<(), Error>;
    /// What goes on.
    fn counters(&mut self) -> Result<Vec<Counted>, Error>;
    /// Counters of a virtual service, or of all, back to zero.
    fn zero(&mut self, id: Option<&ServiceId>) -> Result<(), Error>;
    /// The sync daemons that run.
    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, Error>;
    /// Starts a sync daemon.
    fn start_daemon(&mut self, daemon: &SyncDaemon) -> Result<(), Error>;
    /// Stops one.
    fn stop_daemon(&mut self, role: Role) -> Result<(), Error>;
    /// The timeouts.
    fn timeouts(&mut self) -> Result<Timeouts, Error>;
    /// Changes the timeouts.
    fn set_timeouts(&mut self, timeouts: &Timeouts) -> Result<(), Error>;
}

/// Why the kernel was not told, or would not do it.
#[derive(Debug)]
pub enum Error {
    /// There is no IPVS in this kernel, or it cannot be loaded here.
    Absent,
    /// The way to the kernel failed: nothing is known of its state.
    Way {
        /// What was being done.
        doing: String,
        /// The reason.
        cause: io::Error,
    },
    /// The kernel answered no; its state has not changed.
    Refused {
        /// What it would not do.
        what: String,
        /// Its reason.
        errno: Errno,
    },
    /// `ipvsadm` failed, and says why.
    Program {
        /// The command line.
        what: String,
        /// What it said.
        said: String,
    },
    /// The change does not fit the table. Only the fake knows so exactly.
    Unfit {
        /// What could not be done.
        what: String,
        /// Why.
        fault: Fault,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Absent => f.write_str("this kernel has no IPVS, and the module ip_vs cannot be loaded"),
            Error::Way { doing, cause } => write!(f, "IPVS: cannot {doing}: {cause}"),
            Error::Refused { what, errno } => {
                write!(f, "the kernel refuses {what}: {} (errno {})", errno.desc(), *errno as i32)
            }
            Error::Program { what, said } => write!(f, "{what} failed: {said}"),
            Error::Unfit { what, fault } => write!(f, "{what}: {fault}"),
        }
    }
}

impl std::error::Error for Error {}
