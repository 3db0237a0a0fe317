//! Directives that may stand in a virtual service and for all of them: the service's own wins.

use std::time::Duration;

use super::fallback;
use super::lines::{Statement, is_space};
use super::model::AlertStates;
use super::value::{ignored, maybe_quoted, number, part, seconds, text, yes_no};
use crate::config::report::Report;
use crate::config::text::At;
use crate::config::value::Refusal;
use crate::director::table::Family;

/// What was said, in one place or the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Common<'a> {
    pub(super) check_timeout: Option<Duration>,
    pub(super) negotiate_timeout: Option<Duration>,
    pub(super) check_interval: Option<(Duration, At<'a>)>,
    pub(super) check_count: Option<u32>,
    pub(super) failure_count: Option<u32>,
    pub(super) quiescent: Option<bool>,
    pub(super) clean_stop: Option<bool>,
    pub(super) fallback: Option<fallback::Draft<'a>>,
    pub(super) fallback6: Option<fallback::Draft<'a>>,
    pub(super) fallback_command: Option<String>,
    pub(super) email_to: Option<Vec<String>>,
    pub(super) email_every: Option<Duration>,
    pub(super) email_states: Option<AlertStates>,
    pub(super) smtp: Option<String>,
}

/// Puts a value in place if there is one; what was there before has no effect any more.
pub(super) fn set<T>(slot: &mut Option<T>, value: Option<T>) {
    if value.is_some() {
        *slot = value;
    }
}

const DEPRECATED: &str = "connecttimeout directive deprecated in favour of negotiatetimeout";

impl<'a> Common<'a> {
    /// Reads a directive if it is one of these. `family` is that of the virtual service it stands in.
    pub(super) fn read(&mut self, report: &mut Report, s: &Statement<'a>, family: Option<Family>) -> bool {
        let name = s.name.text();
        match name.as_str() {
            "checktimeout" | "negotiatetimeout" | "checkinterval" | "checkcount" | "failurecount" => {
                self.counted(report, s, &name);
            }
            "quiescent" => set(&mut self.quiescent, yes_no(report, s, &name)),
            "cleanstop" => set(&mut self.clean_stop, yes_no(report, s, &name)),
            "fallback" | "fallback6" => self.fallback(report, s, &name, family),
            "fallbackcommand" => set(&mut self.fallback_command, command(report, s)),
            "emailalert" => set(&mut self.email_to, addresses(report, s)),
            "emailalertfreq" => set(&mut self.email_every, reminder(report, s)),
            "emailalertstatus" => set(&mut self.email_states, states(report, s)),
            "smtp" => set(&mut self.smtp, mail_host(report, s)),
            "connecttimeout" => {
                let refusal = Refusal::new("connecttimeout is no directive any more", "negotiatetimeout");
                report.refuse(&s.whole(), refusal.says(DEPRECATED));
            }
            _ => return false,
        }
        true
    }

    fn counted(&mut self, report: &mut Report, s: &Statement<'a>, name: &str) {
        let what = match name {
            "checktimeout" => "check timeout",
            "negotiatetimeout" => "negotiate timeout",
            "checkinterval" if s.inside => "checkinterval",
            "checkinterval" => "check interval",
            "checkcount" => "check count",
            _ => "failure count",
        };
        let said = format!("invalid {what}{}", if s.inside { "" } else { " value" });
        let Some(n) = number(report, s, name, 1, &said) else { return };
        let time = Some(Duration::from_secs(u64::from(n)));
        match name {
            "checktimeout" => self.check_timeout = time,
            "negotiatetimeout" => self.negotiate_timeout = time,
            "checkinterval" => self.check_interval = time.map(|t| (t, s.whole())),
            "checkcount" => {
                self.check_count = Some(n);
                let refusal = Refusal::new("only pings use checkcount", "failurecount");
                let said =
                    "checkcount option is deprecated and slated for removal.  please see 'failurecount'";
                report.warn(&s.whole(), refusal.logs(crate::level::Level::Warn, said));
            }
            _ => self.failure_count = Some(n),
        }
    }

    fn fallback(&mut self, report: &mut Report, s: &Statement<'a>, name: &str, family: Option<Family>) {
        let of = if name == "fallback" { Family::V4 } else { Family::V6 };
        if let Some(wanted) = family.filter(|wanted| *wanted != of) {
            let right = if wanted == Family::V4 { "fallback" } else { "fallback6" };
            let said = format!("cannot specify \"{name}\" here.  please use \"{right}\" instead");
            let message = format!("{name} is of another family than the virtual service");
            report.refuse(&s.name, Refusal::new(message, right).says(said));
            return;
        }
        let slot = if of == Family::V4 { &mut self.fallback } else { &mut self.fallback6 };
        *slot = fallback::read(report, s, of);
    }
}

fn command(report: &mut Report, s: &Statement<'_>) -> Option<String> {
    let value = if s.inside { maybe_quoted(report, s) } else { s.value() };
    let value = text(&value, s.inside);
    if value.is_empty() {
        let refusal = Refusal::new("fallbackcommand: no command", "a command line for the shell");
        report.refuse(&s.whole(), refusal.says("invalid fallback command"));
        return None;
    }
    Some(value)
}

fn addresses(report: &mut Report, s: &Statement<'_>) -> Option<Vec<String>> {
    let value = maybe_quoted(report, s).text();
    let list: Vec<String> =
        value.split(',').map(str::trim).filter(|a| !a.is_empty()).map(ToOwned::to_owned).collect();
    if list.is_empty() && !value.is_empty() {
        report
            .warn(&s.whole(), Refusal::new("emailalert: nobody is named", "addresses, separated by commas"));
    } else if list.is_empty() {
        let refusal = Refusal::new("emailalert: no address", "addresses, separated by commas");
        report.refuse(&s.whole(), refusal.says("no email address specified"));
        return None;
    }
    Some(list)
}

/// Unlike other numbers, this one must stand at the beginning.
fn reminder(report: &mut Report, s: &Statement<'_>) -> Option<Duration> {
    const SAID: &str = "invalid email alert frequency";
    let value = s.value();
    if value.bytes().first().is_some_and(u8::is_ascii_digit) {
        return seconds(report, s, "emailalertfreq", 0, SAID);
    }
    let message = format!("emailalertfreq: {:?} is no number", value.text());
    report.refuse(&value, Refusal::new(message, "a whole number of seconds, at least 0").says(SAID));
    None
}

const STATES: &str = "all, or none, or some of starting running stopping reloading, separated by commas";

fn states(report: &mut Report, s: &Statement<'_>) -> Option<AlertStates> {
    let value = s.value();
    let words = value.words(|b| b == b',' || is_space(b));
    let mut states = AlertStates::NONE;
    let none = words.iter().find(|w| w.bytes() == b"none");
    for word in &words {
        match word.bytes() {
            b"none" => {}
            _ if none.is_some() => {
                let said = format!("invalid email alert status: \"{}\" specified with \"none\"", word.text());
                let message = format!("{:?} and \"none\" do not go together", word.text());
                report.refuse(word, Refusal::new(message, STATES).says(said));
                return None;
            }
            b"all" => states = AlertStates::ALL,
            b"starting" => states.starting = true,
            b"running" => states.running = true,
            b"stopping" => states.stopping = true,
            b"reloading" => states.reloading = true,
            _ => {
                let said = format!("invalid email alert status at: \"{}\"", word.text());
                let message = format!("{:?} is no state of the daemon", word.text());
                report.refuse(word, Refusal::new(message, STATES).says(said));
                return None;
            }
        }
    }
    if words.is_empty() {
        report.warn(&s.whole(), Refusal::new("no state is named: no e-mails are sent", STATES));
    }
    Some(states)
}

fn mail_host(report: &mut Report, s: &Statement<'_>) -> Option<String> {
    let value = s.value();
    let is = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'-');
    let length = value.bytes().iter().take_while(|b| is(b)).count();
    if length == 0 {
        let refusal =
            Refusal::new(format!("{:?} is no host", value.text()), "the name or address of a mail host");
        report.refuse(&s.whole(), refusal.says("invalid SMTP server address"));
        return None;
    }
    ignored(report, &value, length);
    Some(part(&value, 0..length).text())
}
