//! `hb_setweight NODE WEIGHT` and `hb_setsite NODE SITE`: all nodes note a property of a node.

use super::Args;
use super::setting::Setting;
use crate::wire::Message;

pub(super) fn run(args: &Args<'_>, setting: &mut Setting) -> i32 {
    let kind = args.name.trim_start_matches("hb_");
    let field = kind.trim_start_matches("set");
    if args.rest.is_empty() || args.get(0) == "--help" {
        println!("usage: {} <node> <{field}>", args.name);
        return 1;
    }
    setting.send(Message::of(kind).with("node", args.get(0)).with(field, args.get(1)))
}
