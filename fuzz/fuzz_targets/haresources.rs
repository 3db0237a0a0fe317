//! Any `haresources`.

#![no_main]

use heartbeat::config::fuzz::fuzz_haresources;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_haresources(bytes));
