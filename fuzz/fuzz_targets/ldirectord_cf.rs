//! Any `ldirectord.cf`.

#![no_main]

use heartbeat::director::fuzz::fuzz_ldirectord_cf;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_ldirectord_cf(bytes));
