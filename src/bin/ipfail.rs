//! ipfail(8): see `heartbeat::ipfail`.

fn main() -> std::process::ExitCode {
    heartbeat::ipfail::main()
}
