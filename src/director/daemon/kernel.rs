//! The thread that speaks with the kernel. It looks and changes as it is told, one thing after the other, so that
//! neither a slow `ipvsadm` nor a long table holds up a check.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use tokio::sync::mpsc::UnboundedSender;

use super::core::Input;
use crate::director::ipvs::{Error, Ipvs, Ipvsadm, Netlink};
use crate::director::plan::Event;
use crate::director::table::{Op, ServiceId};

/// Chooses the way to the kernel: `netlink`, `ipvsadm` or `ipvsadm:PROGRAM`.
pub(super) const CHOICE: &str = "LDIRECTORD_IPVS";

/// What it is told.
#[derive(Debug)]
pub(super) enum Request {
    /// To read the table.
    Look,
    /// To change it.
    Change(Vec<Op>),
}

/// What comes from it.
#[derive(Debug)]
pub(super) enum Reply {
    /// An answer.
    Answer(Input),
    /// Something worth a line in the log.
    Told(String),
}

/// Which way to the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Netlink; where that is out of reach, `ipvsadm`.
    Any,
    /// Netlink only.
    Netlink,
    /// A program that does what `ipvsadm` does.
    Ipvsadm(Option<PathBuf>),
}

impl Way {
    /// As the environment says. The error is what it says and what cannot be understood.
    pub(super) fn chosen() -> Result<Way, String> {
        let said = env::var(CHOICE).unwrap_or_default();
        match said.split_once(':') {
            None if said.is_empty() => Ok(Way::Any),
            None if said == "netlink" => Ok(Way::Netlink),
            None if said == "ipvsadm" => Ok(Way::Ipvsadm(None)),
            Some(("ipvsadm", program)) if program.starts_with('/') => {
                Ok(Way::Ipvsadm(Some(PathBuf::from(program))))
            }
            _ => Err(format!(
                "{CHOICE}={said}: allowed are netlink, ipvsadm and ipvsadm:/PATH; the way is chosen by itself"
            )),
        }
    }

    /// In debug mode a program in the working directory comes first, as with the reference.
    pub(super) fn or_program_here(self, debug: bool) -> Way {
        let here = Path::new("./ipvsadm");
        match self {
            Way::Any if debug && here.is_file() => Way::Ipvsadm(std::path::absolute(here).ok()),
            other => other,
        }
    }

    fn open(&self, told: &mut dyn FnMut(String)) -> Result<Box<dyn Ipvs>, Error> {
        match self {
            Way::Netlink => Ok(Box::new(Netlink::open()?)),
            Way::Ipvsadm(Some(program)) => Ok(Box::new(Ipvsadm::at(program))),
            Way::Ipvsadm(None) => Ok(Box::new(installed()?)),
            Way::Any => match Netlink::open() {
                Ok(netlink) => Ok(Box::new(netlink)),
                Err(why) => beside(why, told),
            },
        }
    }
}

/// `ipvsadm` in place of netlink, if it can do better.
fn beside(why: Error, told: &mut dyn FnMut(String)) -> Result<Box<dyn Ipvs>, Error> {
    let Ok(mut program) = installed() else { return Err(why) };
    if program.info().is_err() {
        return Err(why);
    }
    told(format!("{why}: the program ipvsadm is used instead"));
    Ok(Box::new(program))
}

fn installed() -> Result<Ipvsadm, Error> {
    Ipvsadm::find().ok_or_else(|| Error::Program {
        what: "ipvsadm".to_owned(),
        said: "it is neither in /sbin nor in /usr/sbin".to_owned(),
    })
}

/// Takes services out that a daemon has left behind; each is tried. `told` gets the lines of the log. The error is of the
/// last that could not be taken out.
pub(super) fn take_out(way: &Way, left: &[ServiceId], told: &mut dyn FnMut(String)) -> Result<(), String> {
    let Some((mut kernel, there)) = find(way, left, told)? else { return Ok(()) };
    let mut result = Ok(());
    for id in there {
        match kernel.apply(&Op::DelService(id)) {
            Ok(()) => told(Event::virtual_server(id, "Purged", Some("stop")).log_line()),
            Err(error) => result = Err(error.to_string()),
        }
    }
    result
}

/// Whether none of these services is in the table. The error is `why`, or that it cannot be known.
pub(super) fn is_clear(way: &Way, left: &[ServiceId], why: &str) -> Result<(), String> {
    let found = find(way, left, &mut |_| ())?;
    if found.is_none_or(|(_, there)| there.is_empty()) { Ok(()) } else { Err(why.to_owned()) }
}

type Found = (Box<dyn Ipvs>, Vec<ServiceId>);

/// Those of these services that are in the table; `None` where none can be.
fn find(way: &Way, left: &[ServiceId], told: &mut dyn FnMut(String)) -> Result<Option<Found>, String> {
    let opened = if left.is_empty() { return Ok(None) } else { way.open(told) };
    match opened.and_then(|mut kernel| Ok((kernel.table()?, kernel))) {
        Ok((table, kernel)) => {
            let there = left.iter().copied().filter(|id| table.get(id).is_some()).collect();
            Ok(Some((kernel, there)))
        }
        // Without IPVS there is no table.
        Err(Error::Absent) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Starts the thread. It ends when nobody can tell it anything any more.
pub(super) fn start(way: Way, replies: UnboundedSender<Reply>) -> std::io::Result<Sender<Request>> {
    let (requests, queue) = channel();
    thread::Builder::new().name("kernel".to_owned()).spawn(move || serve(&way, &queue, &replies))?;
    Ok(requests)
}

fn serve(way: &Way, requests: &Receiver<Request>, replies: &UnboundedSender<Reply>) {
    let mut kernel: Option<Box<dyn Ipvs>> = None;
    for request in requests {
        let answer = answer(way, &mut kernel, request, &mut |line| {
            let _ = replies.send(Reply::Told(line));
        });
        if replies.send(Reply::Answer(answer)).is_err() {
            return;
        }
    }
}

fn answer(
    way: &Way,
    kernel: &mut Option<Box<dyn Ipvs>>,
    request: Request,
    told: &mut dyn FnMut(String),
) -> Input {
    if kernel.is_none() {
        match way.open(told) {
            Ok(opened) => *kernel = Some(opened),
            Err(error) => return failed(&request, &error),
        }
    }
    let Some(open) = kernel else { return failed(&request, &Error::Absent) };
    let (answer, broken) = carry_out(open.as_mut(), request);
    if broken {
        // A way that broke is opened anew next time.
        *kernel = None;
    }
    answer
}

fn carry_out(kernel: &mut dyn Ipvs, request: Request) -> (Input, bool) {
    let is_broken = |error: &Error| matches!(error, Error::Way { .. } | Error::Absent);
    match request {
        Request::Look => {
            let table = kernel.table();
            let broken = table.as_ref().is_err_and(is_broken);
            (Input::Table(table.map_err(|error| error.to_string())), broken)
        }
        Request::Change(ops) => {
            let mut broken = false;
            let results = ops.iter().map(|op| {
                let result = kernel.apply(op);
                broken |= result.as_ref().is_err_and(is_broken);
                result.map_err(|error| error.to_string())
            });
            let results = results.collect();
            (Input::Done(results), broken)
        }
    }
}

fn failed(request: &Request, error: &Error) -> Input {
    match request {
        Request::Look => Input::Table(Err(error.to_string())),
        Request::Change(ops) => Input::Done(ops.iter().map(|_| Err(error.to_string())).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::director::ipvs::Fake;
    use crate::director::table::{Protocol, Service, ServiceId};

    #[test]
    fn each_change_has_its_own_answer() {
        let web = ServiceId::address(Protocol::Tcp, "10.0.0.1:80".parse().unwrap());
        let add = Op::AddService(web, Service::default());
        let mut kernel = Fake::default();
        let (answer, broken) = carry_out(&mut kernel, Request::Change(vec![add.clone(), add]));
        let Input::Done(results) = answer else { panic!("{answer:?}") };
        assert_eq!(results[0], Ok(()));
        assert!(results[1].as_ref().unwrap_err().contains("-A -t 10.0.0.1:80"), "{results:?}");
        assert!(!broken, "a refusal does not break the way");
        let (answer, _) = carry_out(&mut kernel, Request::Look);
        let Input::Table(Ok(table)) = answer else { panic!("{answer:?}") };
        assert!(table.get(&web).is_some());
    }

    #[test]
    fn a_way_that_cannot_be_opened_answers_everything() {
        let way = Way::Ipvsadm(Some(PathBuf::from("/nonexistent/ipvsadm")));
        let answer = answer(&way, &mut None, Request::Look, &mut |line| panic!("{line}"));
        let Input::Table(Err(why)) = answer else { panic!("{answer:?}") };
        assert!(why.contains("/nonexistent/ipvsadm -S -n"), "{why}");
    }
}
