//! The lock files by which programs share serial lines (UUCP's, in the form of the FHS): `LCK..ttyS0` with
//! the number of the process that uses the line.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// Where they are.
const DIRECTORY: &str = "/var/lock";
/// A stale lock is removed and taken; another may come between.
const TRIES: u32 = 3;

/// A line that is ours. Given back when this goes.
#[derive(Debug)]
pub(super) struct Lock(Option<PathBuf>);

/// The process that has the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken(pub(super) i32);

impl Lock {
    /// Takes the line, from a process that is no more if need be. Where there is no place for locks nobody
    /// looks at them, and none is needed.
    pub(super) fn take(device: &str) -> io::Result<Result<Self, Taken>> {
        Self::take_in(Path::new(DIRECTORY), device)
    }

    fn take_in(directory: &Path, device: &str) -> io::Result<Result<Self, Taken>> {
        if !directory.is_dir() {
            return Ok(Ok(Self(None)));
        }
        let name = device.strip_prefix("/dev/").unwrap_or(device).replace('/', "_");
        let lock = directory.join(format!("LCK..{name}"));
        let own = directory.join(format!("tmp{}-{name}", std::process::id()));
        let taken = write(&own).and_then(|()| Self::link(&own, &lock));
        let _ = fs::remove_file(&own);
        taken
    }

    /// A link is made or not made: no two processes can both believe to have done it.
    fn link(own: &Path, lock: &Path) -> io::Result<Result<Self, Taken>> {
        let mut tries = 0;
        loop {
            tries += 1;
            match fs::hard_link(own, lock) {
                Ok(()) => return Ok(Ok(Self(Some(lock.to_owned())))),
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists || tries > TRIES => {
                    return Err(error);
                }
                Err(_) => {}
            }
            if let Some(owner) = living_owner(lock) {
                return Ok(Err(Taken(owner)));
            }
            let _ = fs::remove_file(lock);
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // One that is gone already was somebody else's doing.
        let _ = self.0.take().map(fs::remove_file);
    }
}

fn write(path: &Path) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    writeln!(file, "{:>10}", std::process::id())
}

/// The process named in the file, if it is another one and lives.
fn living_owner(lock: &Path) -> Option<i32> {
    let text = fs::read_to_string(lock).ok()?;
    let owner = text.trim().parse().ok().filter(|pid: &i32| *pid > 0)?;
    let ours = u32::try_from(owner) == Ok(std::process::id());
    let lives = kill(Pid::from_raw(owner), None) != Err(Errno::ESRCH);
    (lives && !ours).then_some(owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_belongs_to_one_living_process() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("LCK..ttyS0");
        let take = || Lock::take_in(dir.path(), "/dev/ttyS0").unwrap();
        let lock = take().unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), format!("{:>10}\n", std::process::id()));
        assert!(take().is_ok(), "ours already, from the life before this one");
        drop(lock);
        for stale in ["", "no number", "0", "-1", "4194305", &i32::MAX.to_string()] {
            fs::write(&file, stale).unwrap();
            assert!(take().is_ok(), "{stale:?} is stale");
        }
        fs::write(&file, "         1\n").unwrap();
        assert_eq!(take().unwrap_err(), Taken(1));
        assert!(file.exists());
        let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["LCK..ttyS0"]);
    }

    #[test]
    fn a_line_deep_in_the_tree_has_a_plain_name() {
        let dir = tempfile::tempdir().unwrap();
        let _lock = Lock::take_in(dir.path(), "/dev/usb/tts/0").unwrap().unwrap();
        assert!(dir.path().join("LCK..usb_tts_0").exists());
        assert!(Lock::take_in(&dir.path().join("none"), "/dev/ttyS0").unwrap().is_ok());
    }
}
