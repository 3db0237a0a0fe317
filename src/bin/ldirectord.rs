//! ldirectord(8): see `heartbeat::director::daemon`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let code = heartbeat::director::daemon::main(std::env::args_os());
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
