//! Running `drbdadm outdate`, on a thread that waits for it: nothing else does.

use std::io;
use std::process::{Command, Stdio};
use std::thread;

/// How it ended: its exit code, `None` when a signal ended it; or why it could not be run.
pub(super) type Exit = io::Result<Option<i32>>;

/// Starts it; `tell` hears how it ended. There is no shell in between: a name is a name, whatever it is made of.
pub(super) fn outdate(resource: &str, tell: impl FnOnce(Exit) + Send + 'static) -> io::Result<()> {
    let mut command = Command::new("drbdadm");
    command.args(["outdate", resource]).stdin(Stdio::null());
    let run = move || tell(command.status().map(|status| status.code()));
    thread::Builder::new().name("drbdadm".to_owned()).stack_size(128 * 1024).spawn(run).map(drop)
}
