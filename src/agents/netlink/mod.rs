//! One conversation with the kernel over rtnetlink: look, then apply.
//!
//! Requests are synchronous: each gets its acknowledgement, and the errno in it, before the next
//! goes out. A request costs some tens of microseconds, so hundreds of addresses in a row are
//! cheap; what is expensive is a process per address.

mod decode;
mod encode;
pub mod fuzz;

use std::fmt;
use std::io;
use std::net::IpAddr;

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::errno::Errno;

use super::plan::{Op, Snapshot};
use decode::Frame;

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

/// How often a table that changes under us is listed before we take what we have.
const LISTINGS: u32 = 16;

/// An open rtnetlink socket.
pub struct Conversation {
    socket: Socket,
    sequence: u32,
}

impl Conversation {
    /// Opens it in the network namespace of the caller.
    pub fn open() -> Result<Self, Error> {
        let fail = |doing| move |cause| Error::Socket { doing, cause };
        let mut socket = Socket::new(NETLINK_ROUTE).map_err(fail("open a socket"))?;
        socket.bind_auto().map_err(fail("bind"))?;
        socket.connect(&SocketAddr::new(0, 0)).map_err(fail("connect"))?;
        // Old kernels lack these: dumps are then unfiltered, and the decoder filters anyway.
        let _ = socket.set_netlink_get_strict_chk(true);
        let _ = socket.set_rx_buf_sz(1_048_576_i32);
        Ok(Conversation { socket, sequence: 0 })
    }

    /// Interfaces, addresses, and the unicast routes of the main table in the address' family.
    pub fn snapshot(&mut self, ip: IpAddr) -> Result<Snapshot, Error> {
        let mut snapshot = self.holdings()?;
        let request = if ip.is_ipv6() { encode::dump_routes_v6 } else { encode::dump_routes_v4 };
        snapshot.routes = self.list("list routes", request, decode::route)?;
        Ok(snapshot)
    }

    /// Interfaces and addresses, without routes: cheap on a router with a full table.
    pub fn holdings(&mut self) -> Result<Snapshot, Error> {
        Ok(Snapshot {
            links: self.list("list interfaces", encode::dump_links, decode::link)?,
            addrs: self.list("list addresses", encode::dump_addresses, decode::address)?,
            routes: Vec::new(),
        })
    }

    /// A whole table. When it changes while the kernel lists it, rows may be missing, and a missing
    /// row would be a lost address: list again. A table that never rests is taken as it is.
    fn list<T>(
        &mut self,
        what: &str,
        request: fn() -> Vec<u8>,
        decode: fn(Frame<'_>) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let mut rows = Vec::new();
        for _ in 0..LISTINGS {
            let mut torn = false;
            rows.clear();
            self.request(what, request(), |f| {
                torn |= f.is_torn();
                rows.extend(decode(f));
            })?;
            if !torn {
                break;
            }
        }
        Ok(rows)
    }

    /// Carries out each operation, whatever becomes of the others, and answers for each. Adding
    /// what is there and removing what is gone count as done: somebody was faster.
    pub fn apply(&mut self, ops: &[Op]) -> Vec<Result<(), Error>> {
        ops.iter().map(|op| self.one(op)).collect()
    }

    fn one(&mut self, op: &Op) -> Result<(), Error> {
        let done = self.request(&op.to_string(), encode::op(op), |_| ());
        match (op, done.as_ref().err().and_then(Error::errno)) {
            (Op::Add(_), Some(Errno::EEXIST)) => Ok(()),
            (Op::Remove(_), Some(Errno::EADDRNOTAVAIL | Errno::ENODEV)) => Ok(()),
            _ => done,
        }
    }

    /// Sends one request and hands every answering frame to `each`, until the acknowledgement or
    /// the end of the dump.
    fn request(
        &mut self,
        what: &str,
        mut bytes: Vec<u8>,
        mut each: impl FnMut(Frame<'_>),
    ) -> Result<(), Error> {
        self.sequence = self.sequence.wrapping_add(1);
        encode::number(&mut bytes, self.sequence);
        retry(|| self.socket.send(&bytes, 0)).map_err(|cause| Error::Socket { doing: "send", cause })?;
        loop {
            let (datagram, _) = retry(|| self.socket.recv_from_full())
                .map_err(|cause| Error::Socket { doing: "receive", cause })?;
            for frame in decode::frames(&datagram).filter(|f| f.sequence == self.sequence) {
                each(frame);
                match frame.verdict() {
                    None => {}
                    Some(0) => return Ok(()),
                    Some(code) => {
                        let errno = Errno::from_raw(code.saturating_neg());
                        return Err(Error::Refused { what: what.to_owned(), errno });
                    }
                }
            }
        }
    }
}

/// Signals must not look like failures.
fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
