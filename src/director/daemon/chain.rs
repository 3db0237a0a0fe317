//! Who is executed by whom. An instance knows those above it from its environment, and tells them nothing: two that
//! execute each other would wait for each other, and ask each other without end.

use std::env;
use std::fs;
use std::io;

use nix::unistd::Pid;

use crate::director::config::{Config, called_by_shell};
use crate::sys::process::set_variable;

/// Their names, apart by `/`, which is in none of them.
const ABOVE: &str = "LDIRECTORD_EXECUTED_BY";

/// This instance is above whatever is run from now on.
pub(super) fn enter(own: &str) -> io::Result<()> {
    let above = env::var(ABOVE).unwrap_or_default();
    if is_in(&above, own) { Ok(()) } else { set_variable(ABOVE, &format!("{above}/{own}")) }
}

/// Whether another instance has this command run.
pub(super) fn is_executed(own: &str) -> bool {
    env::var(ABOVE).is_ok_and(|above| above.split('/').any(|name| !name.is_empty() && name != own))
}

/// Whether a daemon of this configuration, told by another instance, would tell that one in turn. One that was executed
/// by it knows better.
pub(super) fn comes_back(daemon: Pid, config: Option<&Config>) -> bool {
    let above = env::var(ABOVE).unwrap_or_default();
    let begun = begun_below(daemon);
    let tells = |child: &String| is_in(&above, child) && !is_in(&begun, child);
    config.is_some_and(|config| config.global.execute.iter().any(tells))
}

/// Who was above a daemon when it was started.
fn begun_below(daemon: Pid) -> String {
    let environment = fs::read(format!("/proc/{daemon}/environ")).unwrap_or_default();
    let mut variables = environment.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let names = variables.find_map(|line| Some(line.strip_prefix(ABOVE)?.strip_prefix('=')?.to_owned()));
    names.unwrap_or_default()
}

/// The configurations that are executed, but for those of instances above.
pub(super) fn children(config: &Config) -> Vec<String> {
    let above = env::var(ABOVE).unwrap_or_default();
    config.global.execute.iter().filter(|child| !is_in(&above, child)).cloned().collect()
}

fn is_in(above: &str, config: &str) -> bool {
    let called = called_by_shell(config);
    above.split('/').any(|name| name == called)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_directories_hide_nobody() {
        for config in ["first.cf", "/etc/ha.d/first.cf", "\"first.cf\"", "'conf/first.cf'"] {
            assert!(is_in("/other.cf/first.cf", config), "{config}");
        }
        assert!(!is_in("/other.cf/first.cf", "\"second.cf\""));
    }
}
