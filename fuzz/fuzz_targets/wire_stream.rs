//! Any bytes from the FIFO or a serial line.

#![no_main]

use heartbeat::wire::fuzz::fuzz_stream;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_stream(bytes));
