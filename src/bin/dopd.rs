//! dopd(8): marks a DRBD peer's data as outdated, over the cluster.

fn main() -> std::process::ExitCode {
    heartbeat::dopd::serve::main().into()
}
