//! resource.d/IPaddr2: see `heartbeat::agents`.

fn main() -> std::process::ExitCode {
    heartbeat::agents::face::main(heartbeat::agents::Agent::IPaddr2)
}
