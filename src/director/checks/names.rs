//! Addresses of names that come up during a check: where a redirection leads.
//!
//! The system's resolver blocks, and a name server that is dead makes it block long after the check has given up. So only
//! a few threads look names up at a time; who finds them all busy waits, as long as his own time lasts, and leaves
//! nothing behind.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use tokio::sync::Semaphore;

/// So many names are looked up at a time.
static BUSY: Semaphore = Semaphore::const_new(16);

/// The addresses of a host, with this port.
pub(super) async fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    // An address needs nobody's help.
    if let Ok(ip) = host.parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let turn = BUSY.acquire().await.map_err(io::Error::other)?;
    let host = host.to_owned();
    let looked_up = tokio::task::spawn_blocking(move || {
        let found = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
        // Whoever asked may be gone; the thread is free only now.
        drop(turn);
        found
    });
    looked_up.await.map_err(io::Error::other)?
}
