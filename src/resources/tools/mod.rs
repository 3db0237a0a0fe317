//! The faces of the multi-call program `hb_tool`: what the reference installs as scripts in
//! /usr/share/heartbeat and /etc/ha.d/rc.d (commands.md section 5, resources.md sections 3 and 5).
//!
//! A face reads its arguments and prints; the work is done by the room. Settings come from the
//! environment, as the shell layer of the reference has it.

mod harc;
mod hb_standby;
mod hb_takeover;
mod last_resort;
mod mach_down;
mod node_lists;
mod node_values;
mod rc_hook;
mod req_resource;
mod resource_manager;
mod setting;
mod standby_after;

use setting::Setting;

/// What a face is called with.
pub(super) struct Args<'a> {
    /// The program as it was called, for usage texts.
    program: &'a str,
    /// Its name without directory.
    name: &'a str,
    /// What follows.
    rest: &'a [String],
}

impl Args<'_> {
    fn get(&self, index: usize) -> &str {
        self.rest.get(index).map_or("", String::as_str)
    }
}

/// Runs the face `name`; `None` if there is no such face.
pub fn run(name: &str, program: &str, rest: &[String]) -> Option<i32> {
    let face: fn(&Args<'_>, &mut Setting) -> i32 = match name {
        "ResourceManager" => resource_manager::run,
        "req_resource" => req_resource::run,
        "mach_down" => mach_down::run,
        "harc" => harc::run,
        "hb_standby" => hb_standby::run,
        // The command of the administrator and the hook in rc.d share a name; only the hook is
        // called with a message in its environment and its own name as argument.
        "hb_takeover" if rest == ["hb_takeover"] => rc_hook::run,
        "hb_takeover" => hb_takeover::run,
        "hb_addnode" | "hb_delnode" => node_lists::run,
        "hb_setweight" | "hb_setsite" => node_values::run,
        "status" | "ip-request" | "ip-request-resp" | "ask_resources" => rc_hook::run,
        "standby_after" => standby_after::run,
        "last_resort" => last_resort::run,
        _ => return None,
    };
    Some(face(&Args { program, name, rest }, &mut Setting::of_this_process(name)))
}

/// The names of all faces a user may call.
pub const NAMES: &[&str] = &[
    "ResourceManager",
    "req_resource",
    "mach_down",
    "harc",
    "hb_standby",
    "hb_takeover",
    "hb_addnode",
    "hb_delnode",
    "hb_setweight",
    "hb_setsite",
    "status",
    "ip-request",
    "ip-request-resp",
    "ask_resources",
];
