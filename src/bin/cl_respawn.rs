//! cl_respawn(1): see `heartbeat::cl_respawn`.

fn main() {
    std::process::exit(heartbeat::cl_respawn::main());
}
