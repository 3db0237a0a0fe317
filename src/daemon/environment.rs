//! The environment of everything the daemon starts (resources.md section 6.1).

use crate::config::Config;
use crate::paths;
use std::collections::BTreeMap;

/// What systemd tells this process is not for its children.
const PRIVATE: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// What was inherited, and one variable for each parameter of `ha.cf`.
pub(super) fn of_children(
    config: &Config,
    inherited: impl Iterator<Item = (String, String)>,
) -> Vec<(String, String)> {
    let mut env: BTreeMap<String, String> =
        inherited.filter(|(name, _)| !PRIVATE.contains(&name.as_str())).collect();
    for (name, text) in &config.parameters {
        env.insert(format!("HA_{name}"), text.clone());
    }
    for (name, value) in &config.env {
        env.insert(format!("HA_{name}"), value.clone());
    }
    if let Some(method) = env.get("HA_compression").cloned() {
        env.insert("HA_COMPRESSION".to_owned(), method);
    }
    let mut set = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
    set("HA_CURHOST", &config.this_node);
    set("HA_DIR", paths::HA_DIR);
    set("HA_FUNCS", "/etc/ha.d//shellfuncs");
    set("HA_DATEFMT", "%Y/%m/%d_%T\t");
    set("HA_LOGD", if config.logging.use_logd { "yes" } else { "no" });
    set("HA_debug", &config.logging.debug.to_string());
    set("OCF_ROOT", "/usr/lib/ocf");
    set("LC_ALL", "C");
    let silent = if config.logging.facility.is_some() { "/dev/null" } else { "" };
    set("HA_LOGFILE", config.logging.logfile.as_deref().unwrap_or(silent));
    set("HA_DEBUGLOG", config.logging.debugfile.as_deref().unwrap_or(silent));
    if let Some(facility) = env.get("HA_logfacility").cloned() {
        env.insert("HA_LOGFACILITY".to_owned(), facility);
    }
    env.into_iter().collect()
}
