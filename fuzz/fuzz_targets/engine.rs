//! Any story: a sequence of inputs for the engine.

#![no_main]

use heartbeat::engine::fuzz::fuzz_engine;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_engine(bytes));
