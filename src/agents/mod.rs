//! Native address agents: `IPaddr`, `IPaddr2`, `IPv6addr` and `SendArp`.
//!
//! | file | pure | what it knows |
//! |---|---|---|
//! | [`plan`] | yes | words and snapshots in; choices, kernel operations, schedules and packets out |
//! | [`netlink`] | no | one conversation with the kernel: look, then apply |
//! | [`announce`] | no | gratuitous ARP and unsolicited neighbour advertisements, now and from the background |
//! | `address` | no | taking addresses away, and putting back what goes along |
//! | [`outcome`] | yes | exit codes and the words printed for them |
//! | [`face`] | no | the command line of a resource script: arguments, usage, words, exit code |
//! | `task` | no | what one agent asked to start or stop would have done |
//! | `batch` | no | many tasks in one conversation |
//! | [`many`] | no | that, for the daemon |
//! | [`ledger`] | no | the list of what is up because of us, as a file |
//! | [`guard`] | no | what is on the list and not up is put back |
//! | [`voice`] | no | where an agent's lines go |
//! | [`turn`] | no | one at a time where two at once would spoil each other's work |
//! | [`loopback`] | no | an address parked on `lo` for LVS while we hold it on a real interface |
//!
//! The command line is one face; [`many`] is the daemon's, which takes over hundreds of addresses without starting
//! a process.

mod address;
pub mod announce;
mod batch;
mod common;
pub mod face;
pub mod guard;
mod ipaddr;
mod ipaddr2;
mod ipv6addr;
pub mod ledger;
pub mod log;
pub mod loopback;
pub mod many;
pub mod netlink;
pub mod outcome;
pub mod plan;
mod sendarp;
mod task;
pub mod turn;
pub mod voice;

pub use face::Agent;
pub use netlink::Conversation;
pub use outcome::Outcome;
