//! Any answer of the kernel's IPVS.

#![no_main]

use heartbeat::director::fuzz::fuzz_ipvs;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_ipvs(bytes));
