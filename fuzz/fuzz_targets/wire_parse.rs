//! Any message of a client or script of this host.

#![no_main]

use heartbeat::wire::fuzz::fuzz_parse;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_parse(bytes));
