//! A serial cable between the two nodes: a pair of pseudo terminals and a thread that carries bytes from
//! one to the other. Either node sees its end as [`DEVICE`].

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{OpenptyResult, openpty};
use nix::sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr};

use super::stage::Stage;
use super::{Failure, Node, bail};

/// The name of the cable's end on either node.
pub(crate) const DEVICE: &str = "/dev/ttyHB0";

/// The cable. When it goes, the lines hang up, as a device that is pulled out.
pub(crate) struct SerialCable {
    carries: Arc<Mutex<Carries>>,
    /// The ends once more, to put noise on the line.
    noise: [OwnedFd; 2],
    ended: Arc<AtomicBool>,
    carrier: Option<JoinHandle<()>>,
}

/// One end: what the cable holds of it. The terminal itself is held open as well, as hardware is there
/// whether a program uses it or not.
struct End {
    master: OwnedFd,
    _slave: OwnedFd,
}

impl SerialCable {
    /// Lays the cable and makes its ends visible. May be done anew after the old one went.
    pub(crate) fn lay(nodes: &[Node]) -> Result<Self, Failure> {
        let ends = [End::new(nodes.first())?, End::new(nodes.get(1))?];
        let noise = [ends[0].master.try_clone()?, ends[1].master.try_clone()?];
        let (carries, ended) = (Arc::new(Mutex::new(Carries::All)), Arc::new(AtomicBool::new(false)));
        let flags = (Arc::clone(&carries), Arc::clone(&ended));
        let carrier = std::thread::spawn(move || carry(&ends, &flags.0, &flags.1));
        Ok(Self { carries, noise, ended, carrier: Some(carrier) })
    }

    /// What becomes of bytes from now on.
    pub(crate) fn set(&self, carries: Carries) {
        *self.carries.lock().unwrap_or_else(PoisonError::into_inner) = carries;
    }

    /// Puts bytes on the line as if they came from the other node. What the terminal has no room for is lost.
    pub(crate) fn inject(&self, node: usize, bytes: &[u8]) -> Result<(), Failure> {
        let Some(end) = self.noise.get(node.wrapping_sub(1)) else { bail!("there is no node {node}") };
        match nix::unistd::write(end, bytes) {
            Ok(_) | Err(nix::Error::EAGAIN) => Ok(()),
            Err(error) => Err(io::Error::from(error).into()),
        }
    }
}

impl Drop for SerialCable {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // its panic would have been printed
        let _ = self.carrier.take().map(JoinHandle::join);
    }
}

impl End {
    fn new(node: Option<&Node>) -> Result<Self, Failure> {
        let system = |error: nix::Error| Failure::from(io::Error::from(error)).of("pseudo terminal");
        let OpenptyResult { master, slave } = openpty(None, None).map_err(system)?;
        for fd in [&master, &slave] {
            fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map_err(system)?;
        }
        // a terminal echoes, until somebody tells it not to
        let mut raw = tcgetattr(&slave).map_err(system)?;
        cfmakeraw(&mut raw);
        tcsetattr(&slave, SetArg::TCSANOW, &raw).map_err(system)?;
        fcntl(&master, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(system)?;
        let name = nix::unistd::ttyname(&slave).map_err(system)?;
        if let Some(node) = node {
            show(node.stage(), &name.to_string_lossy())?;
        }
        Ok(Self { master, _slave: slave })
    }
}

/// Makes a terminal of this machine visible in a node as [`DEVICE`]. A node has the machine's /dev until
/// then; from now on one of its own, with the devices that programs use.
fn show(stage: &Stage, terminal: &str) -> Result<(), Failure> {
    let script = format!(
        "set -e
        if mountpoint -q {DEVICE}; then umount -l {DEVICE}; else
            mkdir -p /mnt/dev
            mount -t tmpfs -o mode=755 tmpfs /mnt/dev
            for f in null zero full random urandom tty ptmx; do
                touch /mnt/dev/$f
                mount --bind /dev/$f /mnt/dev/$f
            done
            for d in pts shm; do mkdir /mnt/dev/$d; mount --rbind /dev/$d /mnt/dev/$d; done
            ln -s /proc/self/fd /mnt/dev/fd
            touch /mnt{DEVICE}
            mount --rbind /mnt/dev /dev
        fi
        mount --bind {terminal} {DEVICE}\n"
    );
    stage.script(&["--mount", "--pid"], &script).map(drop)
}

/// What a cable does with bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    /// It carries them.
    All,
    /// They get lost on it, as on one that is cut.
    Nothing,
    /// It takes none: the other side never says that it is ready.
    Stuck,
}

/// Bytes both ways, until the end. What a terminal has no room for is lost, as with real ones.
fn carry(ends: &[End; 2], carries: &Mutex<Carries>, ended: &AtomicBool) {
    let [a, b] = ends.each_ref().map(|end| end.master.as_fd());
    while !ended.load(Ordering::SeqCst) {
        let carries = *carries.lock().unwrap_or_else(PoisonError::into_inner);
        if carries == Carries::Stuck {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        }
        let mut both = [a, b].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        // an interrupted wait is looked at like any other
        let _ = poll(&mut both, PollTimeout::from(20u8));
        for (from, to) in [(a, b), (b, a)] {
            pass_on(from, to, carries == Carries::All);
        }
    }
}

fn pass_on(from: BorrowedFd<'_>, to: BorrowedFd<'_>, carries: bool) {
    let mut bytes = [0; 4096];
    if let Ok(count) = nix::unistd::read(from, &mut bytes)
        && carries
    {
        let _ = nix::unistd::write(to, bytes.get(..count).unwrap_or_default());
    }
}
