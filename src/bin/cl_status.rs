//! cl_status(1): see `heartbeat::cl_status`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1).map(|a| a.to_string_lossy().into_owned());
    let code = heartbeat::cl_status::run(&arguments.collect::<Vec<_>>());
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
