//! Whose heartbeat a node runs, and where it comes from.

use std::fmt;
use std::path::{Path, PathBuf};

use super::stage::Stage;
use super::{Failure, bail};

/// The software of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// This package, laid out by `scripts/install` and laid over the node's root.
    Ours,
    /// heartbeat 3.0.6 and the resource agents as Debian installed them on this machine.
    Reference,
}

impl Flavour {
    /// Why a node of this flavour cannot be had here, if so.
    pub(crate) fn unavailable(self) -> Option<String> {
        if self == Self::Ours {
            return None;
        }
        if !super::stage::is_root() {
            return Some("the reference needs root: it changes to the users hacluster and nobody".to_owned());
        }
        let needed = [
            "/usr/libexec/heartbeat/heartbeat",
            "/usr/share/heartbeat/ResourceManager",
            "/etc/ha.d/resource.d/IPaddr2",
            "/etc/ha.d/shellfuncs",
        ];
        let missing: Vec<_> = needed.into_iter().filter(|path| !Path::new(path).exists()).collect();
        if missing.is_empty() {
            return None;
        }
        Some(format!(
            "the reference is not installed (Debian packages heartbeat, resource-agents): no {}",
            missing.join(", ")
        ))
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "ours",
            Self::Reference => "ref",
        })
    }
}

/// Where the tree of our installation lies within a laboratory.
pub(crate) const INSTALLED: &str = "/mnt/installed";

/// Let `scripts/install` lay out the programs that cargo built, inside the laboratory: the tree goes
/// when the laboratory goes.
pub(crate) fn install(frame: &Stage) -> Result<(), Failure> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/install");
    let output = frame
        .enter(&["--mount"])
        .args([script, "--destdir", INSTALLED, "--bin-dir"])
        .arg(programs()?)
        .output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(())
}

/// Where cargo put the programs of this build: `LAB_BIN_DIR`, or the profile directory that holds
/// this test (`deps/`) or example (`examples/`).
pub(crate) fn programs() -> Result<PathBuf, Failure> {
    if let Some(dir) = std::env::var_os("LAB_BIN_DIR") {
        return Ok(dir.into());
    }
    match std::env::current_exe()?.parent().and_then(Path::parent) {
        Some(dir) => Ok(dir.to_owned()),
        None => bail!("cannot tell where the built programs are; set LAB_BIN_DIR"),
    }
}
