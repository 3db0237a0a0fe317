//! resource.d/IPv6addr: see `heartbeat::agents`.

fn main() -> std::process::ExitCode {
    heartbeat::agents::face::main(heartbeat::agents::Agent::IPv6addr)
}
