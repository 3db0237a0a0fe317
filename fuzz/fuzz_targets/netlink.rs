//! Any answer of the kernel.

#![no_main]

use heartbeat::agents::netlink::fuzz::fuzz_netlink;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz_netlink(bytes));
