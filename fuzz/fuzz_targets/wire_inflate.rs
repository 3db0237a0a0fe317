//! Any compressed part of a message.

#![no_main]

use heartbeat::wire::fuzz::fuzz_inflate;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_inflate(bytes));
