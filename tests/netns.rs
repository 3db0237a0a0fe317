//! Two daemons of ours, compared with what two real ones did.

mod lab;
mod scenario;

use lab::Flavour::Ours;

fn main() -> std::process::ExitCode {
    scenario::harness::main(&[[Ours, Ours]])
}
