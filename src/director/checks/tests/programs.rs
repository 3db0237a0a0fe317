//! Programs that decide.

use super::*;

#[test]
fn a_program_decides() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&path, mode).unwrap();
        path.display().to_string()
    };
    let told = dir.path().join("told");
    let tells = write("tells", &format!("#!/bin/sh\necho \"$@\" >{}\n", told.display()));
    let external = |command: &str, more: &str| {
        checked(&probe(
            "10.0.0.2:81 masq",
            &format!("\tchecktype=external\n\tcheckcommand={command}\n{more}"),
        ))
    };
    assert!(external(&tells, "").up);
    assert_eq!(std::fs::read_to_string(told).unwrap(), "10.0.0.100 80 10.0.0.2 81\n");
    assert!(!external("/bin/false", "").up);
    let missing = external("/nonexistent/check", "");
    assert!(missing.text.starts_with("exec(/nonexistent/check, 10.0.0.100"), "{missing:?}");
    let pid = dir.path().join("pid");
    let hangs = write(
        "hangs",
        &format!("#!/bin/sh\ntrap '' TERM\necho $$ >{}\nwhile :; do sleep 0.1; done\n", pid.display()),
    );
    let begin = Instant::now();
    let outcome = external(&hangs, "\tchecktimeout=1\n");
    let line = format!("system_timeout(1, {hangs} 10.0.0.100 80 10.0.0.2 81) timed out, kill -TERM child");
    assert_eq!(outcome, Outcome::down(line));
    assert!(begin.elapsed() < Duration::from_secs(10));
    let pid = std::fs::read_to_string(pid).unwrap();
    assert!(!std::path::Path::new(&format!("/proc/{}", pid.trim())).exists(), "it was left behind");
}
