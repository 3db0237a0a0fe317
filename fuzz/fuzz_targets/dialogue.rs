//! Anything a directory or a database may say.

#![no_main]

use heartbeat::director::fuzz::fuzz_dialogue;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_dialogue(bytes));
