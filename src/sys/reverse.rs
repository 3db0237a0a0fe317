//! The name of an address, as the system knows it: `/etc/hosts`, DNS, whatever the machine is set up to ask.
#![expect(unsafe_code, reason = "getnameinfo has no safe wrapper in nix")]

use nix::sys::socket::{SockaddrLike, SockaddrStorage};
use std::ffi::CStr;
use std::net::{IpAddr, SocketAddr};

/// The longest name that is taken, with its end.
const LONGEST: usize = 1025;

/// The name of an address; `None` where it has none. Waits for name servers: not for a thread that must not.
pub fn name_of(ip: IpAddr) -> Option<String> {
    let at = SockaddrStorage::from(SocketAddr::new(ip, 0));
    let mut name = [0u8; LONGEST];
    let room = libc::socklen_t::try_from(name.len()).ok()?;
    // SAFETY: both pointers are to live locals of the lengths that are given; nothing is kept.
    let failed = unsafe {
        libc::getnameinfo(
            at.as_ptr(),
            at.len(),
            name.as_mut_ptr().cast(),
            room,
            std::ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    if failed != 0 {
        return None;
    }
    CStr::from_bytes_until_nul(&name).ok()?.to_str().ok().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_knows_itself() {
        let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
        let line = hosts.lines().find(|line| line.starts_with("127.0.0.1"));
        let Some(name) = line.and_then(|line| line.split_whitespace().nth(1)) else { return };
        assert_eq!(name_of(IpAddr::from([127, 0, 0, 1])).as_deref(), Some(name));
    }
}
