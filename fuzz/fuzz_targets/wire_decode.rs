//! Any datagram.

#![no_main]

use heartbeat::wire::fuzz::fuzz_decode;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_decode(bytes));
