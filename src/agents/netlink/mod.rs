//! One conversation with the kernel over rtnetlink: look, then apply.
//!
//! Operations go out many in one piece, and each is acknowledged, with the errno in it: some microseconds for an
//! address. What is expensive is a look at tables for each of them, or a process.

mod decode;
mod encode;
pub mod fuzz;

use std::fmt;
use std::io;

use netlink_sys::protocols::NETLINK_ROUTE;
use nix::errno::Errno;

use super::plan::{Op, Snapshot};
use crate::netlink::frame::frames;
use crate::netlink::{self, Frame, Talk};

/// Why the kernel was not told, or would not do it.
#[derive(Debug)]
pub enum Error {
    /// The socket itself failed: nothing is known about the kernel's state.
    Socket {
        /// What was being done.
        doing: &'static str,
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
}

impl Error {
    /// The kernel's reason, when it was the kernel that refused.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Error::Socket { cause, .. } => cause.raw_os_error().map(Errno::from_raw),
            Error::Refused { errno, .. } => Some(*errno),
        }
    }
}

impl Error {
    fn of(error: netlink::Error, what: &dyn Fn() -> String) -> Self {
        match error {
            netlink::Error::Socket { doing, cause } => Error::Socket { doing, cause },
            netlink::Error::Refused(errno) => Error::Refused { what: what(), errno },
        }
    }

    /// The same once more: the reason of several.
    fn again(&self) -> Self {
        match self {
            Error::Socket { doing, cause } => {
                let copy = cause.raw_os_error().map(io::Error::from_raw_os_error);
                Error::Socket { doing, cause: copy.unwrap_or_else(|| io::Error::other(cause.to_string())) }
            }
            Error::Refused { what, errno } => Error::Refused { what: what.clone(), errno: *errno },
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Socket { doing, cause } => write!(f, "rtnetlink: cannot {doing}: {cause}"),
            Error::Refused { what, errno } => {
                write!(f, "cannot {what}: {} (errno {})", errno.desc(), *errno as i32)
            }
        }
    }
}

impl std::error::Error for Error {}

/// Operations in one datagram: their acknowledgements fit a socket of ordinary size three times.
const TOGETHER: usize = 128;

/// An open rtnetlink socket.
pub struct Conversation(Talk);

impl Conversation {
    /// Opens it in the network namespace of the caller.
    pub fn open() -> Result<Self, Error> {
        let mut talk = Talk::open(NETLINK_ROUTE).map_err(|error| Error::of(error, &|| "open".to_owned()))?;
        // Where it cannot be had dumps are unfiltered, and the decoder filters anyway.
        talk.set_strict();
        Ok(Conversation(talk))
    }

    /// Interfaces, addresses, and the unicast routes of the main table in each family that is asked for.
    pub fn tables(&mut self, v4: bool, v6: bool) -> Result<Snapshot, Error> {
        let mut snapshot = self.holdings()?;
        if v4 {
            snapshot.routes = self.list("list routes", &encode::dump_routes_v4(), decode::route)?;
        }
        if v6 {
            snapshot.routes.extend(self.list("list routes", &encode::dump_routes_v6(), decode::route)?);
        }
        Ok(snapshot)
    }

    /// Interfaces and addresses, without routes: cheap on a router with a full table.
    pub fn holdings(&mut self) -> Result<Snapshot, Error> {
        Ok(Snapshot {
            links: self.list("list interfaces", &encode::dump_links(), decode::link)?,
            addrs: self.list("list addresses", &encode::dump_addresses(), decode::address)?,
            routes: Vec::new(),
        })
    }

    fn list<T>(
        &mut self,
        what: &str,
        request: &[u8],
        decode: fn(Frame<'_>) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        self.0.list(request, decode).map_err(|error| Error::of(error, &|| what.to_owned()))
    }

    /// Carries out each operation in this order, whatever becomes of the others, and answers for each. Adding
    /// what is there and removing what is gone count as done: somebody was faster.
    pub fn apply(&mut self, ops: &[Op]) -> Vec<Result<(), Error>> {
        ops.chunks(TOGETHER).flat_map(|some| self.several(some)).collect()
    }

    /// One datagram with all of them, and an acknowledgement for each. One that got lost is asked for again.
    fn several(&mut self, ops: &[Op]) -> Vec<Result<(), Error>> {
        let mut answers: Vec<_> = ops.iter().map(|_| None).collect();
        let sent = self.0.together(ops.iter().map(encode::op), &mut answers);
        let failed = sent.err().map(|error| Error::of(error, &|| "change addresses".to_owned()));
        let pairs = ops.iter().zip(answers);
        let one = |(op, answer): (&Op, _)| match (answer, &failed) {
            (Some(answer), _) => forgiving(op, answer),
            (None, Some(error)) => Err(error.again()),
            (None, None) => forgiving(op, self.0.request(encode::op(op), |_| ())),
        };
        pairs.map(one).collect()
    }
}

/// Whether news of the kernel call for a look: an address went, or something happened to a link.
pub fn tells_of_loss(datagram: &[u8]) -> bool {
    frames(datagram).any(decode::may_be_a_loss)
}

fn forgiving(op: &Op, done: Result<(), netlink::Error>) -> Result<(), Error> {
    match (op, done) {
        (_, Ok(())) => Ok(()),
        (Op::Add(_), Err(netlink::Error::Refused(Errno::EEXIST))) => Ok(()),
        (Op::Remove(_), Err(netlink::Error::Refused(Errno::EADDRNOTAVAIL | Errno::ENODEV))) => Ok(()),
        (_, Err(error)) => Err(Error::of(error, &|| op.to_string())),
    }
}
