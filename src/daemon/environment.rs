//! The environment of everything the daemon starts (resources.md section 6.1).

use crate::config::Config;
use crate::paths;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// Tells the next life of this process that something of what it holds did not start.
pub(super) const START_FAILED: &str = "HA_START_FAILED";

/// What systemd tells this process is not for its children, nor what the administrator tells it about its record, nor
/// what it tells itself.
const PRIVATE: [&str; 6] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    super::recorder::FILE,
    super::recorder::LIMIT,
    START_FAILED,
];

/// Of scripts: what was inherited, and one variable for each parameter of `ha.cf`.
pub(super) fn of_children(
    config: &Config,
    inherited: impl Iterator<Item = (String, String)>,
) -> Vec<(String, String)> {
    let mut env: BTreeMap<String, String> = inherited.filter(|(name, _)| !is_private(name)).collect();
    env.extend(ours(config));
    env.insert("HA_LOGD".to_owned(), if config.logging.use_logd { "yes" } else { "no" }.to_owned());
    env.insert("LC_ALL".to_owned(), "C".to_owned());
    env.into_iter().collect()
}

/// Of respawned programs: the same but for what only the shell layer of scripts adds, and to the byte.
pub(super) fn of_programs(
    config: &Config,
    inherited: impl Iterator<Item = (OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    let private = |name: &OsStr| name.to_str().is_some_and(is_private);
    let mut env: BTreeMap<OsString, OsString> = inherited.filter(|(name, _)| !private(name)).collect();
    env.extend(ours(config).into_iter().map(|(name, value)| (name.into(), value.into())));
    env.into_iter().collect()
}

fn is_private(name: &str) -> bool {
    PRIVATE.contains(&name)
}

/// What the daemon itself sets, in its own environment too.
fn ours(config: &Config) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    for (name, text) in config.parameters_in_use().into_iter().chain(config.env.iter().cloned()) {
        env.insert(format!("HA_{name}"), text);
    }
    for (name, copy) in [("HA_compression", "HA_COMPRESSION"), ("HA_logfacility", "HA_LOGFACILITY")] {
        if let Some(value) = env.get(name).cloned() {
            env.insert(copy.to_owned(), value);
        }
    }
    let mut set = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
    set("HA_CURHOST", &config.this_node);
    set("HA_DIR", paths::HA_DIR);
    set("HA_FUNCS", "/etc/ha.d//shellfuncs");
    set("HA_DATEFMT", "%Y/%m/%d_%T\t");
    set("HA_debug", &config.logging.debug.to_string());
    set("OCF_ROOT", "/usr/lib/ocf");
    set("HA_LOGFILE", config.logging.logfile.as_deref().unwrap_or_default());
    set("HA_DEBUGLOG", config.logging.debugfile.as_deref().unwrap_or_default());
    env
}
