//! From what a section says to a virtual service: names looked up, defaults and inheritance.

use std::collections::BTreeSet;
use std::time::Duration;

use super::called::Called;
use super::common::Common;
use super::machine::Machine;
use super::model::{Alert, AlertStates, Check, CheckKind, Fallback, HttpMethod, Real, Secret, Virtual};
use super::section::Draft;
use super::service::Service;
use super::{fallback, global, real};
use crate::config::report::Report;
use crate::config::text::At;
use crate::config::value::Refusal;
use crate::director::table::{
    Family, Netmask, Persistence, Protocol, SchedFlags, Service as KernelService, ServiceId,
};
use crate::level::Level;

/// How long a check may take when nobody says so.
const CHECK: Duration = Duration::from_secs(5);
/// How long a negotiation may take when nobody says so.
const NEGOTIATE: Duration = Duration::from_secs(30);

/// The virtual service a section is about; `None` when it is refused.
pub(super) fn finish(
    report: &mut Report,
    machine: &dyn Machine,
    draft: Draft<'_>,
    global: &global::Draft<'_>,
) -> Option<Virtual> {
    let opened = draft.opened.whole();
    let called = draft.called.as_ref();
    let protocol = draft.protocol.or(called.and_then(Called::usual_protocol));
    let id = called.and_then(|called| called.finish(report, machine, draft.family, protocol));
    let port = id.and_then(|id| id.port()).unwrap_or(0);
    let fallback = own_fallback(report, machine, &draft, port);
    let reals: Vec<Real> =
        draft.reals.iter().flat_map(|r| real::finish(report, machine, r, draft.family)).collect();
    if !draft.names_servers && draft.common.fallback.is_none() && draft.common.fallback6.is_none() {
        report.warn(&opened, Refusal::new("a virtual service without servers", "an indented line: real=..."));
    }
    let (called, id) = (called?, id?);
    let service = draft.check.service.unwrap_or_else(|| usual_service(called, port));
    draft.check.hopeless(report, &opened, service);
    unused(report, &draft, protocol);
    let common = &draft.common;
    let made = Virtual {
        line: opened.line.number,
        id,
        kernel: kernel(report, &draft, protocol),
        fallback: fallback.or_else(|| global_fallback(machine, global, draft.family, port)),
        fallback_command: either(common, &global.common, |c| c.fallback_command.clone()),
        quiescent: either(common, &global.common, |c| c.quiescent).unwrap_or(false),
        clean_stop: either(common, &global.common, |c| c.clean_stop).unwrap_or(true),
        check: check(report, machine, &draft, global, service, &id),
        alert: alert(common, &global.common),
        reals,
        monitor_file: draft.monitor_file,
        service_name: draft.service_name,
        comment: draft.comment,
    };
    unreachable_port(report, &opened, &made);
    every_port(report, &opened, &made);
    twice(report, &draft.reals, &made);
    Some(made)
}

/// The service's own word, else that for all of them.
fn either<T>(own: &Common<'_>, all: &Common<'_>, of: impl Fn(&Common<'_>) -> Option<T>) -> Option<T> {
    of(own).or_else(|| of(all))
}

fn own_fallback(
    report: &mut Report,
    machine: &dyn Machine,
    draft: &Draft<'_>,
    port: u16,
) -> Option<Fallback> {
    let asked = draft.common.fallback.as_ref().or(draft.common.fallback6.as_ref())?;
    fallback::finish(report, machine, asked, port)
}

/// The fallback for all services of a family. What is wrong with it is told once, elsewhere.
fn global_fallback(
    machine: &dyn Machine,
    global: &global::Draft<'_>,
    family: Family,
    port: u16,
) -> Option<Fallback> {
    let asked = match family {
        Family::V4 => global.common.fallback.as_ref(),
        Family::V6 => global.common.fallback6.as_ref(),
    };
    fallback::finish(&mut Report::new(""), machine, asked?, port)
}

fn usual_service(called: &Called<'_>, port: u16) -> Service {
    match called {
        Called::Mark(_) => Service::None,
        Called::Address { .. } => Service::at_port(port),
    }
}

fn kernel(report: &mut Report, draft: &Draft<'_>, protocol: Option<Protocol>) -> KernelService {
    let scheduler = draft.scheduler.clone().unwrap_or_else(|| KernelService::default().scheduler);
    let mut flags = SchedFlags::default();
    // The shell takes quotes away before the reference's ipvsadm sees them.
    for word in draft.sched_flags.iter().flat_map(|at| at.words(|b| matches!(b, b',' | b'"' | b'\''))) {
        match SchedFlags::named(&scheduler, &word.text()) {
            Some(flag) => flags = flags.with(flag),
            None => {
                let message = format!("scheduler {scheduler} has no flag {:?}: it is left out", word.text());
                report.warn(&word, Refusal::new(message, allowed_flags(&scheduler)));
            }
        }
    }
    let netmask = draft.netmask.as_ref().map(|(mask, _)| *mask);
    let netmask = netmask.unwrap_or_else(|| Netmask::single(draft.family));
    let timeout = draft.persistent.as_ref().map(|(timeout, _)| *timeout).filter(|timeout| *timeout > 0);
    KernelService {
        flags,
        persistence: timeout.map(|timeout| Persistence { timeout, netmask }),
        one_packet: protocol == Some(Protocol::Udp) && draft.one_packet.as_ref().is_some_and(|(on, _)| *on),
        engine: None,
        scheduler,
    }
}

fn allowed_flags(scheduler: &str) -> String {
    let own = SchedFlags(7).names(scheduler).join(" ");
    if own.starts_with("flag-") { own } else { format!("{own}, or flag-1 flag-2") }
}

/// Tells of directives that have no effect beside the others.
fn unused(report: &mut Report, draft: &Draft<'_>, protocol: Option<Protocol>) {
    if let Some((_, at)) = draft.netmask.as_ref().filter(|_| draft.persistent.is_none()) {
        report.warn(at, Refusal::new("netmask has no effect without persistent", "persistent=SECONDS"));
    }
    if let Some((0, at)) = &draft.persistent {
        report.warn(at, Refusal::new("persistent=0 has no effect", "a whole number of seconds, at least 1"));
    }
    if let Some((true, at)) = draft.one_packet.as_ref().filter(|_| protocol != Some(Protocol::Udp)) {
        report.warn(at, Refusal::new("ops has an effect on UDP only", "protocol=udp"));
    }
}

fn check(
    report: &mut Report,
    machine: &dyn Machine,
    draft: &Draft<'_>,
    global: &global::Draft<'_>,
    service: Service,
    id: &ServiceId,
) -> Check {
    let (own, all, said) = (&draft.common, &global.common, &draft.check);
    let named = said.service.is_some();
    let hostname = || format!("ldirectord@{}", machine.hostname());
    let (login, passwd) = match service {
        Service::Ftp if named => ("anonymous".to_owned(), hostname()),
        Service::Sip if named => (hostname(), String::new()),
        _ => (String::new(), String::new()),
    };
    Check {
        kind: said.kind.unwrap_or(CheckKind::Negotiate),
        service,
        command: said.command.clone().unwrap_or_else(|| "/bin/true".to_owned()),
        port: said.port,
        request: said.request.as_ref().map_or_else(|| "/".to_owned(), |(request, _)| request.clone()),
        receive: said.receive.as_ref().map(|(pattern, _)| pattern.clone()),
        method: said.method.as_ref().map_or(HttpMethod::Get, |(method, _)| *method),
        virtual_host: said.virtual_host.clone(),
        login: said.login.clone().unwrap_or(login),
        passwd: said.passwd.clone().unwrap_or_else(|| Secret::new(passwd)),
        database: said.database.clone().unwrap_or_default(),
        secret: said.secret.clone().unwrap_or_default(),
        timeout: first([own.check_timeout, own.negotiate_timeout, all.check_timeout, all.negotiate_timeout])
            .unwrap_or(CHECK),
        negotiate_timeout: first([
            own.negotiate_timeout,
            own.check_timeout,
            all.negotiate_timeout,
            all.check_timeout,
        ])
        .unwrap_or(NEGOTIATE),
        interval: interval(report, own, global, id),
        count: either(own, all, |c| c.check_count).unwrap_or(1),
        failure_count: either(own, all, |c| c.failure_count).unwrap_or(1),
    }
}

/// The first time that was said.
fn first(times: [Option<Duration>; 4]) -> Option<Duration> {
    times.into_iter().flatten().next()
}

fn interval(report: &mut Report, own: &Common<'_>, global: &global::Draft<'_>, id: &ServiceId) -> Duration {
    let all = global.common.check_interval.as_ref().map_or(Duration::from_secs(10), |(time, _)| *time);
    match &own.check_interval {
        None => all,
        Some((time, _)) if global.fork == Some(true) => *time,
        Some((_, at)) => {
            let tagged = id.tagged();
            let refusal = Refusal::new("checkinterval has no effect here without fork=yes", "fork=yes");
            let said = format!("checkinterval in virtual service {tagged} ignored when fork=no");
            report.warn(at, refusal.logs(Level::Warn, said));
            all
        }
    }
}

fn alert(own: &Common<'_>, all: &Common<'_>) -> Alert {
    Alert {
        to: either(own, all, |c| c.email_to.clone()).unwrap_or_default(),
        every: either(own, all, |c| c.email_every).unwrap_or_default(),
        states: either(own, all, |c| c.email_states).unwrap_or(AlertStates::ALL),
        smtp: either(own, all, |c| c.smtp.clone()),
    }
}

/// Tells of a service at all ports from which the kernel takes no connections.
fn every_port(report: &mut Report, opened: &At<'_>, made: &Virtual) {
    if made.id.port() == Some(0) && made.kernel.persistence.is_none() {
        let message = "port 0 is every port, which the kernel serves for persistent services only";
        report.warn(opened, Refusal::new(message, "persistent=SECONDS, or a port from 1 to 65535"));
    }
}

/// Tells of servers that are named twice, once for each line.
fn twice(report: &mut Report, drafts: &[real::Draft<'_>], made: &Virtual) {
    let (mut seen, mut told) = (BTreeSet::new(), 0);
    for real in &made.reals {
        let key = made.key(real.at, real.forward);
        if seen.insert(key) || told == real.line {
            continue;
        }
        told = real.line;
        if let Some(draft) = drafts.iter().find(|draft| draft.place().line.number == told) {
            let message =
                format!("{key} is named above: of the lines that are up the last one's weight counts");
            report.warn(draft.place(), Refusal::new(message, "each server once"));
        }
    }
}

/// Tells of checks that need a port and have none.
fn unreachable_port(report: &mut Report, opened: &At<'_>, made: &Virtual) {
    let kind = made.check.kind;
    let negotiates =
        matches!(kind, CheckKind::Negotiate | CheckKind::Combined(_)) && made.check.service != Service::None;
    let asks = kind == CheckKind::Connect && made.protocol_word() != "udp" || negotiates;
    if asks && made.reals.iter().any(|real| made.check_port(real) == 0) {
        let message = "a server without a port cannot be checked: it will be down";
        report.warn(opened, Refusal::new(message, "checkport=PORT, or a port behind its address"));
    }
}
