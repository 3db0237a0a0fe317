//! A log record and its spellings. Pure: bytes are written elsewhere.

use crate::level::Level;
use crate::sys::localtime::{LocalTime, local_time};
use std::sync::Arc;
use std::time::SystemTime;

/// How the date and the tag of a line are spelt: `syslogmsgfmt true` or `false`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `Nov 21 19:05:18 b1 heartbeat: [26196]: info: …`
    #[default]
    Syslog,
    /// `heartbeat[26196]: 2026/11/21_19:05:18 info: …`
    Plain,
}

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voice {
    /// A program: `heartbeat: [123]: info: …`.
    Program {
        /// The entity, `heartbeat`, `ipfail`, …
        name: Arc<str>,
        /// Process id.
        pid: u32,
    },
    /// A script, or one of our faces that stands for a script of the reference.
    Script {
        /// `ResourceManager(default)[123]`.
        tag: Arc<str>,
    },
}

/// One line on its way to the log.
#[derive(Clone, Debug)]
pub struct Record {
    /// Who speaks.
    pub voice: Voice,
    /// How grave.
    pub level: Level,
    /// Whether the word of the level stands before the text.
    pub worded: bool,
    /// What is said, one line.
    pub text: String,
    /// When it was said.
    pub at: SystemTime,
}

impl Record {
    /// The text, with the word of its level where it has one.
    pub fn message(&self) -> String {
        if self.worded { format!("{}: {}", self.level.word(), self.text) } else { self.text.clone() }
    }

    /// That so many lines before this one are missing.
    pub(super) fn lost(&self, count: u64) -> Self {
        Self { level: Level::Warn, worded: true, text: format!("{count} log lines lost"), ..self.clone() }
    }

    /// The line for the log file, without newline.
    pub fn logfile_line(&self, host: &str, form: Form, script_dates: Form) -> String {
        match &self.voice {
            Voice::Program { name, pid } => self.program_line(name, *pid, host, form),
            Voice::Script { tag } => {
                format!("{}  {tag}:    {}", self.date(script_dates), self.message())
            }
        }
    }

    /// The line for the debug file, without newline.
    pub fn debugfile_line(&self, host: &str, form: Form, script_dates: Form) -> String {
        match &self.voice {
            Voice::Program { name, pid } => self.program_line(name, *pid, host, form),
            Voice::Script { tag } => {
                format!("{tag}:\t{} {}", self.date(script_dates), self.message())
            }
        }
    }

    fn program_line(&self, name: &str, pid: u32, host: &str, form: Form) -> String {
        let (date, message) = (self.date(form), self.message());
        match form {
            Form::Syslog => format!("{date} {host} {name}: [{pid}]: {message}"),
            Form::Plain => format!("{name}[{pid}]: {date} {message}"),
        }
    }

    /// What follows `<PRI>` in a syslog datagram (RFC 3164).
    pub fn syslog_line(&self) -> String {
        let date = syslog_date(&local_time(self.at));
        match &self.voice {
            Voice::Program { name, pid } => format!("{date} {name}: [{pid}]: {}", self.message()),
            Voice::Script { tag } => format!("{date} {tag}: {}", self.message()),
        }
    }

    /// Syslog severity. A script's `info` is a notice. In the reference its `CRIT` is one too; here it
    /// keeps its own severity (docs/compatibility.md).
    pub fn severity(&self) -> u8 {
        let own = match self.level {
            Level::Emerg => 0,
            Level::Alert => 1,
            Level::Crit => 2,
            Level::Error => 3,
            Level::Warn => 4,
            Level::Notice => 5,
            Level::Info => 6,
            Level::Debug => 7,
        };
        match self.voice {
            Voice::Program { .. } => own,
            Voice::Script { .. } if self.level == Level::Info => 5,
            Voice::Script { .. } => own,
        }
    }

    /// The date as a form spells it.
    pub fn date(&self, form: Form) -> String {
        let t = local_time(self.at);
        match form {
            Form::Syslog => format!("{} {:02} {}", month(&t), t.day, clock(&t)),
            Form::Plain => format!("{}/{:02}/{:02}_{}", t.year, t.month, t.day, clock(&t)),
        }
    }
}

/// The date in a syslog datagram: `Nov  5 07:59:18`.
pub fn syslog_date(t: &LocalTime) -> String {
    format!("{} {:2} {}", month(t), t.day, clock(t))
}

/// `Nov`.
pub fn month(t: &LocalTime) -> &'static str {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    NAMES.get(t.month.saturating_sub(1) as usize).copied().unwrap_or("Jan")
}

/// `07:59:18`.
pub fn clock(t: &LocalTime) -> String {
    format!("{:02}:{:02}:{:02}", t.hour, t.minute, t.second)
}

/// Makes one line of any text: control characters (a field of a message may hold them) become blanks.
pub fn one_line(text: &str) -> String {
    text.trim_end_matches(['\n', '\r'])
        .chars()
        .map(|c| if c.is_control() && c != '\t' { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    fn record(voice: Voice, level: Level, text: &str) -> Record {
        Record { voice, level, worded: true, text: text.into(), at: UNIX_EPOCH }
    }

    fn heartbeat() -> Voice {
        Voice::Program { name: "heartbeat".into(), pid: 26196 }
    }

    fn harc() -> Voice {
        Voice::Script { tag: "harc(default)[26258]".into() }
    }

    #[test]
    fn a_program_speaks_in_both_forms() {
        let r = record(heartbeat(), Level::Info, "Configuration validated.");
        let date = r.date(Form::Syslog);
        assert_eq!(
            r.logfile_line("b1", Form::Syslog, Form::Plain),
            format!("{date} b1 heartbeat: [26196]: info: Configuration validated.")
        );
        let date = r.date(Form::Plain);
        assert_eq!(
            r.debugfile_line("b1", Form::Plain, Form::Plain),
            format!("heartbeat[26196]: {date} info: Configuration validated.")
        );
    }

    #[test]
    fn a_script_speaks_as_ha_log_does() {
        let r = record(harc(), Level::Info, "Running x");
        let date = r.date(Form::Plain);
        assert_eq!(
            r.logfile_line("b1", Form::Syslog, Form::Plain),
            format!("{date}  harc(default)[26258]:    info: Running x")
        );
        assert_eq!(
            r.debugfile_line("b1", Form::Syslog, Form::Plain),
            format!("harc(default)[26258]:\t{date} info: Running x")
        );
    }

    #[test]
    fn severities() {
        assert_eq!(record(heartbeat(), Level::Info, "").severity(), 6);
        assert_eq!(record(harc(), Level::Info, "").severity(), 5);
        assert_eq!(record(harc(), Level::Crit, "").severity(), 2);
    }

    #[test]
    fn a_line_stays_one_line() {
        assert_eq!(one_line("a\nb\x1b[0m\n"), "a b [0m");
    }
}
