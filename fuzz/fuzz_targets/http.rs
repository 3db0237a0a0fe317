//! Any answer of a web server.

#![no_main]

use heartbeat::director::fuzz::fuzz_http;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_http(bytes));
