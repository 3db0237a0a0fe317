//! `mach_down NODE`: takes the groups of a dead node.

use super::Args;
use super::setting::Setting;
use crate::resources::hooks;

pub(super) fn run(args: &Args<'_>, setting: &mut Setting) -> i32 {
    setting.play(|scene| hooks::mach_down(args.get(0), scene))
}
