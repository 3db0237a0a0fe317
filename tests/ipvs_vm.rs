//! The director's two ways to the kernel, against a real kernel with IPVS: a guest, made by `run-in-vm`.
//!
//! Outside, the only thing done is to start this same program in a guest: `tests/guest`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod guest;

#[path = "ipvs_vm/changes.rs"]
mod changes;
#[path = "ipvs_vm/others.rs"]
mod others;
#[path = "ipvs_vm/replay.rs"]
mod replay;
#[path = "lab/skip.rs"]
mod skip;

use heartbeat::director::ipvs::{Ipvs, Ipvsadm, Netlink};

/// Both ways to one kernel.
pub(crate) struct Kernel {
    pub(crate) netlink: Netlink,
    pub(crate) ipvsadm: Ipvsadm,
}

#[test]
fn a_real_kernel_does_what_it_is_told() {
    let wants = guest::Wants {
        test: "a_real_kernel_does_what_it_is_told",
        memory: 512,
        limit: 120,
        programs: &["/usr/sbin/ipvsadm"],
    };
    guest::run(&wants, inside);
}

fn inside() {
    let netlink = Netlink::open().expect("opening loads the module");
    let ipvsadm = Ipvsadm::find().unwrap();
    let mut kernel = Kernel { netlink, ipvsadm };
    let info = kernel.netlink.info().unwrap();
    assert_eq!(info, kernel.ipvsadm.info().unwrap());
    assert!(info.connections > 0);
    changes::by_netlink(&mut kernel);
    changes::by_ipvsadm(&mut kernel);
    changes::refusals(&mut kernel);
    others::daemons(&mut kernel);
    others::timeouts(&mut kernel);
    others::counters(&mut kernel);
    others::pings();
    replay::scenario_08(&mut kernel);
    replay::scenario_12(&mut kernel);
}

impl Kernel {
    /// No virtual service any more.
    pub(crate) fn clear(&mut self) {
        let ids: Vec<_> = self.netlink.table().unwrap().entries.keys().copied().collect();
        for id in ids {
            self.netlink.apply(&heartbeat::director::table::Op::DelService(id)).unwrap();
        }
    }
}
