//! Any `ha.cf`.

#![no_main]

use heartbeat::config::fuzz::fuzz_ha_cf;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_ha_cf(bytes));
