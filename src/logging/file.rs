//! One log file: opened to append, opened anew when somebody renamed or removed it.

use nix::unistd::{Group, User};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// A file that survives log rotation by others.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    open: Option<File>,
    /// The disk was full in the middle of a line.
    torn: bool,
}

impl LogFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, open: None, torn: false }
    }

    /// Appends one line in a single write.
    pub(super) fn write_line(&mut self, line: &str) -> io::Result<()> {
        if self.moved_away() {
            self.open = None;
        }
        let file = match &mut self.open {
            Some(file) => file,
            empty => empty.insert(open_append(&self.path)?),
        };
        let text = if self.torn { format!("\n{line}\n") } else { format!("{line}\n") };
        let (written, error) = write(file, text.as_bytes());
        if written > 0 {
            self.torn = written < text.len();
        }
        let Some(error) = error else { return Ok(()) };
        self.open = None;
        Err(error)
    }

    fn moved_away(&self) -> bool {
        let Some(file) = &self.open else { return false };
        match (file.metadata(), std::fs::metadata(&self.path)) {
            (Ok(ours), Ok(there)) => identity(&ours) != identity(&there),
            _ => true,
        }
    }
}

/// Writes, and tells how much of it could be written, and why no more.
fn write(mut file: &File, mut bytes: &[u8]) -> (usize, Option<io::Error>) {
    let whole = bytes.len();
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return (whole - bytes.len(), Some(io::ErrorKind::WriteZero.into())),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (whole - bytes.len(), Some(error)),
        }
    }
    (whole, None)
}

/// Opens a file the way every log of heartbeat is opened: append, created with mode 0644. A FIFO
/// without reader must not hold us.
pub(super) fn open_append(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o644)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    hand_over(&file);
    Ok(file)
}

/// Gives a file of root's to hacluster, as 3.0.6 does at its start: the programs of `respawn` run as that
/// user and write to the same log. Where that is not possible, they have no log.
fn hand_over(file: &File) {
    if !file.metadata().is_ok_and(|m| m.is_file() && m.uid() == 0) || !nix::unistd::geteuid().is_root() {
        return;
    }
    let user = User::from_name("hacluster").ok().flatten();
    let group = Group::from_name("haclient").ok().flatten();
    if let (Some(user), Some(group)) = (user, group) {
        let _ = std::os::unix::fs::fchown(file, Some(user.uid.as_raw()), Some(group.gid.as_raw()));
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_file_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ha-log");
        let mut log = LogFile::new(path.clone());
        log.write_line("one").unwrap();
        std::fs::rename(&path, dir.path().join("ha-log.1")).unwrap();
        log.write_line("two").unwrap();
        std::fs::remove_file(&path).unwrap();
        log.write_line("three").unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("ha-log.1")).unwrap(), "one\n");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three\n");
    }

    #[test]
    fn the_log_of_root_belongs_to_those_who_write_to_it_too() {
        let Some(user) = User::from_name("hacluster").unwrap() else { return };
        if !nix::unistd::geteuid().is_root() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ha-log");
        std::fs::write(&path, "").unwrap();
        let mut log = LogFile::new(path.clone());
        for _ in 0..2 {
            log.write_line("one").unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().uid(), user.uid.as_raw());
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_torn_line_does_not_spoil_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut file = LogFile::new(path.clone());
        file.write_line("one").unwrap();
        file.torn = true;
        file.write_line("two").unwrap();
        file.write_line("three").unwrap();
        assert_eq!(std::fs::read_to_string(path).unwrap(), "one\n\ntwo\nthree\n");
    }
}
