//! `last_resort`: ours; kills the daemon that called it and reboots the machine.
//!
//! Refuses to work for anybody but a daemon that could not stop a resource, and below
//! `HA_REBOOT_ON_STOP_FAILURE=no`.

use super::Args;
use super::setting::Setting;
use crate::resources::reboot::{Reboot, RebootHere};

pub(super) fn run(args: &Args<'_>, setting: &mut Setting) -> i32 {
    let forbidden = setting.environment.get("HA_REBOOT_ON_STOP_FAILURE").as_deref() == Some("no");
    if forbidden || args.rest != ["stop-failed"] {
        eprintln!("{}: only heartbeat calls this", args.program);
        return 1;
    }
    let log = setting.context.logger.script("ResourceManager", "default");
    RebootHere.reboot(&log, &setting.environment);
    0
}
