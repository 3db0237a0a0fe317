//! drbd-peer-outdater(8): DRBD's handler that asks dopd.

fn main() -> std::process::ExitCode {
    heartbeat::dopd::outdater::main().into()
}
