//! The hooks of rc.d, called as programs by a dispatcher that is not ours.

use super::Args;
use super::setting::Setting;
use crate::resources::hooks;

pub(super) fn run(args: &Args<'_>, setting: &mut Setting) -> i32 {
    setting.play(|scene| hooks::native(args.name, scene))
}
