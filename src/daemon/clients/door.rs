//! The register socket itself: made, opened, and left behind as 3.0.6 leaves it.

use crate::paths::REGISTER;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};

/// Open files that this daemon may have when clients come in numbers.
const FILES: u64 = 4096;

/// Open files that are not for clients: scripts need pipes, media and logs are opened anew.
const RESERVE: u64 = 128;
/// So many clients there may be, however few files may be open.
const FEWEST: u64 = 16;

pub(super) struct Door {
    listener: UnixListener,
}

/// Who came.
pub(super) enum Visit {
    Somebody(UnixStream),
    Nobody,
    /// There is no room for more open files.
    NoRoom(io::Error),
}

impl Door {
    /// What an earlier daemon left is replaced.
    pub(super) fn open() -> io::Result<Self> {
        match fs::remove_file(REGISTER) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(REGISTER)?;
        listener.set_nonblocking(true)?;
        // The directory keeps strangers out.
        fs::set_permissions(REGISTER, Permissions::from_mode(0o777))?;
        Ok(Self { listener })
    }

    pub(super) fn visit(&self) -> Visit {
        match self.listener.accept() {
            Ok((stream, _)) => Visit::Somebody(stream),
            Err(error) => match error.raw_os_error() {
                Some(libc::EMFILE) if more_files() => self.visit_again(),
                Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOBUFS) => Visit::NoRoom(error),
                _ => Visit::Nobody,
            },
        }
    }

    fn visit_again(&self) -> Visit {
        match self.listener.accept() {
            Ok((stream, _)) => Visit::Somebody(stream),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Visit::Nobody,
            Err(error) => Visit::NoRoom(error),
        }
    }
}

/// How many connections there may be where there are `count`.
pub(super) fn room(count: usize) -> usize {
    let soft = || getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(soft, _)| soft);
    let most = |files: u64| usize::try_from(files.saturating_sub(RESERVE).max(FEWEST)).unwrap_or(usize::MAX);
    let room = most(soft());
    if count >= room && more_files() { most(soft()) } else { room }
}

impl AsFd for Door {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

/// Raises the limit of open files, as late as possible: children inherit it. `false` when it is as high as it
/// can be.
fn more_files() -> bool {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return false };
    let wanted = FILES.min(hard);
    soft < wanted && setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok()
}
