//! Whole configurations: what is accepted and what it means, what is refused and where.

mod accepted;
mod broken;
mod examples;
mod messages;
mod properties;

use super::{Checked, FakeHost, ReadError, Source, Sources, check};

/// A valid `ha.cf` for node b1.
const HA_CF: &str = "logfacility daemon\nkeepalive 1\ndeadtime 10\ninitdead 20\nauto_failback on\n\
                     bcast eth0\nnode b1 b2\n";
/// A valid `authkeys`.
const AUTHKEYS: &str = "auth 1\n1 sha1 TopSecret\n";
/// A valid `haresources`.
const HARESOURCES: &str = "b1 10.1.1.100/24/eth0 apache2\n";

/// Sources with one file replaced.
fn with(file: &str, bytes: &[u8]) -> Sources {
    let mut sources = sources(HA_CF, AUTHKEYS, HARESOURCES);
    let source = Ok(Source::new(file, bytes, 0o600));
    match file {
        "ha.cf" => sources.ha_cf = source,
        "authkeys" => sources.authkeys = source,
        _ => sources.haresources = source,
    }
    sources
}

fn sources(ha_cf: &str, authkeys: &str, haresources: &str) -> Sources {
    let source = |label: &str, text: &str| Ok(Source::new(label, text, 0o600));
    Sources {
        ha_cf: source("ha.cf", ha_cf),
        authkeys: source("authkeys", authkeys),
        haresources: source("haresources", haresources),
        debug: 0,
    }
}

fn missing(file: &str) -> Result<Source, ReadError> {
    Err(ReadError {
        label: file.to_owned(),
        reason: "No such file or directory".to_owned(),
    })
}

/// Checks `ha.cf` lines added to a valid configuration.
fn with_line(line: &str) -> Checked {
    check(
        &with("ha.cf", format!("{HA_CF}{line}\n").as_bytes()),
        &FakeHost::usual(),
    )
}
