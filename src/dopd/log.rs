//! Where the two programs log: as the environment says that the daemon gave them, and to syslog's `daemon`
//! where it names no facility.

use crate::logging::{Facility, Logger, Settings};

/// The log of this process under a name.
pub(super) fn of_this_process(name: &str, debug: bool) -> Logger {
    let get = |name: &str| std::env::var(name).ok();
    let mut settings = Settings::of_a_program(get);
    settings.facility = match get("HA_LOGFACILITY") {
        Some(facility) => Facility::parse(&facility),
        None => Facility::parse("daemon"),
    };
    settings.host = get("HA_CURHOST").unwrap_or(settings.host);
    if debug {
        settings.debug = settings.debug.max(1);
    }
    Logger::direct(name, settings)
}
