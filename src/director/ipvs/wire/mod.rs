//! The kernel's IPVS in bytes: the generic netlink family `IPVS`, version 1. Pure.
//!
//! | file | what it knows |
//! |---|---|
//! | `attribute` | attributes as they are written; those that come are read by [`frame`](crate::netlink::frame) |
//! | `names` | the kernel's numbers |
//! | `request` | what we say |
//! | `reply` | what it answers |
//!
//! Requests are byte for byte what `ipvsadm` sends (`tests/vectors/ipvs`), but for the sequence number and the
//! port of the sender. So they say more than the kernel needs to know which service is meant.

mod attribute;
mod names;
mod reply;
mod request;

pub use reply::{Row, counted, daemon, dest, dest_counters, family, info, service, timeouts};
pub use request::{
    ask_family, change, get_info, get_timeouts, list_daemons, list_dests, list_services, set_timeouts,
    start_daemon, stop_daemon, zero,
};

#[cfg(test)]
mod tests;
