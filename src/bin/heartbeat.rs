//! heartbeat(8): the daemon and the options that talk to it.

fn main() {
    std::process::exit(heartbeat::daemon::main());
}
