//! Any bytes that somebody with the key signed.

#![no_main]

use heartbeat::wire::fuzz::fuzz_signed;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_signed(bytes));
