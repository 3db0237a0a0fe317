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
    let line = "Exiting with exit_status 127: exec(/nonexistent/check 10.0.0.100 80 10.0.0.2 81) failed: No such file or directory";
    assert_eq!(missing, Outcome::down(line));
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

/// A script of its own directory.
fn script(dir: &tempfile::TempDir, text: &str) -> String {
    let path = dir.path().join("script");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn external(command: &str, more: &str) -> Probe {
    probe("10.0.0.2:81 masq", &format!("\tchecktype=external\n\tcheckcommand={command}\n{more}"))
}

/// The process whose number stands in a file, once it does.
fn process(file: &std::path::Path) -> std::path::PathBuf {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if text.ends_with('\n') {
            return std::path::Path::new("/proc").join(text.trim());
        }
        assert!(Instant::now() < until, "no process came");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Gone, or dead: nobody may have collected it yet.
fn is_over(process: &std::path::Path) -> bool {
    let until = Instant::now() + Duration::from_secs(20);
    while Instant::now() < until {
        match std::fs::read_to_string(process.join("stat")) {
            Ok(stat) if !stat.contains(") Z ") => thread::sleep(Duration::from_millis(5)),
            _ => return true,
        }
    }
    false
}

#[test]
fn what_a_program_started_ends_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let child = dir.path().join("child");
    let text = format!(
        "trap '' TERM\n(trap '' TERM; echo $(exec sh -c 'echo $PPID') >{}; exec sleep 100) &\nwait",
        child.display()
    );
    let hangs = external(&script(&dir, &text), "\tchecktimeout=1\n");
    assert!(checked(&hangs).text.contains("timed out"));
    assert!(is_over(&process(&child)), "a child of the program was left behind");
    // dropped halfway, as at a reload
    std::fs::remove_file(&child).unwrap();
    let hangs = external(&script(&dir, &text), "\tchecktimeout=100\n");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begun = runtime.block_on(async {
        tokio::select! {
            _ = run(&hangs) => None,
            begun = tokio::task::spawn_blocking({ let child = child.clone(); move || process(&child) }) => begun.ok(),
        }
    });
    assert!(is_over(&begun.unwrap()), "a child of the program was left behind");
}

#[test]
fn what_a_good_program_leaves_running_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let child = dir.path().join("child");
    let text = format!("sleep 100 &\necho $! >{}", child.display());
    assert!(checked(&external(&script(&dir, &text), "")).up);
    let left = process(&child);
    assert!(left.exists());
    let pid = left.file_name().unwrap().to_str().unwrap().parse().unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
}

/// An Oracle database is asked by its own tool; here, by something that answers like it.
#[test]
fn oracle_is_asked_by_its_tool() {
    let dir = tempfile::tempdir().unwrap();
    let told = dir.path().join("told");
    let ask = |answer: &str, limit: u64| {
        let text = format!("echo \"$NLS_LANG $@\" >{0}\ncat >>{0}\n{answer}", told.display());
        let lines = "\tservice=oracle\n\tlogin=\"scott\"\n\tpasswd=\"tiger\"\n\tdatabase=\"XE\"\n\trequest=\"select 1 from dual\"\n";
        let probe = probe("10.0.0.2:1521 masq", lines);
        let super::probe::Way::Oracle(query) = probe.way else { panic!("{probe:?}") };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let limit = Duration::from_secs(limit);
        runtime.block_on(super::external::oracle(&script(&dir, &text), probe.at, &query, limit))
    };
    let many = "i=0; while [ $i -lt 20000 ]; do echo one more row; i=$((i+1)); done; echo; echo '20000 rows selected.'; echo";
    assert_eq!(ask(many, 20), Outcome::up("-"));
    let told = std::fs::read_to_string(&told).unwrap();
    assert!(told.starts_with("AMERICAN_AMERICA.AL32UTF8 -S -L /nolog\n"), "{told}");
    assert!(told.ends_with("/\nexit\n") && !told.lines().next().unwrap().contains("tiger"), "{told}");
    assert_eq!(ask("echo; echo 'no rows selected'; echo", 20), Outcome::down("no rows selected"));
    assert_eq!(
        ask("echo ERROR:; echo 'ORA-12541: TNS:no listener'; exit 1", 20),
        Outcome::down("ORA-12541: TNS:no listener")
    );
    assert!(ask("sleep 100", 1).text.contains("timed out"));
    // somebody holds its output open
    assert_eq!(ask("sleep 100 & echo '1 row selected.'", 20), Outcome::up("-"));
}
