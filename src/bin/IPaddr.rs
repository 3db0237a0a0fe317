//! resource.d/IPaddr: see `heartbeat::agents`.

fn main() -> std::process::ExitCode {
    heartbeat::agents::face::main(heartbeat::agents::Agent::IPaddr)
}
