//! The files of the package, relative to its root.

use std::fs;
use std::path::{Path, PathBuf};

/// One text file.
pub(crate) struct File {
    /// Relative to the package, with `/`.
    pub(crate) path: String,
    /// What it holds; bytes that are not UTF-8 are replaced.
    pub(crate) text: String,
}

/// The root of the package: at run time where cargo says, so that the laws can be held against another checkout.
pub(crate) fn root() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// Every file below `dir`, in the order of their names. A directory that is not there holds none.
pub(crate) fn below(dir: &str) -> Vec<File> {
    let mut found = Vec::new();
    walk(&root().join(dir), &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// Every Rust file below `dir`.
pub(crate) fn rust_below(dir: &str) -> Vec<File> {
    below(dir).into_iter().filter(|f| f.path.ends_with(".rs")).collect()
}

fn walk(dir: &Path, found: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.flatten().map(|e| e.path()) {
        if path.is_symlink() {
            continue;
        } else if path.is_dir() {
            walk(&path, found);
        } else if let Ok(bytes) = fs::read(&path) {
            let name = path.strip_prefix(root()).unwrap_or(&path).to_string_lossy().into_owned();
            found.push(File { path: name, text: String::from_utf8_lossy(&bytes).into_owned() });
        }
    }
}
