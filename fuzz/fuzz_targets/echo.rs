//! Any ICMP packet.

#![no_main]

use heartbeat::media::fuzz::fuzz_echo;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_echo(bytes));
