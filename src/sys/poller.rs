//! Many descriptors as one that tokio can wait for: who has thousands of them looks at a bounded part of those
//! that are ready, next time at the others.
#![expect(unsafe_code, reason = "tokio takes a descriptor only from who vouches for it")]

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, RawFd};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Descriptors shown at one look.
const BURST: usize = 64;

struct Watch(Epoll);

impl AsRawFd for Watch {
    fn as_raw_fd(&self) -> RawFd {
        self.0.0.as_raw_fd()
    }
}

/// What to watch a descriptor for. Its end is seen in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// Something to read.
    pub read: bool,
    /// Room to write.
    pub write: bool,
}

impl Want {
    /// Something to read, nothing else.
    pub const READ: Want = Want { read: true, write: false };
}

/// Watches descriptors, each under a number.
pub struct Poller {
    watch: AsyncFd<Watch>,
    /// There may be more than the last look showed.
    more: bool,
}

impl Poller {
    /// Watches nothing yet. To be called within the runtime.
    pub fn new() -> io::Result<Self> {
        let watch = Watch(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?);
        // SAFETY: `watch` owns its descriptor, never replaces it, and is dropped after tokio let go of it.
        let watch = unsafe { AsyncFd::register_with_interest(watch, Interest::READABLE) }?;
        Ok(Self { watch, more: false })
    }

    /// Watches one more.
    pub fn add(&self, fd: impl AsFd, number: u64, want: Want) -> io::Result<()> {
        Ok(self.watch.get_ref().0.add(fd, EpollEvent::new(flags(want), number))?)
    }

    /// Changes what is watched for.
    pub fn change(&self, fd: impl AsFd, number: u64, want: Want) -> io::Result<()> {
        let mut event = EpollEvent::new(flags(want), number);
        Ok(self.watch.get_ref().0.modify(fd, &mut event)?)
    }

    /// Watches no longer. What is closed needs no farewell.
    pub fn remove(&self, fd: impl AsFd) {
        // An error says that it was not watched.
        let _ = self.watch.get_ref().0.delete(fd);
    }

    /// Waits until [`Poller::look`] has something to show.
    pub async fn ready(&self) {
        if !self.more
            && let Ok(mut guard) = self.watch.readable().await
        {
            guard.retain_ready();
        }
    }

    /// The numbers of those that can be read from or written to, or that are broken.
    pub fn look(&mut self) -> Vec<u64> {
        // Under tokio's eyes: where it knows that there is nothing the kernel is not asked, and it learns
        // when there is nothing more.
        let looked = self.watch.try_io(Interest::READABLE, |watch| match wait(watch) {
            found if found.is_empty() => Err(ErrorKind::WouldBlock.into()),
            found => Ok(found),
        });
        let found = looked.unwrap_or_default();
        self.more = !found.is_empty();
        found
    }
}

fn flags(want: Want) -> EpollFlags {
    let mut flags = EpollFlags::empty();
    flags.set(EpollFlags::EPOLLIN, want.read);
    flags.set(EpollFlags::EPOLLOUT, want.write);
    flags
}

fn wait(watch: &Watch) -> Vec<u64> {
    let mut events = [EpollEvent::empty(); BURST];
    let count = loop {
        match watch.0.wait(&mut events, EpollTimeout::ZERO) {
            Err(Errno::EINTR) => {}
            other => break other.unwrap_or(0),
        }
    };
    events.iter().take(count).map(EpollEvent::data).collect()
}
