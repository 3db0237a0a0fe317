//! The local syslog socket: one datagram a line, connected anew when the daemon behind it restarts.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

/// A full syslog daemon may hold up the log thread this long; then lines are lost without waiting until it takes
/// one again.
const PATIENCE: Duration = Duration::from_millis(200);

/// A connection to syslog.
#[derive(Debug)]
pub struct Syslog {
    path: PathBuf,
    socket: Option<UnixDatagram>,
    /// It was waited for in vain.
    stuck: bool,
}

impl Syslog {
    /// Nothing is opened yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, socket: None, stuck: false }
    }

    /// Sends `<priority>line`, with a second try on a fresh socket.
    pub fn send(&mut self, priority: u16, line: &str) -> io::Result<()> {
        let datagram = format!("<{priority}>{line}");
        if let Some(socket) = self.socket.take()
            && self.try_on(socket, &datagram).is_ok()
        {
            return Ok(());
        }
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.connect(&self.path)?;
        self.try_on(socket, &datagram)
    }

    fn try_on(&mut self, socket: UnixDatagram, datagram: &str) -> io::Result<()> {
        socket.set_nonblocking(self.stuck)?;
        let sent = socket.send(datagram.as_bytes());
        self.stuck = sent.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        sent?;
        self.socket = Some(socket);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restarted_syslog_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let first = UnixDatagram::bind(&path).unwrap();
        let mut syslog = Syslog::new(path.clone());
        syslog.send(134, "one").unwrap();
        let mut buffer = [0; 64];
        let n = first.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..n], b"<134>one");
        drop(first);
        std::fs::remove_file(&path).unwrap();
        assert!(syslog.send(134, "lost").is_err());
        let second = UnixDatagram::bind(&path).unwrap();
        syslog.send(134, "two").unwrap();
        let n = second.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..n], b"<134>two");
    }

    #[test]
    fn one_that_does_not_read_is_waited_for_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let reader = UnixDatagram::bind(&path).unwrap();
        let mut syslog = Syslog::new(path);
        let full = (0..100_000).find(|_| syslog.send(134, "x").is_err());
        assert!(full.is_some(), "a reader that does not read takes no end of lines");
        let before = std::time::Instant::now();
        assert!((0..50).all(|_| syslog.send(134, "lost").is_err()));
        assert!(before.elapsed() < 10 * PATIENCE, "{:?}", before.elapsed());
        reader.recv(&mut [0; 64]).unwrap();
        syslog.send(134, "again").unwrap();
        assert!(!syslog.stuck);
    }
}
