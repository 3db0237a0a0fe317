//! Messages from scripts and tools to the daemon (client-api.md section 8).

use crate::wire::{Message, Value};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// A longer message could be torn apart by another writer.
const LONGEST: usize = libc::PIPE_BUF;

/// The bytes of a message for the FIFO. `None` when a field would change the message: anything but
/// text, or text with a line break.
pub fn bytes_of(message: &Message) -> Option<Vec<u8>> {
    let mut bytes = b">>>\n".to_vec();
    for field in message.fields() {
        let Value::Text(text) = &field.value else {
            return None;
        };
        if field.name.contains(&b'\n') || text.contains(&b'\n') {
            return None;
        }
        bytes.extend_from_slice(&field.name);
        bytes.push(b'=');
        bytes.extend_from_slice(text);
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(b"<<<\n");
    Some(bytes).filter(|bytes| bytes.len() <= LONGEST)
}

/// Writes one message in one piece. Never waits: without a daemon that reads, it fails.
pub fn send(path: &Path, message: &Message) -> io::Result<()> {
    let unfit = || io::Error::new(io::ErrorKind::InvalidInput, "not a message for the FIFO");
    let bytes = bytes_of(message).ok_or_else(unfit)?;
    let mut fifo = open(path)?;
    if !fifo.metadata()?.file_type().is_fifo() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a FIFO"));
    }
    match fifo.write(&bytes)? {
        n if n == bytes.len() => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}

/// Whether a daemon is there.
pub(super) fn is_read(path: &Path) -> bool {
    open(path).is_ok()
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_classic_text() {
        let message = Message::of("resource").with("rsc_hold", "foreign").with("info", "mach_down");
        assert_eq!(bytes_of(&message).unwrap(), b">>>\nt=resource\nrsc_hold=foreign\ninfo=mach_down\n<<<\n");
        assert_eq!(bytes_of(&Message::of("x").with("a", "b\nc=d")), None);
        assert_eq!(bytes_of(&Message::of("x").with("a", &"b".repeat(5000))), None);
    }

    #[test]
    fn nobody_listening_is_an_error_not_a_wait() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fifo");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(send(&path, &Message::of("x")).unwrap_err().raw_os_error(), Some(libc::ENXIO));
        assert!(send(&dir.path().join("none"), &Message::of("x")).is_err());
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert!(send(&dir.path().join("file"), &Message::of("x")).is_err());
    }
}
