//! Whose heartbeat a node runs, and where it comes from.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

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
        let needed = ["/usr/libexec/heartbeat/heartbeat", "/usr/share/heartbeat/ResourceManager", "/etc/ha.d/resource.d/IPaddr2", "/etc/ha.d/shellfuncs"];
        let missing: Vec<_> = needed.into_iter().filter(|path| !Path::new(path).exists()).collect();
        if missing.is_empty() {
            return None;
        }
        Some(format!("the reference is not installed (Debian packages heartbeat, resource-agents): no {}", missing.join(", ")))
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

/// The tree of our installation: made once a process by `scripts/install` from the programs that
/// cargo built for it, and removed by [`remove_installation`].
pub(crate) fn installed() -> Result<PathBuf, Failure> {
    static TREE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    TREE.get_or_init(|| install().map_err(|failure| failure.to_string())).clone().map_err(Failure::new)
}

fn tree() -> PathBuf {
    std::env::temp_dir().join(format!("heartbeat-rs-lab.{}", std::process::id()))
}

fn install() -> Result<PathBuf, Failure> {
    let tree = tree();
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/install"))
        .arg("--destdir")
        .arg(&tree)
        .arg("--bin-dir")
        .arg(programs()?)
        .output()?;
    if !output.status.success() {
        bail!("scripts/install: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(tree)
}

/// Where cargo put the programs of this build: `LAB_BIN_DIR`, or the profile directory that holds
/// this test (`deps/`) or example (`examples/`).
fn programs() -> Result<PathBuf, Failure> {
    if let Some(dir) = std::env::var_os("LAB_BIN_DIR") {
        return Ok(dir.into());
    }
    match std::env::current_exe()?.parent().and_then(Path::parent) {
        Some(dir) => Ok(dir.to_owned()),
        None => bail!("cannot tell where the built programs are; set LAB_BIN_DIR"),
    }
}

/// To be called at the end of a program that made nodes of ours.
pub(crate) fn remove_installation() {
    // nothing there: nothing to remove
    let _ = std::fs::remove_dir_all(tree());
}
