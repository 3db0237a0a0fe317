//! Files that a test makes and others run or read meanwhile.
//!
//! A child writes them: were a program ever open for writing in this process, a fork of another thread could hold it
//! open until its own exec, and to run it would fail with "text file busy". They come in one step: nobody finds half a
//! file, or none where one was.

use std::io::{Error, Result, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// A file with this text and mode.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let mut command = install(Path::new("/dev/stdin"), path, mode);
    let mut child = command.stdin(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes())?;
    }
    ended_well(child.wait()?.success(), path)
}

/// A copy of a program.
pub(crate) fn copy(from: &Path, path: &Path) -> Result<()> {
    ended_well(install(from, path, 0o755).status()?.success(), path)
}

fn install(from: &Path, path: &Path, mode: u32) -> Command {
    const SCRIPT: &str = r#"install -m "$1" "$2" "$3.new" && mv -fT "$3.new" "$3""#;
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "sh", &format!("{mode:o}")]).arg(from).arg(path);
    command
}

fn ended_well(so: bool, path: &Path) -> Result<()> {
    if so { Ok(()) } else { Err(Error::other(format!("{}: not written", path.display()))) }
}
