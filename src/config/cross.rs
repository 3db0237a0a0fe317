//! Checks that need more than one directive (configuration.md 1.4), in the order of 3.0.6.
//!
//! Nothing is concluded from a directive that was refused already: one mistake, one message.

use std::time::Duration;

use super::ha_cf::Draft;
use super::model::{AutoFailback, NodeKind};
use super::report::Report;
use super::value::Refusal;
use crate::level::Level;

/// Below this 3.0.6 finds initdead short.
const COMFORTABLE: Duration = Duration::from_secs(10);

/// The findings, and what follows from the absence of log directives: whether to use the logging
/// daemon.
pub(super) fn check(draft: &Draft<'_>, file: &str) -> (Report, bool) {
    let mut report = Report::new(file);
    if !draft.pacemaker {
        report.say(Level::Info, "Pacemaker support: false");
    }
    members(draft, &mut report);
    times(draft, &mut report);
    late(draft, &mut report);
    failback(draft, &mut report);
    let use_logd = logging(draft, &mut report);
    autojoin(draft, &mut report);
    (report, use_logd)
}

fn members(draft: &Draft<'_>, report: &mut Report) {
    let config = &draft.config;
    if config.media.is_empty() && !draft.tried_medium() {
        let refusal = Refusal::new("no medium is declared", "bcast, ucast, mcast, serial ...");
        report.refuse_near(None, refusal.says("No heartbeat media defined"));
    }
    if config.nodes.is_empty() && draft.sound("node") {
        let refusal = Refusal::new("no node is declared", "node NAME NAME");
        report.refuse_near(None, refusal.says("no nodes defined"));
    }
    let own = &config.this_node;
    if config.nodes.iter().any(|node| node.name == *own) {
        return;
    }
    let names = config
        .nodes
        .iter()
        .filter(|node| node.kind == NodeKind::Normal);
    let names: Vec<&str> = names.map(|node| node.name.as_str()).collect();
    let message = format!(
        "this node, {own:?}, is not declared; nodes are: {}",
        names.join(" ")
    );
    let refusal = Refusal::new(message, format!("node {own} (the name `uname -n` shows)"))
        .says(format!("Current node [{own}] not in configuration!"))
        .logs(Level::Info, UNAME)
        .logs(
            Level::Info,
            "See also: http://linux-ha.org/wiki/Ha.cf#node_directive",
        );
    report.refuse_near(None, refusal);
}

const UNAME: &str = "By default, cluster nodes are named by `uname -n` and must be declared with a \
                     'node' directive in the ha.cf file.";

fn times(draft: &Draft<'_>, report: &mut Report) {
    let timing = draft.config.timing;
    let (keepalive, deadtime) = (timing.keepalive, timing.deadtime);
    let keep_ms = keepalive.as_millis();
    let sound = |names: &[&str]| names.iter().all(|name| draft.sound(name));
    let place = |name: &str, other: &str| draft.place(name).or_else(|| draft.place(other));
    if deadtime <= keepalive * 2 && sound(&["deadtime", "keepalive"]) {
        let ms = deadtime.as_millis();
        let refusal = too_small("deadtime", ms, "twice keepalive", keep_ms * 2, true).says(
            format!("Dead time [{ms}] is too small compared to keeplive [{keep_ms}]"),
        );
        report.refuse_near(place("deadtime", "keepalive").as_ref(), refusal);
    }
    if sound(&["deadtime", "initdead"]) {
        initdead(draft, report);
    }
    let given = draft.times.deadping.is_some();
    if given && timing.deadping <= keepalive * 2 && sound(&["deadping", "keepalive"]) {
        let ms = timing.deadping.as_millis();
        let refusal = too_small("deadping", ms, "twice keepalive", keep_ms * 2, true).says(
            format!("Ping dead time [{ms}] is too small compared to keeplive [{keep_ms}]"),
        );
        report.refuse_near(place("deadping", "keepalive").as_ref(), refusal);
    }
}

fn initdead(draft: &Draft<'_>, report: &mut Report) {
    let (initdead, deadtime) = (draft.config.timing.initdead, draft.config.timing.deadtime);
    let (ms, dead_ms) = (initdead.as_millis(), deadtime.as_millis());
    let place = draft.place("initdead");
    if initdead < deadtime {
        let refusal = too_small("initdead", ms, "deadtime", dead_ms, false).says(format!(
            "Initial dead time [{ms}] is smaller than deadtime [{dead_ms}]"
        ));
        report.refuse_near(place.as_ref(), refusal);
    } else if initdead < COMFORTABLE {
        let message = format!("initdead: {ms} ms is short for a network that is still coming up");
        let refusal = Refusal::new(message, "10 seconds or more")
            .logs(
                Level::Warn,
                format!("Initial dead time [{ms} ms] may be too small!"),
            )
            .logs(
                Level::Info,
                "Initial dead time accounts for slow network startup time",
            )
            .logs(Level::Info, "It should be >= deadtime and >= 10 seconds");
        report.warn_near(place.as_ref(), refusal);
    }
}

/// Two times in the wrong order.
fn too_small(name: &str, ms: u128, other: &str, limit: u128, strict: bool) -> Refusal {
    let (relation, bound) = if strict {
        ("not more than", "more than")
    } else {
        ("less than", "at least")
    };
    let message = format!("{name}: {ms} ms is {relation} {other}, {limit} ms");
    Refusal::new(message, format!("{bound} {limit} ms"))
}

/// 3.0.6 compares warntime with nothing.
fn late(draft: &Draft<'_>, report: &mut Report) {
    let timing = draft.config.timing;
    let sound = draft.sound("warntime") && draft.sound("deadtime");
    if draft.times.warntime.is_some() && timing.warntime >= timing.deadtime && sound {
        let (ms, limit) = (timing.warntime.as_millis(), timing.deadtime.as_millis());
        let message = format!("warntime: {ms} ms never comes before deadtime, {limit} ms");
        let refusal = Refusal::new(message, format!("less than {limit} ms"));
        report.warn_near(draft.place("warntime").as_ref(), refusal);
    }
}

fn failback(draft: &Draft<'_>, report: &mut Report) {
    if draft.config.auto_failback == AutoFailback::Legacy && draft.sound("auto_failback") {
        report.say(
            Level::Warn,
            "Deprecated 'legacy' auto_failback option selected.",
        );
        report.say(Level::Warn, "Please convert to 'auto_failback on'.");
        report.say(Level::Warn, "See documentation for conversion details.");
    }
}

fn logging(draft: &Draft<'_>, report: &mut Report) -> bool {
    let logging = &draft.config.logging;
    let file = logging.logfile.is_some() || logging.debugfile.is_some();
    let nowhere = !file && logging.facility.is_none();
    match (draft.use_logd, nowhere) {
        (None, true) => {
            report.say(Level::Info, "No log entry found in ha.cf -- use logd");
            report.say(Level::Info, "Enabling logging daemon ");
            let text = "logfile and debug file are those specified in logd config file (default /etc/logd.cf)";
            report.say(Level::Info, text);
        }
        (Some(false), true) => {
            let said = "No log entry found in ha.cf and use_logd is set to off";
            let refusal = Refusal::new(
                "nothing is logged anywhere",
                "logfile, debugfile or logfacility",
            );
            report.refuse_near(draft.place("use_logd").as_ref(), refusal.says(said));
        }
        (Some(true), false) => {
            let facility = if logging.facility.is_some() {
                "/logfacility"
            } else {
                ""
            };
            let text = format!(
                "logd is enabled but logfile/debugfile{facility} is still configured in ha.cf"
            );
            report.say(Level::Warn, text);
        }
        (Some(true), true) => {}
        (_, false) => {
            let text = "Logging daemon is disabled --enabling logging daemon is recommended";
            report.say(Level::Warn, text);
        }
    }
    draft.use_logd.unwrap_or(nowhere)
}

fn autojoin(draft: &Draft<'_>, report: &mut Report) {
    if draft.autojoin.is_some() {
        let refusal = Refusal::new("autojoin needs another resource manager", "none")
            .says("R1 style resource management conflicts with  autojoin set")
            .says("You need either unset autojoin or enable crm");
        report.refuse_near(draft.autojoin.as_ref(), refusal);
    }
}
