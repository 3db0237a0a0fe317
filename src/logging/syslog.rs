//! The local syslog socket: one datagram a line, connected anew when the daemon behind it restarts.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;

/// A full syslog daemon may hold up the log thread this long, for one line.
const PATIENCE: Duration = Duration::from_millis(200);

/// A connection to syslog.
#[derive(Debug)]
pub(super) struct Syslog {
    path: PathBuf,
    socket: Option<UnixDatagram>,
}

impl Syslog {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, socket: None }
    }

    /// Sends `<priority>line`, with a second try on a fresh socket.
    pub(super) fn send(&mut self, priority: u16, line: &str) -> io::Result<()> {
        let datagram = format!("<{priority}>{line}");
        if let Some(socket) = &self.socket
            && socket.send(datagram.as_bytes()).is_ok()
        {
            return Ok(());
        }
        self.socket = None;
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.connect(&self.path)?;
        socket.send(datagram.as_bytes())?;
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
}
