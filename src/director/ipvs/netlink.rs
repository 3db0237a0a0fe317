//! One conversation with the kernel over generic netlink: look, then change.
//!
//! Requests are synchronous: each gets its acknowledgement, and the errno in it, before the next goes out.

use std::io;
use std::process::{Command, Stdio};

use netlink_sys::protocols::NETLINK_GENERIC;
use nix::errno::Errno;

use super::wire;
use super::{Error, Ipvs};
use crate::director::table::{Counted, Entry, Info, Op, Role, ServiceId, SyncDaemon, Table, Timeouts};
use crate::netlink::{self, Frame, Talk};

/// The program that loads modules.
const MODPROBE: &str = "/sbin/modprobe";

/// An open conversation with the kernel's IPVS, in the network namespace of who opened it.
pub struct Netlink {
    talk: Talk,
    /// The number of the family `IPVS`.
    family: u16,
}

impl Netlink {
    /// Opens it. Loads the module `ip_vs` where that is possible and needed; the kernel itself loads schedulers.
    pub fn open() -> Result<Netlink, Error> {
        let talk = Talk::open(NETLINK_GENERIC).map_err(|error| failed("speak with IPVS", error))?;
        let mut netlink = Netlink { talk, family: 0 };
        netlink.family = match netlink.ask_family() {
            Err(Error::Absent) => {
                load_module();
                netlink.ask_family()?
            }
            other => other?,
        };
        Ok(netlink)
    }

    fn ask_family(&mut self) -> Result<u16, Error> {
        let answer = self.one("look up the family IPVS", wire::ask_family(), wire::family);
        match answer {
            Err(Error::Refused { errno: Errno::ENOENT, .. }) => Err(Error::Absent),
            other => other,
        }
    }

    /// A request with one answer.
    fn one<T>(&mut self, what: &str, bytes: Vec<u8>, decode: fn(Frame<'_>) -> Option<T>) -> Result<T, Error> {
        let mut answer = None;
        let each = |frame: Frame<'_>| answer = answer.take().or_else(|| decode(frame));
        self.talk.request(bytes, each).map_err(|error| failed(what, error))?;
        answer.ok_or_else(|| Error::Way { doing: what.to_owned(), cause: io::ErrorKind::InvalidData.into() })
    }

    /// A change.
    fn tell(&mut self, what: &str, bytes: Vec<u8>) -> Result<(), Error> {
        self.talk.request(bytes, |_| ()).map_err(|error| failed(what, error))
    }

    /// A whole list.
    fn list<T>(
        &mut self,
        what: &str,
        bytes: &[u8],
        decode: impl Fn(Frame<'_>) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        self.talk.list(bytes, decode).map_err(|error| failed(what, error))
    }

    /// The servers of a service; none if it went away meanwhile.
    fn dests<T>(&mut self, id: &ServiceId, decode: impl Fn(Frame<'_>) -> Option<T>) -> Result<Vec<T>, Error> {
        let listed = self.list("list servers", &wire::list_dests(self.family, id), decode);
        match listed {
            Err(Error::Refused { errno: Errno::ESRCH | Errno::ENOENT, .. }) => Ok(Vec::new()),
            other => other,
        }
    }
}

impl Ipvs for Netlink {
    fn info(&mut self) -> Result<Info, Error> {
        self.one("ask for the version", wire::get_info(self.family), wire::info)
    }

    fn table(&mut self) -> Result<Table, Error> {
        let services = self.list("list services", &wire::list_services(self.family), wire::service)?;
        let mut table = Table::default();
        for (id, service) in services {
            let rows = self.dests(&id, |frame| wire::dest(frame, id.family()))?;
            let mut entry = Entry { service, ..Entry::default() };
            for row in rows {
                entry.dests.insert(row.at, row.dest);
                entry.connect(row.at, row.connected);
            }
            table.entries.insert(id, entry);
        }
        Ok(table)
    }

    fn apply(&mut self, op: &Op) -> Result<(), Error> {
        self.tell(&op.to_string(), wire::change(self.family, op))
    }

    fn counters(&mut self) -> Result<Vec<Counted>, Error> {
        let decode = |frame: Frame<'_>| Some((wire::service(frame)?.0, wire::counted(frame)?));
        let services = self.list("list services", &wire::list_services(self.family), decode)?;
        let mut all = Vec::new();
        for (service, through) in services {
            let dests = self.dests(&service, |frame| wire::dest_counters(frame, service.family()))?;
            all.push(Counted { service, through, dests });
        }
        Ok(all)
    }

    fn zero(&mut self, id: Option<&ServiceId>) -> Result<(), Error> {
        self.tell("to set counters to zero", wire::zero(self.family, id))
    }

    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, Error> {
        self.list("list sync daemons", &wire::list_daemons(self.family), wire::daemon)
    }

    fn start_daemon(&mut self, daemon: &SyncDaemon) -> Result<(), Error> {
        let what = format!("to start a sync daemon on {}", daemon.interface);
        self.tell(&what, wire::start_daemon(self.family, daemon))
    }

    fn stop_daemon(&mut self, role: Role) -> Result<(), Error> {
        self.tell("to stop a sync daemon", wire::stop_daemon(self.family, role))
    }

    fn timeouts(&mut self) -> Result<Timeouts, Error> {
        self.one("ask for the timeouts", wire::get_timeouts(self.family), wire::timeouts)
    }

    fn set_timeouts(&mut self, timeouts: &Timeouts) -> Result<(), Error> {
        self.tell("to set timeouts", wire::set_timeouts(self.family, timeouts))
    }
}

fn failed(what: &str, error: netlink::Error) -> Error {
    match error {
        netlink::Error::Socket { doing, cause } => Error::Way { doing: format!("{doing}, to {what}"), cause },
        netlink::Error::Refused(errno) => Error::Refused { what: what.to_owned(), errno },
    }
}

/// Asks for the module. Where that is not possible the kernel says so once more.
fn load_module() {
    let mut modprobe = Command::new(MODPROBE);
    let quiet =
        modprobe.args(["-q", "ip_vs"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = quiet.status();
}
