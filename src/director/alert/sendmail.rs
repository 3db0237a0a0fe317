//! Handing an e-mail to the local mailer. Waits: not for a thread that must not.

use std::io;
use std::path::Path;
use std::time::Duration;

use crate::director::command::process::{Call, Finished};

/// Where local mailers are.
const PLACES: [&str; 4] =
    ["/usr/sbin/sendmail", "/usr/lib/sendmail", "/usr/bin/sendmail", "/usr/local/sbin/sendmail"];

/// Sends it: `sendmail -t`, as the reference does. It finds the addresses in the head.
pub(super) fn send(text: &str, limit: Duration) -> io::Result<Finished> {
    let found = PLACES.into_iter().find(|path| Path::new(path).is_file());
    let program =
        found.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no sendmail on this machine"))?;
    by(program, text, limit)
}

fn by(program: &str, text: &str, limit: Duration) -> io::Result<Finished> {
    Call { words: &[program.to_owned(), "-t".to_owned()], input: text, limit }.run()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_mailer_gets_the_whole_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sendmail");
        std::fs::copy("/bin/sh", dir.path().join("sh")).unwrap();
        std::fs::write(&path, "#!/bin/sh\necho \"$# $*\"\ncat\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let finished = by(&path.to_string_lossy(), "To: x\n\nbody\n", Duration::from_secs(60)).unwrap();
        assert_eq!((finished.output.as_str(), finished.end.failure()), ("1 -t\nTo: x\n\nbody\n", None));
    }
}
