//! `req_resource KEY`: asks for a group of ours.

use super::Args;
use super::setting::Setting;
use crate::resources::hooks;

pub(super) fn run(args: &Args<'_>, setting: &mut Setting) -> i32 {
    setting.play(|scene| {
        hooks::req_resource(args.get(0), scene);
        0
    })
}
