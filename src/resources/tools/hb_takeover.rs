//! `hb_takeover [all|foreign|local|failback]`: the other node is asked to give resources up.

use super::Args;
use super::hb_standby::word;
use super::setting::Setting;
use crate::wire::Message;

pub(super) fn run(args: &Args<'_>, setting: &mut Setting) -> i32 {
    match word(args) {
        Some(word) => setting.send(Message::of("hb_takeover").with("rsc_hold", word)),
        None => 1,
    }
}
