//! One conversation with the kernel over rtnetlink: look, then apply.
//!
//! Operations go out many in one piece, and each is acknowledged, with the errno in it: some microseconds for an
//! address. What is expensive is a look at tables for each of them, or a process.

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

impl Error {
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
        self.tables(ip.is_ipv4(), ip.is_ipv6())
    }

    /// Interfaces, addresses, and the unicast routes of the main table in each family that is asked for.
    pub fn tables(&mut self, v4: bool, v6: bool) -> Result<Snapshot, Error> {
        let mut snapshot = self.holdings()?;
        if v4 {
            snapshot.routes = self.list("list routes", encode::dump_routes_v4, decode::route)?;
        }
        if v6 {
            snapshot.routes.extend(self.list("list routes", encode::dump_routes_v6, decode::route)?);
        }
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
            self.request(&|| what.to_owned(), request(), |f| {
                torn |= f.is_torn();
                rows.extend(decode(f));
            })?;
            if !torn {
                break;
            }
        }
        Ok(rows)
    }

    /// Carries out each operation in this order, whatever becomes of the others, and answers for each. Adding
    /// what is there and removing what is gone count as done: somebody was faster.
    pub fn apply(&mut self, ops: &[Op]) -> Vec<Result<(), Error>> {
        ops.chunks(TOGETHER).flat_map(|some| self.several(some)).collect()
    }

    /// One datagram with all of them, and an acknowledgement for each. One that got lost is asked for again.
    fn several(&mut self, ops: &[Op]) -> Vec<Result<(), Error>> {
        let mut answers: Vec<Option<Result<(), Error>>> = ops.iter().map(|_| None).collect();
        if let Err(error) = self.exchange(ops, &mut answers) {
            return answers.into_iter().map(|a| a.unwrap_or_else(|| Err(error.again()))).collect();
        }
        let pairs = ops.iter().zip(answers);
        pairs.map(|(op, answer)| answer.unwrap_or_else(|| self.one(op))).collect()
    }

    fn exchange(&mut self, ops: &[Op], answers: &mut [Option<Result<(), Error>>]) -> Result<(), Error> {
        let first = self.sequence.wrapping_add(1);
        let mut bytes = Vec::new();
        for op in ops {
            self.sequence = self.sequence.wrapping_add(1);
            let mut request = encode::op(op);
            encode::number(&mut request, self.sequence);
            request.resize(request.len().next_multiple_of(4), 0);
            bytes.append(&mut request);
        }
        retry(|| self.socket.send(&bytes, 0)).map_err(|cause| Error::Socket { doing: "send", cause })?;
        while answers.iter().any(Option::is_none) {
            let datagram = match retry(|| self.socket.recv_from_full()) {
                Ok((datagram, _)) => datagram,
                // More acknowledgements than there was room for.
                Err(cause) if cause.raw_os_error() == Some(libc::ENOBUFS) => return Ok(()),
                Err(cause) => return Err(Error::Socket { doing: "receive", cause }),
            };
            for frame in decode::frames(&datagram) {
                let at = usize::try_from(frame.sequence.wrapping_sub(first)).unwrap_or(usize::MAX);
                if let (Some(slot), Some(op), Some(code)) =
                    (answers.get_mut(at), ops.get(at), frame.verdict())
                {
                    *slot = Some(forgiving(op, verdict(&|| op.to_string(), code)));
                }
            }
        }
        Ok(())
    }

    fn one(&mut self, op: &Op) -> Result<(), Error> {
        forgiving(op, self.request(&|| op.to_string(), encode::op(op), |_| ()))
    }

    /// Sends one request and hands every answering frame to `each`, until the acknowledgement or
    /// the end of the dump.
    fn request(
        &mut self,
        what: &dyn Fn() -> String,
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
                if let Some(code) = frame.verdict() {
                    return verdict(what, code);
                }
            }
        }
    }
}

/// Whether news of the kernel call for a look: an address went, or something happened to a link.
pub fn tells_of_loss(datagram: &[u8]) -> bool {
    decode::frames(datagram).any(Frame::may_be_a_loss)
}

/// The kernel's final word: 0, or a negative errno.
fn verdict(what: &dyn Fn() -> String, code: i32) -> Result<(), Error> {
    match code {
        0 => Ok(()),
        code => Err(Error::Refused { what: what(), errno: Errno::from_raw(code.saturating_neg()) }),
    }
}

fn forgiving(op: &Op, done: Result<(), Error>) -> Result<(), Error> {
    match (op, done.as_ref().err().and_then(Error::errno)) {
        (Op::Add(_), Some(Errno::EEXIST)) => Ok(()),
        (Op::Remove(_), Some(Errno::EADDRNOTAVAIL | Errno::ENODEV)) => Ok(()),
        _ => done,
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
