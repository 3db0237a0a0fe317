//! Any `authkeys`.

#![no_main]

use heartbeat::config::fuzz::fuzz_authkeys;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_authkeys(bytes));
