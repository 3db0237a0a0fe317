//! `harc KIND`: runs the hook of that name.

use super::Args;
use super::setting::Setting;
use crate::resources::hooks;

pub(super) fn run(args: &Args<'_>, setting: &mut Setting) -> i32 {
    setting.play(|scene| hooks::harc(args.get(0), scene))
}
