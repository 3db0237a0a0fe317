//! Its pid file: who holds it, and taking it. It stays when the keeper ends, as with the reference.

use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// The process named in the file, if it lives.
pub(super) fn holder(path: &Path) -> Option<i32> {
    let pid: i32 = fs::read_to_string(path).ok()?.trim().parse().ok()?;
    let lives = pid > 0 && kill(Pid::from_raw(pid), None) != Err(nix::errno::Errno::ESRCH);
    (lives && pid != Pid::this().as_raw()).then_some(pid)
}

/// Writes our pid: under another name first, so that nobody ever reads half of it.
pub(super) fn claim(path: &Path) -> io::Result<()> {
    let mut own = path.as_os_str().to_owned();
    own.push(format!(".{}", Pid::this()));
    let own = Path::new(&own);
    let mut file = fs::File::create_new(own)?;
    let written = writeln!(file, "{:>10}", Pid::this()).and_then(|()| fs::rename(own, path));
    if written.is_err() {
        let _ = fs::remove_file(own);
    }
    written
}
