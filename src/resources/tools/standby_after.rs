//! `standby_after SECONDS SET`: ours; the delayed standby after a group could not be started.

use super::Args;
use super::setting::Setting;
use crate::engine::Hold;
use crate::resources::standby::fifo_path;
use crate::resources::{fifo, hooks};
use std::time::Duration;

pub(super) fn run(args: &Args<'_>, setting: &mut Setting) -> i32 {
    let (Ok(seconds), Some(set)) = (args.get(0).parse(), Hold::parse(args.get(1))) else {
        return 1;
    };
    std::thread::sleep(Duration::from_secs(seconds));
    // A daemon that was stopped meanwhile has let everything go.
    if !fifo::is_read(&fifo_path(&setting.environment)) {
        return 0;
    }
    setting.play(|scene| {
        hooks::standby_after_failure(set, scene);
        0
    })
}
