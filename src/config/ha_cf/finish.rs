//! What can be filled in only when all of `ha.cf` is known (configuration.md 1.3).

use std::time::Duration;

use super::apiauth;
use super::draft::Draft;
use crate::config::directive::DIRECTIVES;
use crate::config::model::Medium;

/// Fills in defaults and the recorded texts that belong to them.
pub(super) fn defaults(draft: &mut Draft<'_>) {
    times(draft);
    let port = draft.port.to_string();
    let debug = draft.config.logging.debug.to_string();
    record(draft, "udpport", port);
    record(draft, "debug", debug);
    for directive in DIRECTIVES {
        if let Some(text) = directive.default {
            record(draft, directive.name, text.to_owned());
        }
    }
    serial_speed(draft);
    apiauth::built_in(draft);
    draft.config.parameters = draft.parameters();
}

/// Records a text unless the file gave one.
fn record(draft: &mut Draft<'_>, name: &'static str, text: String) {
    draft.texts.entry(name).or_insert(text);
}

fn times(draft: &mut Draft<'_>) {
    let deadtime = draft.config.timing.deadtime;
    let computed = [
        ("warntime", draft.times.warntime, deadtime / 2),
        ("initdead", draft.times.initdead, initial(deadtime)),
        ("deadping", draft.times.deadping, deadtime),
    ];
    for (name, given, default) in computed {
        let value = given.unwrap_or(default);
        let timing = &mut draft.config.timing;
        match name {
            "warntime" => timing.warntime = value,
            "initdead" => timing.initdead = value,
            _ => timing.deadping = value,
        }
        record(draft, name, format!("{}ms", value.as_millis()));
    }
}

/// The dead time right after start.
fn initial(deadtime: Duration) -> Duration {
    match deadtime.as_millis() {
        10_001.. => deadtime,
        0..6000 => Duration::from_secs(12),
        _ => deadtime * 2,
    }
}

/// `baud` may stand anywhere.
fn serial_speed(draft: &mut Draft<'_>) {
    let speed = draft
        .texts
        .get("baud")
        .and_then(|text| text.parse().ok())
        .unwrap_or(19200);
    for medium in &mut draft.config.media {
        if let Medium::Serial { baud, .. } = medium {
            *baud = speed;
        }
    }
}
