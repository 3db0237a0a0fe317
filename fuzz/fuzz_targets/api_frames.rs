//! Any bytes of an API client.

#![no_main]

use heartbeat::api::fuzz::fuzz_frames;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_frames(bytes));
