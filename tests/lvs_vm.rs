//! The tutorials end to end: two directors under our heartbeat, real servers, a client. A whole LVS cluster in one guest.
//!
//! ```text
//!   client .9 ──┬── eth0 10.80.0.0/24 ──┬── rs1 .11, rs2 .12   direct routing, tunnels
//!               │                       │
//!            b1 .1, b2 .2               └── virtual addresses .100 gate, .101 masq, .102 ipip, .103 persistent
//!               │
//!               └── eth1 10.81.0.0/24 ───── rs3 .13, rs4 .14   masquerading; their gateway is .254, wherever it is
//! ```
//!
//! `DIRECTOR_PROGRAMS=reference` puts the Perl program under our heartbeat instead. `LVS_PART=tutorials`, `loaded` or `both`
//! plays that part only.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod director;
mod guest;
mod lab;

#[path = "lvs_vm/client.rs"]
mod client;
#[path = "lvs_vm/cluster.rs"]
mod cluster;
#[path = "lvs_vm/story.rs"]
mod story;

use lab::skip;

#[test]
fn two_directors_serve_whatever_happens() {
    let wants = guest::Wants {
        test: "two_directors_serve_whatever_happens",
        memory: 2048,
        limit: 600,
        programs: &["/usr/sbin/ipvsadm"],
    };
    guest::run(&wants, || story::all().unwrap_or_else(|failure| panic!("{failure}")));
}
