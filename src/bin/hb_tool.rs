//! One program behind the names of heartbeat's scripts: called by one of them, or as
//! `hb_tool NAME ARGUMENT…`.

use heartbeat::resources::{script::base_name, tools};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let mut program = if args.is_empty() { String::new() } else { args.remove(0) };
    if base_name(program.as_ref()) == "hb_tool" && !args.is_empty() {
        program = args.remove(0);
    }
    let code = tools::run(&base_name(program.as_ref()), &program, &args).unwrap_or_else(|| {
        eprintln!("usage: hb_tool NAME [ARGUMENT...]\nNAME is one of: {}", tools::NAMES.join(" "));
        2
    });
    ExitCode::from(u8::try_from(code.clamp(0, 255)).unwrap_or(1))
}
