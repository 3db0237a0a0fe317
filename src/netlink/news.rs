//! What the kernel tells unasked.

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// The kernel's news of links and addresses. Never waits.
#[derive(Debug)]
pub struct News(Socket);

impl News {
    /// Interfaces that come, go or change.
    pub const LINKS: u32 = 0x1;
    /// IPv4 addresses that come or go.
    pub const IPV4: u32 = 0x10;
    /// IPv6 addresses.
    pub const IPV6: u32 = 0x100;

    /// Listens from now on to these groups, in the network namespace of the caller.
    pub fn open(groups: u32) -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind(&SocketAddr::new(0, groups))?;
        socket.set_non_blocking(true)?;
        Ok(Self(socket))
    }

    /// Takes all there is. Whether some was lost: more news than there was room for.
    pub fn take(&self, mut each: impl FnMut(&[u8])) -> bool {
        let mut lost = false;
        loop {
            match self.0.recv_from_full() {
                Ok((datagram, _)) => each(&datagram),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => lost = true,
                Err(_) => return lost,
            }
        }
    }
}

impl AsFd for News {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
