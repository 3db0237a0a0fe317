//! Where the two programs log: as the environment says that the daemon gave them, and to syslog's `daemon`
//! where it names no facility.

use crate::logging::{Facility, Form, Logger, Settings};

/// The log of this process under a name.
pub(super) fn of_this_process(name: &str, debug: bool) -> Logger {
    let get = |name: &str| std::env::var(name).ok();
    let mut settings = Settings::from_environment(get);
    settings.facility = match get("HA_LOGFACILITY") {
        Some(facility) => Facility::parse(&facility),
        None => Facility::parse("daemon"),
    };
    if matches!(get("HA_syslogmsgfmt").as_deref(), Some("false" | "no" | "off" | "0")) {
        settings.form = Form::Plain;
    }
    settings.host = get("HA_CURHOST").unwrap_or_else(host);
    if debug {
        settings.debug = settings.debug.max(1);
    }
    Logger::direct(name, settings)
}

fn host() -> String {
    nix::unistd::gethostname().unwrap_or_default().to_string_lossy().into_owned()
}
