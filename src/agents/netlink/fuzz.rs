//! What a fuzzer drives: any bytes as the kernel's answer. No panic, and an end.

use super::decode::{address, link, route};
use crate::netlink::frame::frames;

/// A frame has sixteen bytes at least.
const HEADER: usize = 16;

/// Any datagram of the kernel.
pub fn fuzz_netlink(bytes: &[u8]) {
    let mut count = 0;
    for frame in frames(bytes) {
        count += 1;
        assert!(count <= bytes.len() / HEADER + 1, "more frames than fit");
        let _ = (frame.is_torn(), frame.verdict(), link(frame), address(frame), route(frame));
    }
}
