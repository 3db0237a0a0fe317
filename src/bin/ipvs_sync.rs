//! ipvs_sync: see `heartbeat::director::sync`.

fn main() {
    std::process::exit(heartbeat::director::sync::main(std::env::args().skip(1)));
}
