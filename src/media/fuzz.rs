//! What a fuzzer drives: any packet that a raw socket of a ping node hands out.

use super::echo::{Family, reply};

/// Any ICMP packet; the first byte chooses the family.
pub fn fuzz_echo(bytes: &[u8]) {
    let Some((family, packet)) = bytes.split_first() else { return };
    let family = if family.is_multiple_of(2) { Family::V4 } else { Family::V6 };
    if let Some((_, payload)) = reply(family, 77, packet) {
        assert!(packet.ends_with(payload));
    }
}
