//! All places a record goes to. A target that fails is skipped; the others still get their line.

use super::file::LogFile;
use super::format::{Record, Voice};
use super::logd::Logd;
use super::settings::Settings;
use super::syslog::Syslog;
use crate::level::Level;
use std::io::{self, Write};

/// The opened targets of one log.
#[derive(Debug)]
pub(super) struct Targets {
    settings: Settings,
    logfile: Option<(LogFile, Missed)>,
    debugfile: Option<(LogFile, Missed)>,
    syslog: (Syslog, Missed),
    logd: Logd,
}

/// Lines that a target did not take. The first line that it takes again is their number.
#[derive(Debug, Default)]
struct Missed(u64);

impl Missed {
    fn put(&mut self, mut write: impl FnMut(&Record) -> io::Result<()>, record: &Record) {
        if self.0 > 0 && write(&record.lost(self.0)).is_ok() {
            self.0 = 0;
        }
        if self.0 > 0 || write(record).is_err() {
            self.0 += 1;
        }
    }
}

impl Targets {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            logfile: settings.logfile.clone().map(|path| (LogFile::new(path), Missed::default())),
            debugfile: settings.debugfile.clone().map(|path| (LogFile::new(path), Missed::default())),
            syslog: (Syslog::new(settings.syslog_socket.clone()), Missed::default()),
            logd: Logd::default(),
            settings,
        }
    }

    /// Writes one record everywhere it belongs.
    pub(super) fn write(&mut self, record: &Record) {
        let s = &self.settings;
        if s.terminal {
            return complain(&record.message());
        }
        if s.stderr {
            complain(&record.logfile_line(&s.host, s.form, s.script_dates));
        }
        if s.use_logd && self.logd.send(record) {
            return;
        }
        if let Some(facility) = s.facility {
            let (syslog, missed) = &mut self.syslog;
            missed.put(|r| syslog.send(facility.priority(r.severity()), &r.syslog_line()), record);
        }
        if !s.has_target() {
            self.without_target(record);
        }
        self.append(record);
    }

    fn append(&mut self, record: &Record) {
        let s = &self.settings;
        let logged = record.level != Level::Debug;
        if let Some((file, missed)) = &mut self.logfile
            && logged
        {
            missed.put(|r| file.write_line(&r.logfile_line(&s.host, s.form, s.script_dates)), record);
        }
        let twice = logged && s.logfile == s.debugfile;
        if let Some((file, missed)) = &mut self.debugfile
            && !twice
        {
            missed.put(|r| file.write_line(&r.debugfile_line(&s.host, s.form, s.script_dates)), record);
        }
    }

    /// A script without any target complains on stderr.
    fn without_target(&self, record: &Record) {
        if let Voice::Script { .. } = record.voice {
            complain(&format!("{} {}", record.date(self.settings.script_dates), record.message()));
        }
    }
}

/// A closed stderr is no reason to fail.
fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::fs::OpenOptionsExt;

    /// A FIFO that nobody reads stands for a disk that takes nothing.
    #[test]
    fn what_a_target_did_not_take_is_counted_there() {
        let dir = tempfile::tempdir().unwrap();
        let (fifo, file) = (dir.path().join("fifo"), dir.path().join("file"));
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let settings =
            Settings { logfile: Some(fifo.clone()), debugfile: Some(file.clone()), ..Settings::default() };
        let mut targets = Targets::new(settings);
        let mut say = |text: &str| {
            let voice = Voice::Program { name: "heartbeat".into(), pid: 1 };
            let at = std::time::SystemTime::now();
            targets.write(&Record { voice, level: Level::Info, worded: true, text: text.into(), at });
        };
        ["one", "two", "three"].into_iter().for_each(&mut say);
        let mut reader =
            std::fs::File::options().read(true).custom_flags(libc::O_NONBLOCK).open(fifo).unwrap();
        say("four");
        let mut bytes = [0; 4096];
        let length = reader.read(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes[..length]);
        let said: Vec<&str> = text.lines().map(|l| l.split("[1]: ").nth(1).unwrap()).collect();
        assert_eq!(said, ["WARN: 3 log lines lost", "info: four"]);
        assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 4, "the other one had them all");
    }
}
