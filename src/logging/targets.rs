//! All places a record goes to. A target that fails is skipped; the others still get their line.

use super::file::LogFile;
use super::format::{Record, Voice};
use super::logd;
use super::settings::Settings;
use super::syslog::Syslog;
use crate::level::Level;
use std::io::Write;

/// The opened targets of one log.
#[derive(Debug)]
pub(super) struct Targets {
    settings: Settings,
    logfile: Option<LogFile>,
    debugfile: Option<LogFile>,
    syslog: Syslog,
}

impl Targets {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            logfile: settings.logfile.clone().map(LogFile::new),
            debugfile: settings.debugfile.clone().map(LogFile::new),
            syslog: Syslog::new(settings.syslog_socket.clone()),
            settings,
        }
    }

    /// Writes one record everywhere it belongs.
    pub(super) fn write(&mut self, record: &Record) {
        let s = &self.settings;
        if s.terminal {
            return complain(&record.message());
        }
        let log_line = record.logfile_line(&s.host, s.form, s.script_dates);
        if s.stderr {
            complain(&log_line);
        }
        if s.use_logd && logd::send(record) {
            return;
        }
        if let Some(facility) = s.facility {
            let _ = self.syslog.send(facility.priority(record.severity()), &record.syslog_line());
        }
        if !s.has_target() {
            self.without_target(record);
        }
        self.append(record, &log_line);
    }

    fn append(&mut self, record: &Record, log_line: &str) {
        let s = &self.settings;
        let logged = record.level != Level::Debug;
        if let Some(file) = &mut self.logfile
            && logged
        {
            let _ = file.write_line(log_line);
        }
        let twice = logged && s.logfile == s.debugfile;
        if let Some(file) = &mut self.debugfile
            && !twice
        {
            let _ = file.write_line(&record.debugfile_line(&s.host, s.form, s.script_dates));
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
