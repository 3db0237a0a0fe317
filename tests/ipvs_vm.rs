//! The director's two ways to the kernel, against a real kernel with IPVS: a guest, made by `run-in-vm`.
//!
//! Outside, the only thing done is to start this same program in a guest. `RUN_IN_VM` names the tool when it is in none
//! of the usual places. The guest's kernel must have been fetched before (`run-in-vm --fetch`): a test downloads
//! nothing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "ipvs_vm/changes.rs"]
mod changes;
#[path = "ipvs_vm/others.rs"]
mod others;
#[path = "ipvs_vm/replay.rs"]
mod replay;

use std::env;
use std::path::PathBuf;
use std::process::Command;

use heartbeat::director::ipvs::{Ipvs, Ipvsadm, Netlink};

/// Set in the guest.
const INSIDE: &str = "HEARTBEAT_IN_GUEST";

/// Both ways to one kernel.
pub(crate) struct Kernel {
    pub(crate) netlink: Netlink,
    pub(crate) ipvsadm: Ipvsadm,
}

#[test]
fn a_real_kernel_does_what_it_is_told() {
    if env::var_os(INSIDE).is_some() {
        return inside();
    }
    match guest() {
        Ok(tool) => outside(&tool),
        Err(reason) => eprintln!("skipped: {reason}"),
    }
}

/// The tool that makes guests, if a guest can be had without a download.
fn guest() -> Result<PathBuf, String> {
    if Ipvsadm::find().is_none() {
        return Err("no ipvsadm here".to_owned());
    }
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/vm/run-in-vm");
    let places =
        [env::var_os("RUN_IN_VM").map(PathBuf::from), Some(beside), Some("/work/shared/vm/run-in-vm".into())];
    let tool = places.into_iter().flatten().find(|path| path.is_file());
    let tool = tool.ok_or("no run-in-vm here: RUN_IN_VM may name it")?;
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let cache = cache.or_else(home).unwrap_or_default().join("run-in-vm");
    if !cache.is_dir() {
        return Err(format!("no kernel in {}: {} --fetch gets one", cache.display(), tool.display()));
    }
    Ok(tool)
}

fn outside(tool: &PathBuf) {
    let mut command = Command::new(tool);
    command.args(["--timeout", "120", "--"]).arg(env::current_exe().unwrap());
    command.args(["--exact", "a_real_kernel_does_what_it_is_told", "--nocapture"]).env(INSIDE, "1");
    let ran = command.output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{}\n{told}", ran.status);
    assert!(told.contains("all parts were run in the guest"), "{told}");
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
    println!("all parts were run in the guest");
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
