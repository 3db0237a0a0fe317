//! Raw packets to an interface (`AF_PACKET`).
//!
//! The only unsafe step is filling in a `sockaddr_ll`, for which no crate of ours has a safe
//! constructor.
#![expect(unsafe_code, reason = "socket2 takes a hand-made sockaddr_ll only through an unsafe constructor")]

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use socket2::{Domain, SockAddr, Socket, Type};

/// A socket that sends packets to interfaces and receives nothing.
///
/// Closing the last descriptor of one takes the kernel some ten milliseconds (it waits for a grace
/// period), so who is in a hurry keeps it, or hands it to somebody who is not.
#[derive(Debug)]
pub struct PacketSocket(Socket);

impl PacketSocket {
    /// Opens it. Needs `CAP_NET_RAW`.
    pub fn open() -> io::Result<Self> {
        // Protocol 0: the kernel queues no packet for us.
        Socket::new(Domain::PACKET, Type::DGRAM, None).map(PacketSocket)
    }

    /// The packet socket this process was started with as its standard input, if it was.
    pub fn inherited() -> io::Result<Self> {
        let socket = Socket::from(io::stdin().as_fd().try_clone_to_owned()?);
        match socket.domain()? {
            Domain::PACKET => Ok(PacketSocket(socket)),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// Sends the payload of one Ethernet frame; the kernel writes the header.
    pub fn send(&self, index: u32, ethertype: u16, to: [u8; 6], payload: &[u8]) -> io::Result<()> {
        let address = link_address(index, ethertype, to)?;
        self.0.send_to(payload, &address).map(|_| ())
    }
}

impl From<PacketSocket> for OwnedFd {
    fn from(socket: PacketSocket) -> Self {
        socket.0.into()
    }
}

fn link_address(index: u32, ethertype: u16, to: [u8; 6]) -> io::Result<SockAddr> {
    let index = i32::try_from(index).map_err(io::Error::other)?;
    let mut address = [0u8; 8];
    for (slot, byte) in address.iter_mut().zip(to) {
        *slot = byte;
    }
    // SAFETY: the storage given to us is zeroed and as large and aligned as any socket address;
    // we write a whole sockaddr_ll into it and report its length.
    let ((), address) = unsafe {
        SockAddr::try_init(|storage, length| {
            storage.cast::<libc::sockaddr_ll>().write(libc::sockaddr_ll {
                sll_family: libc::AF_PACKET as u16,
                sll_protocol: ethertype.to_be(),
                sll_ifindex: index,
                sll_hatype: 0,
                sll_pkttype: 0,
                sll_halen: 6,
                sll_addr: address,
            });
            *length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
            Ok(())
        })?
    };
    Ok(address)
}
