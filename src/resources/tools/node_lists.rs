//! `hb_addnode NODE…` and `hb_delnode NODE…`: all nodes learn or forget nodes.

use super::Args;
use super::setting::Setting;
use crate::wire::Message;

pub(super) fn run(args: &Args<'_>, setting: &mut Setting) -> i32 {
    if args.rest.is_empty() || args.get(0) == "--help" {
        println!("usage: {} <node> <node> ...", args.name);
        return 1;
    }
    let kind = args.name.trim_start_matches("hb_");
    setting.send(Message::of(kind).with("nodelist", &args.rest.join(" ")))
}
