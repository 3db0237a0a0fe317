//! Directives for the daemon as such.

use std::time::Duration;

use super::common::{Common, set};
use super::lines::{Statement, is_space};
use super::machine::Machine;
use super::model::{Global, Log, WarmStandby};
use super::value::{between_quotes, yes_no};
use crate::config::report::Report;
use crate::config::value::Refusal;
use crate::level::Level;

/// Where the log goes unless the configuration says otherwise.
const LOG: &str = "/var/log/ldirectord.log";
/// Pause between two rounds of checks unless the configuration says otherwise.
const INTERVAL: Duration = Duration::from_secs(10);
const FACILITIES: &str = "auth authpriv cron daemon ftp kern lpr mail news syslog user uucp local0 to local7";

/// What was said so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft<'a> {
    pub(super) common: Common<'a>,
    autoreload: Option<bool>,
    callback: Option<String>,
    execute: Vec<String>,
    supervised: Option<bool>,
    pub(super) warm_standby: Option<WarmStandby>,
    pub(super) fork: Option<bool>,
    readd_quiescent: Option<bool>,
    maintenance_dir: Option<String>,
    log: Option<Log>,
    email_from: Option<String>,
}

impl<'a> Draft<'a> {
    /// Reads a directive if it is one of these.
    pub(super) fn read(&mut self, report: &mut Report, machine: &dyn Machine, s: &Statement<'a>) -> bool {
        let name = s.name.text();
        if s.value.is_none() {
            return name == "supervised" && self.bare_supervised(report, s);
        }
        match name.as_str() {
            "autoreload" => set(&mut self.autoreload, yes_no(report, s, &name)),
            "supervised" => set(&mut self.supervised, yes_no(report, s, &name)),
            "warmstandby" => set(&mut self.warm_standby, warm_standby(report, s)),
            "fork" => set(&mut self.fork, yes_no(report, s, &name)),
            "readdquiescent" => set(&mut self.readd_quiescent, yes_no(report, s, &name)),
            "callback" | "logfile" => return self.quoted(report, machine, s, &name),
            "execute" => self.execute(report, s),
            "maintenancedir" => set(&mut self.maintenance_dir, directory(report, machine, s)),
            "emailalertfrom" => set(&mut self.email_from, sender(report, s)),
            "timeout" => {
                let said = "timeout directive deprecated in favour of checktimeout and negotiatetimeout";
                let refusal =
                    Refusal::new("timeout is no directive any more", "checktimeout and negotiatetimeout");
                report.refuse(&s.whole(), refusal.says(said));
            }
            _ => return self.common.read(report, s, None),
        }
        true
    }

    fn bare_supervised(&mut self, report: &mut Report, s: &Statement<'_>) -> bool {
        let behind = s.name.line.at(s.name.range.end..s.name.line.bytes.len());
        if !behind.bytes().iter().all(|b| is_space(*b)) {
            let refusal =
                Refusal::new("there is no = behind \"supervised\"", "supervised=yes or supervised=no");
            report.refuse(&s.whole(), refusal.says("supervised must be 'yes' or 'no'"));
            return true;
        }
        self.supervised = Some(true);
        let said = "please update your config not to use a bare supervised directive";
        let refusal = Refusal::new("supervised without a value means yes", "supervised=yes");
        report.warn(&s.whole(), refusal.logs(Level::Warn, said));
        true
    }

    fn quoted(&mut self, report: &mut Report, machine: &dyn Machine, s: &Statement<'_>, name: &str) -> bool {
        let Some(inside) = between_quotes(report, &s.value()) else { return false };
        let text = inside.text();
        if text.is_empty() {
            report.warn(&s.whole(), Refusal::new(format!("{name}: nothing is named"), "a path in quotes"));
        } else if name == "callback" {
            self.callback = Some(text);
        } else if text.starts_with('/') {
            match machine.appendable(&text) {
                Ok(()) => self.log = Some(Log::File(text)),
                Err(reason) => {
                    let message = format!("cannot write to {text}: {reason}");
                    let refusal =
                        Refusal::new(message, "a file that can be written, or a facility of syslog");
                    report.refuse(&inside, refusal.says(format!("unable to open logfile: {text}")));
                }
            }
        } else {
            if !is_facility(&text) {
                let message = format!("{text:?} is no facility of syslog: daemon is used");
                report.warn(&inside, Refusal::new(message, FACILITIES));
            }
            self.log = Some(Log::Facility(text));
        }
        true
    }

    fn execute(&mut self, report: &mut Report, s: &Statement<'_>) {
        let value = s.value().trimmed(is_space).text();
        if value.is_empty() {
            report.warn(&s.whole(), Refusal::new("execute: nothing is named", "the name of a configuration"));
        } else if called_by_shell(&value) == last_part(report.file()) {
            let message = format!("execute: {value} is this configuration itself: left out");
            report.warn(&s.whole(), Refusal::new(message, "the name of another configuration"));
        } else if self.execute.contains(&value) {
            let message = format!("execute: {value} is named above");
            report.warn(&s.whole(), Refusal::new(message, "each configuration once"));
        } else {
            self.execute.push(value);
        }
    }

    /// All of it, with what holds where nothing was said.
    pub(super) fn finish(self) -> Global {
        Global {
            check_interval: self.common.check_interval.map_or(INTERVAL, |(time, _)| time),
            autoreload: self.autoreload.unwrap_or(false),
            callback: self.callback,
            execute: self.execute,
            supervised: self.supervised.unwrap_or(false),
            warm_standby: self.warm_standby.unwrap_or_default(),
            fork: self.fork.unwrap_or(false),
            readd_quiescent: self.readd_quiescent.unwrap_or(false),
            maintenance_dir: self.maintenance_dir,
            log: self.log.unwrap_or_else(|| Log::File(LOG.to_owned())),
            email_from: self.email_from,
        }
    }
}

/// What an instance is called after.
pub(crate) fn last_part(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or_default()
}

/// How an instance is called whose configuration `execute` names: the shell, which runs it, takes quotes away.
pub(crate) fn called_by_shell(value: &str) -> String {
    last_part(&value.replace(['"', '\''], "")).to_owned()
}

fn warm_standby(report: &mut Report, s: &Statement<'_>) -> Option<WarmStandby> {
    let value = s.value();
    match value.bytes() {
        b"no" => Some(WarmStandby::No),
        b"yes" => Some(WarmStandby::Yes),
        b"loaded" => Some(WarmStandby::Loaded),
        _ => {
            let allowed = "yes, no or loaded, in small letters, with nothing behind: no blank, no comment";
            let message = format!("warmstandby: {:?} is neither yes, no nor loaded", value.text());
            report.refuse(&value, Refusal::new(message, allowed));
            None
        }
    }
}

fn is_facility(name: &str) -> bool {
    let local = name.strip_prefix("local").is_some_and(|n| matches!(n.as_bytes(), [b'0'..=b'7']));
    local || name != "to" && !name.starts_with("local") && FACILITIES.split(' ').any(|known| known == name)
}

fn directory(report: &mut Report, machine: &dyn Machine, s: &Statement<'_>) -> Option<String> {
    let value = s.value();
    let path = value.text();
    if path.is_empty() {
        let refusal = Refusal::new("maintenancedir: no directory", "the path of a directory");
        report.refuse(&s.whole(), refusal.says("maintenance directory not specified"));
        return None;
    }
    if !machine.is_directory(&path) {
        let refusal = Refusal::new(format!("{path} is no directory, yet"), "the path of a directory");
        report.warn(&value, refusal.logs(Level::Warn, "maintenance directory does not exist"));
    }
    Some(path)
}

fn sender(report: &mut Report, s: &Statement<'_>) -> Option<String> {
    let from = s.value().text();
    if from.is_empty() {
        let refusal = Refusal::new("emailalertfrom: no sender", "an address, or NAME <ADDRESS>");
        report.refuse(&s.whole(), refusal.says("no email from address specified"));
        return None;
    }
    Some(from)
}
