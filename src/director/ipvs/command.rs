//! The kernel's table by way of the program `ipvsadm`: for comparison, and where netlink is out of reach.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::command_text as text;
use super::{Error, Ipvs};
use crate::director::table::{Counted, Info, Op, Role, ServiceId, SyncDaemon, Table, Timeouts};

/// Where the reference looks for it.
const PLACES: [&str; 2] = ["/sbin/ipvsadm", "/usr/sbin/ipvsadm"];

/// An [`Ipvs`] that runs a program for each question and each change.
#[derive(Clone, Debug)]
pub struct Ipvsadm {
    program: PathBuf,
}

impl Ipvsadm {
    /// The program at this place.
    pub fn at(program: impl Into<PathBuf>) -> Ipvsadm {
        Ipvsadm { program: program.into() }
    }

    /// The program where it is usually installed; `None` when it is not.
    pub fn find() -> Option<Ipvsadm> {
        let there = PLACES.iter().map(PathBuf::from).find(|path| path.is_file())?;
        Some(Ipvsadm::at(there))
    }

    fn run(&self, words: &[String]) -> Result<String, Error> {
        let what = format!("{} {}", self.program.display(), words.join(" "));
        let mut command = Command::new(&self.program);
        let ran = command.args(words).stdin(Stdio::null()).output();
        let output = ran.map_err(|cause| Error::Way { doing: format!("run {what}"), cause })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        let said = if said.is_empty() { output.status.to_string() } else { said };
        Err(Error::Program { what, said })
    }

    fn ask(&self, words: &str) -> Result<String, Error> {
        self.run(&words.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>())
    }

    /// What was printed must be understood.
    fn understood<T>(&self, words: &str, read: fn(&str) -> Option<T>) -> Result<T, Error> {
        let said = self.ask(words)?;
        let what = format!("{} {words}", self.program.display());
        read(&said).ok_or(Error::Program { what, said })
    }
}

impl Ipvs for Ipvsadm {
    fn info(&mut self) -> Result<Info, Error> {
        self.understood("-L -n", text::info)
    }

    fn table(&mut self) -> Result<Table, Error> {
        let mut table = text::saved(&self.ask("-S -n")?);
        text::thresholds(&self.ask("-L -n --thresholds")?, &mut table);
        Ok(table)
    }

    fn apply(&mut self, op: &Op) -> Result<(), Error> {
        self.run(&op.arguments()).map(|_| ())
    }

    fn counters(&mut self) -> Result<Vec<Counted>, Error> {
        Ok(text::counted(&self.ask("-L -n --stats --exact")?, &self.ask("-L -n --persistent-conn")?))
    }

    fn zero(&mut self, id: Option<&ServiceId>) -> Result<(), Error> {
        let mut words = vec!["-Z".to_owned()];
        words.extend(id.into_iter().flat_map(ServiceId::arguments));
        self.run(&words).map(|_| ())
    }

    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, Error> {
        Ok(text::daemons(&self.ask("-L --daemon")?))
    }

    fn start_daemon(&mut self, daemon: &SyncDaemon) -> Result<(), Error> {
        self.run(&daemon_words(daemon)).map(|_| ())
    }

    fn stop_daemon(&mut self, role: Role) -> Result<(), Error> {
        self.run(&["--stop-daemon".to_owned(), role_word(role).to_owned()]).map(|_| ())
    }

    fn timeouts(&mut self) -> Result<Timeouts, Error> {
        self.understood("-L --timeout", text::timeouts)
    }

    fn set_timeouts(&mut self, timeouts: &Timeouts) -> Result<(), Error> {
        let Timeouts { tcp, tcp_fin, udp } = timeouts;
        self.ask(&format!("--set {tcp} {tcp_fin} {udp}")).map(|_| ())
    }
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Master => "master",
        Role::Backup => "backup",
    }
}

fn daemon_words(daemon: &SyncDaemon) -> Vec<String> {
    let mut words = vec!["--start-daemon".to_owned(), role_word(daemon.role).to_owned()];
    let mut say = |option: &str, value: String| words.extend([option.to_owned(), value]);
    say("--mcast-interface", daemon.interface.clone());
    say("--syncid", daemon.sync_id.to_string());
    let numbers = [
        ("--sync-maxlen", daemon.max_length),
        ("--mcast-port", daemon.port),
        ("--mcast-ttl", daemon.ttl.into()),
    ];
    for (option, number) in numbers.into_iter().filter(|(_, number)| *number > 0) {
        say(option, number.to_string());
    }
    if let Some(group) = daemon.group {
        say("--mcast-group", group.to_string());
    }
    words
}
