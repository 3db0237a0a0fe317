//! Every script can be run and is free of syntax errors. (`scripts/test` runs shellcheck besides.)

use crate::tree::{below, root};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// What is wrong with a script, if anything: not executable, or its own shell cannot read it.
fn breach(path: &Path) -> Option<String> {
    let text = std::fs::read(path).ok()?;
    let first = String::from_utf8_lossy(text.split(|b| *b == b'\n').next()?).into_owned();
    let shebang = first.strip_prefix("#!")?;
    let mode = path.metadata().ok()?.permissions().mode();
    if mode & 0o111 != 0o111 {
        return Some(format!("{}: not executable", path.display()));
    }
    let shell = ["bash", "sh"].into_iter().find(|s| shebang.split(['/', ' ']).any(|word| word == *s))?;
    let check = Command::new(shell).arg("-n").arg(path).stdin(Stdio::null()).output().ok()?;
    (!check.status.success()).then(|| String::from_utf8_lossy(&check.stderr).into_owned())
}

#[test]
fn scripts_can_be_run() {
    let files = ["scripts", ".ci", "resource.d", "tests"].into_iter().flat_map(below);
    let found: Vec<String> = files.filter_map(|f| breach(&root().join(f.path))).collect();
    crate::hold("a script that cannot run", &found);
}

#[test]
fn every_file_in_scripts_is_a_script() {
    let files = ["scripts", ".ci"].into_iter().flat_map(below).filter(|f| !f.path.contains("/lib/"));
    let found: Vec<String> = files.filter(|f| !f.text.starts_with("#!")).map(|f| f.path).collect();
    crate::hold("no #! line", &found);
}

#[test]
fn this_law_can_fail() -> std::io::Result<()> {
    let dir = tempfile::tempdir()?;
    let write = |name: &str, text: &str, mode: u32| -> std::io::Result<Option<String>> {
        let path = dir.path().join(name);
        std::fs::write(&path, text)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))?;
        Ok(breach(&path))
    };
    assert!(write("good", "#!/bin/sh\ntrue\n", 0o755)?.is_none());
    assert!(write("plain", "#!/bin/sh\ntrue\n", 0o644)?.is_some());
    assert!(write("broken", "#!/usr/bin/env bash\nif true\n", 0o755)?.is_some());
    assert!(write("text", "if true\n", 0o644)?.is_none());
    Ok(())
}
