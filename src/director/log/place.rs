//! Where lines go, and putting them there. Trouble with a place never ends anything.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::line;
use crate::director::config::{self, Global};
use crate::logging::{Facility, Syslog};
use crate::sys::localtime::local_time;

/// The file before the configuration names another one.
const FILE: &str = "/var/log/ldirectord.log";
/// The socket of syslog.
const SYSLOG: &str = "/dev/log";
/// Severity of all lines in syslog: info.
const SEVERITY: u8 = 6;

/// Where lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file, opened and closed for each writing: who rotates it need not tell us.
    File(PathBuf),
    /// Syslog, by its local socket.
    Syslog(Facility),
    /// Standard output: somebody supervises us.
    Stdout,
    /// Standard error, nothing but the text: somebody looks for a fault.
    Stderr,
}

impl Default for Place {
    fn default() -> Place {
        Place::File(PathBuf::from(FILE))
    }
}

impl Place {
    /// The place a configuration wants. A facility that syslog does not know is taken as `daemon`.
    pub fn of(global: &Global) -> Place {
        match &global.log {
            _ if global.supervised => Place::Stdout,
            config::Log::File(path) => Place::File(path.into()),
            config::Log::Facility(name) => {
                let daemon = || Facility::parse("daemon");
                Facility::parse(name).or_else(daemon).map_or_else(Place::default, Place::Syslog)
            }
        }
    }

    /// The line for this place, without its end.
    pub(super) fn line(&self, at: SystemTime, instance: &str, text: &str) -> String {
        let (t, pid) = (local_time(at), std::process::id());
        match self {
            Place::File(_) => line::of_file(&t, instance, pid, text),
            Place::Syslog(_) => line::of_syslog(&t, pid, text),
            Place::Stdout => line::supervised(&t, text),
            Place::Stderr => text.to_owned(),
        }
    }
}

/// Puts lines where they belong.
#[derive(Debug)]
pub(super) struct Writer {
    syslog: Syslog,
}

impl Default for Writer {
    fn default() -> Writer {
        Writer { syslog: Syslog::new(PathBuf::from(SYSLOG)) }
    }
}

impl Writer {
    /// `lines` are whole lines. What cannot be written goes to standard error.
    pub(super) fn write(&mut self, place: &Place, lines: &str) {
        let written = match place {
            Place::File(path) => append(path, lines),
            Place::Syslog(facility) => self.send(*facility, lines),
            Place::Stdout => io::stdout().lock().write_all(lines.as_bytes()),
            Place::Stderr => Err(io::ErrorKind::Other.into()),
        };
        if written.is_err() {
            // A closed standard error is no reason to fail.
            let _ = io::stderr().lock().write_all(lines.as_bytes());
        }
    }

    fn send(&mut self, facility: Facility, lines: &str) -> io::Result<()> {
        let priority = facility.priority(SEVERITY);
        lines.lines().map(|line| self.syslog.send(priority, line)).fold(Ok(()), io::Result::and)
    }
}

/// Lines for the same place that follow each other are written in one go.
pub(in crate::director) fn together<P: PartialEq>(lines: &[(P, String)], mut write: impl FnMut(&P, &str)) {
    for same in lines.chunk_by(|one, next| one.0 == next.0) {
        let text: String = same.iter().map(|(_, line)| line.as_str()).collect();
        same.first().into_iter().for_each(|(place, _)| write(place, &text));
    }
}

/// Adds whole lines to a file, in one go. A FIFO that nobody reads must not hold us.
pub(in crate::director) fn append(path: &Path, lines: &str) -> io::Result<()> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let open = OpenOptions::new().append(true).create(true).mode(0o644).custom_flags(flags).open(path);
    open?.write_all(lines.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    #[test]
    fn lines_of_one_place_go_together_and_in_order() {
        let lines = [(1, "a\n"), (1, "b\n"), (2, "c\n"), (1, "d\n")].map(|(at, line)| (at, line.to_owned()));
        let mut told = Vec::new();
        together(&lines, |at, text| told.push((*at, text.to_owned())));
        assert_eq!(told, [(1, "a\nb\n"), (2, "c\n"), (1, "d\n")].map(|(at, text)| (at, text.to_owned())));
    }

    #[test]
    fn a_file_that_went_away_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        append(&path, "one\n").unwrap();
        std::fs::rename(&path, dir.path().join("log.1")).unwrap();
        append(&path, "two\nthree\n").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "two\nthree\n");
        nix::unistd::mkfifo(&dir.path().join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(append(&dir.path().join("fifo"), "x\n").is_err());
    }

    #[test]
    fn syslog_gets_each_line_and_may_come_later() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let mut writer = Writer { syslog: Syslog::new(path.clone()) };
        let local3 = Facility::parse("local3").unwrap();
        assert!(writer.send(local3, "nobody\n").is_err());
        let socket = UnixDatagram::bind(&path).unwrap();
        writer.send(local3, "one\ntwo\n").unwrap();
        let heard = || {
            let mut bytes = [0; 64];
            let length = socket.recv(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes[..length]).into_owned()
        };
        assert_eq!([heard(), heard()], ["<158>one", "<158>two"]);
    }
}
