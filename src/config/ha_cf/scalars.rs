//! The directives that set one value each (configuration.md 1.2).

use std::time::Duration;

use super::draft::Draft;
use crate::config::host::FileKind;
use crate::config::model::{AutoFailback, CompressionMethod, GenerationMethod, MessageFormat, UuidFrom};
use crate::config::text::At;
use crate::config::value::{Refusal, boolean, number, one_of, port, positive_time, time};
use crate::level::Level;
use crate::paths::HARESOURCES;

/// Syslog facilities.
const FACILITIES: [&str; 20] = [
    "auth", "authpriv", "cron", "daemon", "ftp", "kern", "lpr", "mail", "news", "security", "syslog", "user",
    "uucp", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
];

/// What 3.0.6 says when logd is not used.
const NO_LOGD: &str = "Logging daemon is disabled --enabling logging daemon is recommended";

/// Sets the scalar `name` to `text`, or says why not.
pub(super) fn set<'a>(
    draft: &mut Draft<'a>,
    name: &'static str,
    text: &str,
    at: &At<'a>,
) -> Result<(), Refusal> {
    match name {
        "keepalive" | "deadtime" | "warntime" | "initdead" | "deadping" => timing(draft, name, text),
        "udpport" => udpport(draft, text, at),
        "baud" => baud(draft, text),
        "watchdog" => watchdog(draft, text, at),
        "auto_failback" | "nice_failback" => failback(draft, name, text),
        "logfile" | "debugfile" | "logfacility" | "use_logd" | "conn_logd_time" | "syslogmsgfmt"
        | "debug" => logging(draft, name, text, at),
        "rtprio" | "realtime" | "memreserve" => realtime(draft, name, text),
        "compression" | "compression_threshold" | "traditional_compression" => compression(draft, name, text),
        "crm"
        | "pacemaker"
        | "autojoin"
        | "crm_daemon_dir"
        | "crmd_spawns_pengine"
        | "record_config_changes"
        | "record_pengine_inputs"
        | "enable_config_writes" => other_manager(draft, name, text, at),
        "env" => env(draft, text, at),
        _ => plain(draft, name, text),
    }
}

fn timing(draft: &mut Draft<'_>, name: &str, text: &str) -> Result<(), Refusal> {
    let timing = &mut draft.config.timing;
    match name {
        "keepalive" => timing.keepalive = positive_time(text)?,
        "deadtime" => timing.deadtime = time(text)?,
        "initdead" => draft.times.initdead = Some(time(text)?),
        "deadping" => draft.times.deadping = Some(time(text)?),
        _ => {
            let invalid = |r: Refusal| r.says(format!("Warn time [{text}] is invalid."));
            draft.times.warntime = Some(positive_time(text).map_err(invalid)?);
        }
    }
    Ok(())
}

fn udpport(draft: &mut Draft<'_>, text: &str, at: &At<'_>) -> Result<(), Refusal> {
    let invalid = |r: Refusal| r.says(format!("heartbeat: invalid port [{text}] specified."));
    let value = port(text).map_err(invalid)?;
    draft.port = value;
    if let Some(service) = draft.host.udp_service_at(value).filter(|s| s != "ha-cluster") {
        let said = format!("heartbeat: udp port {value} reserved for service \"{service}\".");
        let message = format!("port {value} belongs to the service {service}");
        let refusal = Refusal::new(message, "694, or a port nobody uses").logs(Level::Warn, said);
        draft.warn("udpport", at, refusal);
    }
    if !draft.config.media.is_empty() {
        let refusal = Refusal::new("media declared above use another port", "udpport before media");
        draft.warn("udpport", at, refusal);
    }
    Ok(())
}

fn baud(draft: &mut Draft<'_>, text: &str) -> Result<(), Refusal> {
    const RATES: [u32; 7] = [9600, 19200, 38400, 57600, 115_200, 230_400, 460_800];
    if draft.place("baud").is_some() {
        let refusal = Refusal::new("given a second time", "baud once");
        return Err(refusal.says("heartbeat: Baudrate multiply specified."));
    }
    if RATES.iter().any(|rate| rate.to_string() == text) {
        return Ok(());
    }
    let allowed = RATES.map(|rate| rate.to_string()).join(" ");
    let refusal = Refusal::new(format!("{text:?} is no speed of a serial line"), allowed);
    Err(refusal.says(format!("heartbeat: invalid baudrate [{text}] specified.")))
}

fn watchdog(draft: &mut Draft<'_>, text: &str, at: &At<'_>) -> Result<(), Refusal> {
    if draft.place("watchdog").is_some() {
        let refusal = Refusal::new("given a second time", "watchdog once");
        return Err(refusal.says("heartbeat: Watchdog device multiply specified."));
    }
    if draft.host.file_kind(text).is_none() {
        let message = format!("{text} does not exist (yet); without it there is no watchdog");
        draft.warn("watchdog", at, Refusal::new(message, "a device such as /dev/watchdog"));
    }
    draft.config.watchdog = Some(text.to_owned());
    Ok(())
}

fn failback(draft: &mut Draft<'_>, name: &str, text: &str) -> Result<(), Refusal> {
    if name == "nice_failback" {
        return nice_failback(draft, text);
    }
    draft.config.auto_failback = if text.eq_ignore_ascii_case("legacy") {
        AutoFailback::Legacy
    } else {
        let allowed = |r: Refusal| Refusal::new(r.message, "on, off or legacy");
        draft.failback_chosen = true;
        if boolean(text).map_err(allowed)? { AutoFailback::On } else { AutoFailback::Off }
    };
    Ok(())
}

/// Obsolete, and still in old files: 3.0.6 complains at length and goes on.
fn nice_failback(draft: &mut Draft<'_>, text: &str) -> Result<(), Refusal> {
    let report = &mut draft.report;
    let obsolete = "nice_failback flag is obsolete.. Use auto_failback {on, off, legacy} instead.";
    report.say(Level::Error, obsolete);
    boolean(text).map_err(|r| r.says("See documentation for details."))?;
    if draft.failback_chosen {
        draft.config.auto_failback = AutoFailback::Off;
        let changed = format!("'nice_failback {text}' has been changed to 'auto_failback off'");
        report.say(Level::Error, changed);
    } else {
        draft.config.auto_failback = AutoFailback::Legacy;
        let strict = "nice_failback on has been strictly interpreted as 'auto_failback legacy'";
        report.say(Level::Error, strict);
        report.say(Level::Error, "Consider converting to 'auto_failback on'.");
        report.say(Level::Error, "When you do, then you can use ipfail, and hb_standby");
    }
    report.say(Level::Error, "See documentation for details.");
    Ok(())
}

fn logging(draft: &mut Draft<'_>, name: &str, text: &str, at: &At<'_>) -> Result<(), Refusal> {
    match name {
        "logfile" => draft.config.logging.logfile = Some(log_path(draft, "logfile", text, at)),
        "debugfile" => draft.config.logging.debugfile = Some(log_path(draft, "debugfile", text, at)),
        "logfacility" => draft.config.logging.facility = facility(text)?,
        "use_logd" => use_logd(draft, boolean(text).map_err(|r| r.logs(Level::Warn, NO_LOGD))?),
        "conn_logd_time" => draft.config.logging.conn_logd_time = positive_time(text)?,
        "syslogmsgfmt" => draft.config.logging.syslog_style = boolean(text)?,
        _ => draft.config.logging.debug = byte(text)?,
    }
    Ok(())
}

/// A log file that cannot be made is no reason not to start; the reference starts too.
fn log_path(draft: &mut Draft<'_>, name: &'static str, text: &str, at: &At<'_>) -> String {
    let directory = match text.rsplit_once('/') {
        Some(("", _)) => "/",
        Some((directory, _)) => directory,
        None => "",
    };
    let kind = draft.host.file_kind(text);
    let missing = directory != "/" && draft.host.file_kind(directory) != Some(FileKind::Directory);
    if kind == Some(FileKind::Directory) || kind.is_none() && missing {
        let message = format!("{text} cannot be written to");
        draft.warn(name, at, Refusal::new(message, "the full path of a file in an existing directory"));
    }
    text.to_owned()
}

fn facility(text: &str) -> Result<Option<String>, Refusal> {
    if text == "none" {
        return Ok(None);
    }
    if text == "local7" || FACILITIES.contains(&text) {
        return Ok(Some(text.to_owned()));
    }
    let allowed = format!("{} local7 none", FACILITIES.join(" "));
    let refusal = Refusal::new(format!("{text:?} is no syslog facility"), allowed);
    Err(refusal.says(format!("Log facility({text}) not valid")))
}

fn use_logd(draft: &mut Draft<'_>, wanted: bool) {
    draft.use_logd = Some(wanted);
    if wanted {
        draft.report.say(Level::Info, "Enabling logging daemon ");
        let text = "logfile and debug file are those specified in logd config file (default /etc/logd.cf)";
        draft.report.say(Level::Info, text);
    } else {
        draft.report.say(Level::Warn, NO_LOGD);
    }
}

/// A number from 0 to 255.
fn byte(text: &str) -> Result<u8, Refusal> {
    let value = number(text, 0..=255, &[])?;
    u8::try_from(value).map_err(|_| Refusal::new("out of range", "0 to 255"))
}

fn realtime(draft: &mut Draft<'_>, name: &str, text: &str) -> Result<(), Refusal> {
    let realtime = &mut draft.config.realtime;
    match name {
        "realtime" => realtime.enabled = boolean(text)?,
        "memreserve" => realtime.reserve_kb = Some(number(text, 1..=4_000_000, &["k", "kb"])?),
        _ => {
            let illegal = |r: Refusal| r.says(format!("Illegal realtime priority [{text}]"));
            realtime.priority = number(text, 1..=99, &[]).map_err(illegal)? as u8;
        }
    }
    Ok(())
}

fn compression(draft: &mut Draft<'_>, name: &str, text: &str) -> Result<(), Refusal> {
    let compression = &mut draft.config.compression;
    match name {
        "compression" => {
            let methods = [("zlib", CompressionMethod::Zlib), ("bz2", CompressionMethod::Bz2)];
            let unknown = |r: Refusal| r.says(format!("Compression module({text}) not found"));
            compression.method = one_of(text, false, &methods).map_err(unknown)?;
        }
        "compression_threshold" => {
            let said = format!("set_compression_threshold: compress_threshhold({text}) invalid");
            let value = number(text, 1..=1_000_000, &["k", "kb"]);
            compression.threshold_kb = value.map_err(|r| r.says(said))?;
        }
        _ => {
            let said = format!("set_traditional_compression:Invalid directive value {text}");
            compression.traditional = boolean(text).map_err(|r| r.says(said))?;
        }
    }
    Ok(())
}

/// The directives of version 2 style resource management, which is not supported.
fn other_manager<'a>(
    draft: &mut Draft<'a>,
    name: &'static str,
    text: &str,
    at: &At<'a>,
) -> Result<(), Refusal> {
    match name {
        "crm" | "pacemaker" => pacemaker(draft, text),
        "autojoin" => autojoin(draft, text, at),
        "crm_daemon_dir" | "crmd_spawns_pengine" => {
            let refusal = Refusal::new("has no effect here", "leave it out");
            draft.warn(name, at, refusal);
            Ok(())
        }
        _ => {
            let said = format!("ha_config_check_boolean:Invalid directive value {text}");
            boolean(text).map(drop).map_err(|r| r.says(said))
        }
    }
}

fn pacemaker(draft: &mut Draft<'_>, text: &str) -> Result<(), Refusal> {
    draft.pacemaker = true;
    draft.report.say(Level::Info, format!("Pacemaker support: {text}"));
    match boolean(text) {
        Ok(false) => Ok(()),
        _ => {
            let message = format!("{text:?}: resource management by Pacemaker is not supported");
            let refusal = Refusal::new(message, "off");
            Err(refusal
                .logs(Level::Warn, format!("File {HARESOURCES} exists."))
                .logs(Level::Warn, "This file is not used because pacemaker is enabled"))
        }
    }
}

fn autojoin<'a>(draft: &mut Draft<'a>, text: &str, at: &At<'a>) -> Result<(), Refusal> {
    let invalid = |r: Refusal| r.says(format!("Invalid autojoin directive [{text}]"));
    let choices = [("none", false), ("other", true), ("any", true)];
    let joins = one_of(text, true, &choices).map_err(invalid)?;
    draft.autojoin = joins.then(|| at.clone());
    Ok(())
}

fn env(draft: &mut Draft<'_>, text: &str, at: &At<'_>) -> Result<(), Refusal> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    if name.is_empty() {
        let refusal = Refusal::new(format!("{text:?} has no name"), "NAME=VALUE");
        return Err(refusal.says(format!("set_env: invalid nvpair({text})")));
    }
    if !text.contains('=') {
        let refusal = Refusal::new(format!("{name} has no value and is left empty"), "NAME=VALUE");
        draft.warn("env", at, refusal);
    }
    draft.config.env.retain(|(known, _)| known != name);
    draft.config.env.push((name.to_owned(), value.to_owned()));
    Ok(())
}

fn plain(draft: &mut Draft<'_>, name: &str, text: &str) -> Result<(), Refusal> {
    let config = &mut draft.config;
    match name {
        "cluster" => text.clone_into(&mut config.cluster),
        "coreroot" => text.clone_into(&mut config.cores.root),
        "hopfudge" => config.hopfudge = byte(text)?,
        "log_badpack" => config.log_badpack = boolean(text)?,
        "coredumps" => config.cores.enabled = boolean(text)?,
        "use_apphbd" => config.use_apphbd = boolean(text)?,
        "msgfmt" => {
            let formats = [("classic", MessageFormat::Classic), ("netstring", MessageFormat::Netstring)];
            config.msgfmt = one_of(text, false, &formats)?;
        }
        "hbgenmethod" => {
            let methods = [("file", GenerationMethod::File), ("time", GenerationMethod::Time)];
            let illegal = |r: Refusal| r.says(format!("Illegal hb generation method [{text}]"));
            config.hbgenmethod = one_of(text, false, &methods).map_err(illegal)?;
        }
        "uuidfrom" => {
            let origins = [("file", UuidFrom::File), ("nodename", UuidFrom::NodeName)];
            let invalid = |r: Refusal| r.says(format!("Invalid uuidfrom directive [{text}]"));
            config.uuidfrom = one_of(text, false, &origins).map_err(invalid)?;
        }
        "max_rexmit_delay" => {
            let invalid = |r: Refusal| r.says(format!("Invalid max_rexmit_delay time({text})"));
            let value = number(text, 1..=1_000_000, &["ms", "msec"]).map_err(invalid)?;
            config.max_rexmit_delay = Duration::from_millis(u64::from(value));
        }
        // `quorum_server` has no effect in this mode.
        _ => {}
    }
    Ok(())
}
