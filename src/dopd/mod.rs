//! dopd and drbd-peer-outdater: marking a peer's DRBD data as outdated (commands.md section 11).
