//! Where log lines go. Plain values; nothing is opened here.

use super::{Facility, Form};
use std::path::{Path, PathBuf};

/// The targets of a log and the form of its lines.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `uname -n`, for [`Form::Syslog`].
    pub host: String,
    /// Form of the lines of programs.
    pub form: Form,
    /// Form of the dates in the lines of scripts: [`Form::Plain`] below the daemon.
    pub script_dates: Form,
    /// Everything except debug.
    pub logfile: Option<PathBuf>,
    /// Everything.
    pub debugfile: Option<PathBuf>,
    /// Everything, when set.
    pub facility: Option<Facility>,
    /// Also to stderr: the daemon before it goes into the background.
    pub stderr: bool,
    /// A tool on a terminal: the bare message to stderr, and nowhere else.
    pub terminal: bool,
    /// Hand lines to `ha_logger` first; the other targets serve when that fails.
    pub use_logd: bool,
    /// Lines of level debug are dropped at 0.
    pub debug: u8,
    /// The syslog socket.
    pub syslog_socket: PathBuf,
}

/// `uname -n` as it is: the name that log lines carry.
pub fn host() -> String {
    nix::unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned()
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            host: String::new(),
            form: Form::Syslog,
            script_dates: Form::Plain,
            logfile: None,
            debugfile: None,
            facility: None,
            stderr: false,
            terminal: false,
            use_logd: false,
            debug: 0,
            syslog_socket: PathBuf::from("/dev/log"),
        }
    }
}

impl Settings {
    /// What the shell layer of heartbeat reads from the environment: `HA_LOGFILE`, `HA_DEBUGLOG`,
    /// `HA_LOGFACILITY`, `HA_LOGD`, `HA_DATEFMT`, `HA_debug` (resources.md sections 6.1 and 7).
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Self {
        let path = |name: &str| get(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let is_set = |name: &str| get(name).is_some_and(|v| !v.is_empty());
        Self {
            script_dates: if is_set("HA_DATEFMT") { Form::Plain } else { Form::Syslog },
            logfile: path("HA_LOGFILE"),
            debugfile: path("HA_DEBUGLOG").filter(|path| path != Path::new("/dev/null")),
            facility: get("HA_LOGFACILITY").and_then(|name| Facility::parse(&name)),
            use_logd: get("HA_LOGD").as_deref() == Some("yes"),
            debug: get("HA_debug").or_else(|| get("HA_DEBUG")).and_then(|v| v.parse().ok()).unwrap_or(0),
            ..Self::default()
        }
    }

    /// The same for a program that logs as the daemon does, whose child it is: in the form of `ha.cf`, under the
    /// name of this machine.
    pub fn of_a_program(get: impl Fn(&str) -> Option<String>) -> Self {
        let plain = matches!(get("HA_syslogmsgfmt").as_deref(), Some("false" | "no" | "off" | "0"));
        Self {
            host: host(),
            form: if plain { Form::Plain } else { Form::Syslog },
            ..Self::from_environment(get)
        }
    }

    /// Whether a line has somewhere to go.
    pub fn has_target(&self) -> bool {
        self.logfile.is_some() || self.debugfile.is_some() || self.facility.is_some() || self.stderr
    }
}
