//! The program ldirectord: its verbs, its files, its signals, beside the reference where there is one. The kernel's
//! table is a stand-in for `ipvsadm` here; with a real kernel: `tests/ipvs_vm.rs` and its kin.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "in a test program a panic is a failure that points at its line"
)]

#[path = "ldirectord_cases/children.rs"]
mod children;
mod lab;
#[path = "ldirectord_cases/life.rs"]
mod life;
#[path = "ldirectord_cases/room.rs"]
mod room;
#[path = "ldirectord_cases/standby.rs"]
mod standby;
#[path = "ldirectord_cases/verbs.rs"]
mod verbs;

/// Two servers and a fallback, checked by a program.
const WEB: &str = "checkinterval=1\nchecktimeout=5\nvirtual=10.0.0.100:80\n\
    \treal=10.0.0.1:80 masq 5\n\treal=10.0.0.2:80 masq\n\tfallback=127.0.0.1:80 masq\n\
    \tchecktype=external\n\tcheckcommand=/etc/ha.d/probe\n";
const BOTH: &str = "10.0.0.100:80: 10.0.0.1:80/5 10.0.0.2:80/1";
