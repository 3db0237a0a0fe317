//! The table of virtual services of one room.

use std::fs::File;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use heartbeat::director::ipvs::{Ipvs, Netlink};
use heartbeat::director::table::Table;
use nix::sched::{CloneFlags, setns};

use crate::guest::listing::rows;
use crate::lab::stage::Stage;
use crate::lab::{Failure, bail};

/// Does something in the network namespace of a stage; sockets opened there stay there.
pub(crate) fn within<T: Send>(stage: &Stage, act: impl FnOnce() -> T + Send) -> Result<T, Failure> {
    let place = File::open(format!("/proc/{}/ns/net", stage.init()))?;
    let enter = || setns(&place, CloneFlags::CLONE_NEWNET);
    let entered = thread::scope(|scope| scope.spawn(|| enter().map(|()| act())).join());
    match entered {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(errno)) => bail!("cannot enter a network namespace: {errno}"),
        Err(_) => bail!("what was done in a network namespace has panicked"),
    }
}

/// The kernel of one network namespace.
pub(crate) struct Kernel(Mutex<Netlink>);

impl Kernel {
    pub(crate) fn of(stage: &Stage) -> Result<Self, Failure> {
        let opened = within(stage, Netlink::open)?;
        opened.map(|netlink| Self(Mutex::new(netlink))).map_err(|e| Failure::new(e.to_string()))
    }

    /// The table without starting a program: cheap enough to be looked at many times a second.
    pub(crate) fn table(&self) -> Result<Table, Failure> {
        let mut netlink = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        netlink.table().map_err(|e| Failure::new(e.to_string()))
    }
}

/// The table as the real tool shows it: services and servers with method and weight, then with their thresholds.
pub(crate) fn listed(stage: &Stage) -> Result<Listing, Failure> {
    let run = |words: &[&str]| -> Result<String, Failure> {
        let mut command: Command = stage.enter(&[]);
        let ran = command.arg("ipvsadm").args(words).output()?;
        if !ran.status.success() {
            bail!("ipvsadm {}: {}", words.join(" "), String::from_utf8_lossy(&ran.stderr));
        }
        Ok(String::from_utf8_lossy(&ran.stdout).into_owned())
    };
    let servers = run(&["-L", "-n"])?;
    let limits = run(&["-L", "-n", "--thresholds"])?;
    Ok(Listing { servers: rows(&servers, 4), limits: rows(&limits, 4) })
}

/// What [`listed`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) servers: Vec<String>,
    pub(crate) limits: Vec<String>,
}
