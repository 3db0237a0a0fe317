//! Any expression, and any answer.

#![no_main]

use heartbeat::director::fuzz::fuzz_expression;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_expression(bytes));
