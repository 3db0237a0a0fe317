//! The load average, for the `ld` field of status messages. Read by the pulse itself, so only where reading it
//! cannot wait for anybody: from the kernel's own /proc. In some containers a file system in user space stands in
//! its place; then nothing is read, and the field says so (`n/a`), as with 3.0.6 where there is no such file.

use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

const PATH: &str = "/proc/loadavg";
/// How often it is read anew: the kernel's averages change that often.
const AGE: Duration = Duration::from_secs(5);
/// Kept of the line.
const LONGEST: usize = 63;

pub(super) struct Load {
    file: Option<File>,
    read: Option<Instant>,
}

impl Load {
    /// Opens the file, for good: to look for it again and again could mean to wait for a disk.
    pub(super) fn open() -> Self {
        let of_the_kernel =
            |file: &File| fstatfs(file).is_ok_and(|s| s.filesystem_type() == PROC_SUPER_MAGIC);
        Self { file: File::open(PATH).ok().filter(of_the_kernel), read: None }
    }

    /// The first line, once in a while.
    pub(super) fn read(&mut self) -> Option<String> {
        if self.read.is_some_and(|at| at.elapsed() < AGE) {
            return None;
        }
        self.read = Some(Instant::now());
        let mut bytes = [0; 128];
        let length = self.file.as_ref()?.read_at(&mut bytes, 0).ok()?;
        let text = String::from_utf8_lossy(bytes.get(..length)?);
        Some(text.lines().next().unwrap_or_default().chars().take(LONGEST).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_anew_and_not_too_often() {
        let mut load = Load::open();
        let first = load.read().unwrap();
        assert_eq!(first.split(' ').count(), 5, "{first}");
        assert_eq!(load.read(), None);
        load.read = None;
        assert!(load.read().is_some(), "read from its beginning again");
    }
}
