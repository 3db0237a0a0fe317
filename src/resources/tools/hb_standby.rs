//! `hb_standby [all|foreign|local|failback]`: this node gives resources up.

use super::Args;
use super::setting::Setting;
use crate::engine::Hold;
use crate::resources::hooks;

pub(super) fn run(args: &Args<'_>, setting: &mut Setting) -> i32 {
    match word(args) {
        None => 1,
        Some("failback") => standby(Hold::Foreign, setting),
        Some(word) => standby(Hold::parse(word).unwrap_or(Hold::All), setting),
    }
}

fn standby(set: Hold, setting: &mut Setting) -> i32 {
    setting.play(|scene| {
        hooks::hb_standby(set, scene);
        0
    })
}

/// The one argument, checked; `all` when there is none. Complains as the reference does, half on
/// standard output, half on standard error.
pub(super) fn word<'a>(args: &Args<'a>) -> Option<&'a str> {
    match args.rest {
        [] => return Some("all"),
        [word] if ["all", "foreign", "local", "failback"].contains(&word.as_str()) => {
            return Some(word);
        }
        [help] if help == "--help" => {}
        [word] => println!("{}: wrong resources({word}).", args.program),
        _ => println!("{}: too many arguments", args.program),
    }
    println!("usage:");
    eprintln!("{} [all|foreign|local|failback]", args.program);
    None
}
