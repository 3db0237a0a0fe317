//! Directives of a virtual service that say how its servers are checked.

use super::common::set;
use super::lines::{Statement, is_space};
use super::model::{CheckKind, HttpMethod, Secret};
use super::pattern::Pattern;
use super::real::{pattern, slashed};
use super::service::Service;
use super::value::{between_quotes, maybe_quoted, number, run, text, word};
use crate::config::report::Report;
use crate::config::text::At;
use crate::config::value::Refusal;

/// What was said so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft<'a> {
    pub(super) kind: Option<CheckKind>,
    pub(super) service: Option<Service>,
    pub(super) command: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) request: Option<(String, At<'a>)>,
    pub(super) receive: Option<(Pattern, At<'a>)>,
    pub(super) method: Option<(HttpMethod, At<'a>)>,
    pub(super) virtual_host: Option<String>,
    pub(super) login: Option<String>,
    pub(super) passwd: Option<Secret>,
    pub(super) database: Option<String>,
    pub(super) secret: Option<Secret>,
}

const KINDS: &str = "negotiate, connect, on, off, ping, external, external-perl, or a number";
const KINDS_SAID: &str = "checktype must be \"connect\", \"negotiate\", \"on\", \"off\", \"ping\", \
                          \"external\", \"external-perl\" or a positive number";
const SERVICES_SAID: &str = "service must be dns, ftp, http, https, http_proxy, imap, imaps, ldap, ldaps, \
                             mysql, nntp, none, oracle, pop, pops, radius, pgsql, simpletcp, sip, smtp or submission";

impl<'a> Draft<'a> {
    /// Reads a directive if it is one of these.
    pub(super) fn read(&mut self, report: &mut Report, s: &Statement<'a>) -> bool {
        match s.name.bytes() {
            b"checktype" => set(&mut self.kind, kind(report, s)),
            b"checkcommand" => set(&mut self.command, command(report, s)),
            b"checkport" => set(&mut self.port, check_port(report, s)),
            b"service" => set(&mut self.service, service(report, s)),
            b"httpmethod" => set(&mut self.method, method(report, s).map(|m| (m, s.whole()))),
            b"virtualhost" => {
                let host = text(&maybe_quoted(report, s), true);
                self.virtual_host = Some(host).filter(|host| !host.is_empty());
            }
            _ => return self.quoted(report, s),
        }
        true
    }

    /// The directives whose value must be in quotes.
    fn quoted(&mut self, report: &mut Report, s: &Statement<'a>) -> bool {
        let name = s.name.text();
        let said = match name.as_str() {
            "request" => "no request string specified",
            "receive" => "invalid receive string",
            "login" => "invalid login string",
            "passwd" => "invalid password",
            "database" => "invalid database",
            "secret" => "invalid secret",
            "load" => "invalid string for load testing",
            _ => return false,
        };
        let Some(inside) = between_quotes(report, &s.value()) else { return false };
        if inside.bytes().is_empty() {
            let refusal = Refusal::new(format!("{name}: there is nothing in the quotes"), "a text in quotes");
            report.refuse(&s.whole(), refusal.says(said));
            return true;
        }
        let value = text(&inside, true);
        match name.as_str() {
            "request" => self.request = Some((slashed(&value), inside)),
            "receive" => {
                self.receive = pattern(report, &inside).flatten().map(|pattern| (pattern, inside));
            }
            "login" => self.login = Some(value),
            "passwd" => self.passwd = Some(Secret::new(value)),
            "database" => self.database = Some(value),
            "secret" => self.secret = Some(Secret::new(value)),
            _ => report.warn(&s.whole(), Refusal::new("load has no effect", "")),
        }
        true
    }
}

fn kind(report: &mut Report, s: &Statement<'_>) -> Option<CheckKind> {
    let value = s.value();
    if value.bytes().iter().any(u8::is_ascii_digit) {
        return number(report, s, "checktype", 0, KINDS_SAID).map(CheckKind::Combined);
    }
    let word = run(report, s, |b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    let kind = match word.bytes() {
        b"negotiate" => CheckKind::Negotiate,
        b"connect" => CheckKind::Connect,
        b"ping" => CheckKind::Ping,
        b"external" => CheckKind::External,
        b"external-perl" => CheckKind::ExternalPerl,
        b"on" => CheckKind::On,
        b"off" => CheckKind::Off,
        _ => {
            let message = format!("{:?} is no kind of check", word.text());
            report.refuse(&value, Refusal::new(message, KINDS).says(KINDS_SAID));
            return None;
        }
    };
    Some(kind)
}

fn command(report: &mut Report, s: &Statement<'_>) -> Option<String> {
    let command = text(&maybe_quoted(report, s), true);
    if command.is_empty() {
        let refusal = Refusal::new("checkcommand: no command", "the path of a program");
        report.refuse(&s.whole(), refusal.says("invalid check command"));
        return None;
    }
    Some(command)
}

fn check_port(report: &mut Report, s: &Statement<'_>) -> Option<u16> {
    let n = number(report, s, "checkport", 0, "invalid port")?;
    let port = u16::try_from(n).ok().filter(|port| *port > 0);
    if port.is_none() {
        let refusal = Refusal::new(format!("checkport: {n} is no port"), "a number from 1 to 65535");
        report.refuse(&s.value(), refusal.says("checkport must be in range 1..65536"));
    }
    port
}

fn service(report: &mut Report, s: &Statement<'_>) -> Option<Service> {
    let word = word(report, s);
    let service = Service::named(&word.text());
    if service.is_none() {
        let allowed = Service::words().collect::<Vec<_>>().join(" ");
        let message = format!("{:?} is no service that can be checked", word.text());
        report.refuse(&s.value(), Refusal::new(message, allowed).says(SERVICES_SAID));
    }
    service
}

fn method(report: &mut Report, s: &Statement<'_>) -> Option<HttpMethod> {
    let word = word(report, s);
    if word.bytes().eq_ignore_ascii_case(b"GET") {
        Some(HttpMethod::Get)
    } else if word.bytes().eq_ignore_ascii_case(b"HEAD") {
        Some(HttpMethod::Head)
    } else {
        let refusal = Refusal::new(format!("{:?} cannot be asked with", word.text()), "GET or HEAD");
        report.refuse(&s.value(), refusal.says("httpmethod must be GET or HEAD"));
        None
    }
}

impl Draft<'_> {
    /// Tells of checks that can never succeed as they are written.
    pub(super) fn hopeless(&self, report: &mut Report, opened: &At<'_>, service: Service) {
        let negotiates = matches!(self.kind, None | Some(CheckKind::Negotiate | CheckKind::Combined(_)));
        if !negotiates {
            return;
        }
        if let Some((_, at)) = self.receive.as_ref().filter(|_| service.is_http()) {
            if at.bytes().trim_ascii_start().starts_with(b"HTTP/") {
                let message = "receive is looked for in the page, never in the status line before it";
                report.warn(at, Refusal::new(message, "a text of the page itself"));
            }
            if let Some((HttpMethod::Head, method)) = &self.method {
                let message = "an answer to HEAD has no page in which receive could be found";
                report.warn(method, Refusal::new(message, "httpmethod=GET, or no receive"));
            }
        }
        if service == Service::Dns && (self.request.is_none() || self.receive.is_none()) {
            let message = "dns servers are down for ever without both request and receive";
            report.warn(opened, Refusal::new(message, "request=\"NAME\" and receive=\"ADDRESS\""));
        }
        if service.is_sql() && (self.request.is_none() || self.login.is_none()) {
            let message = "database servers are down for ever without both login and request";
            report.warn(opened, Refusal::new(message, "login=\"USER\" and request=\"QUERY\""));
        }
    }
}

/// The value of a bad line is not to be shown if it may be a password.
pub(super) fn is_secret(line: &[u8]) -> bool {
    let word = line.trim_ascii_start();
    let blanks = |rest: &[u8]| rest.first().is_none_or(|b| is_space(*b) || *b == b'=' || *b == b'"');
    [b"passwd".as_slice(), b"secret"].iter().any(|name| word.strip_prefix(*name).is_some_and(blanks))
}
