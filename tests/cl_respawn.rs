//! `cl_respawn` beside the reference's: what it says, what it exits with, what it does to its program.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "the laboratory copies programs as well")]
#[path = "lab/program.rs"]
mod program;
#[path = "lab/skip.rs"]
mod skip;

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const OURS: &str = env!("CARGO_BIN_EXE_cl_respawn");
const REFERENCE: &str = "/usr/bin/cl_respawn";
const PATIENCE: Duration = Duration::from_secs(20);

fn programs() -> Vec<&'static str> {
    if !Path::new(REFERENCE).exists() {
        skip::cannot(format_args!("the comparison: no {REFERENCE}"));
        return vec![OURS];
    }
    vec![REFERENCE, OURS]
}

fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Messages without time, host and pid; getopt's without the program's place.
fn said(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let bare = |line: &str| line.split_once("]: ").or(line.split_once(": ")).map(|(_, t)| t.to_owned());
    text.lines().map(|line| bare(line).unwrap_or_default()).collect()
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "{what}: not in time");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A program that notes its runs in `out`, each a line, and after `runs` of them ends with `code`.
fn program(dir: &Path, runs: u32, code: u8) -> String {
    let path = dir.join("prog");
    let text = format!(
        "#!/bin/sh\necho \"$* $(pwd) $(umask)\" >>{0}/out\n[ $(wc -l <{0}/out) -lt {runs} ] || exit {code}\n",
        dir.display()
    );
    program::write(&path, &text, 0o755).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_wrong_command_line_is_answered_alike() {
    let cases: [&[&str]; 9] = [
        &[],
        &["-h"],
        &["-h", "/bin/true"],
        &["-z"],
        &["-m"],
        &["-l"],
        &["-m", "3"],
        &["true"],
        &["/nonexistent/program"],
    ];
    for case in cases {
        let outputs: Vec<_> = programs().into_iter().map(|program| run(program, case)).collect();
        let (first, ours) = (outputs.first().unwrap(), outputs.last().unwrap());
        assert_eq!(first.status.code(), ours.status.code(), "{case:?}");
        assert_eq!(first.stdout, ours.stdout, "{case:?}");
        assert_eq!(said(first), said(ours), "{case:?}");
    }
}

#[test]
fn it_runs_again_until_the_magic_code() {
    for (options, code) in
        [(&[][..], 100), (&["-m", "7"][..], 7), (&["-m4294967303"][..], 7), (&["-m", "none"][..], 0)]
    {
        let noted: Vec<_> = programs()
            .into_iter()
            .map(|keeper| {
                let dir = tempfile::tempdir().unwrap();
                let runs = if code == 0 { 1 } else { 3 };
                let program = program(dir.path(), runs, code);
                let output = run(keeper, &[options, &[&program, "a", "-m", "5"]].concat());
                // The reference aborts when it should end.
                assert!(keeper == REFERENCE || output.status.code() == Some(0), "{output:?}");
                std::fs::read_to_string(dir.path().join("out")).unwrap()
            })
            .collect();
        assert_eq!(noted.first(), noted.last());
        assert_eq!(noted[0].lines().next(), Some("a -m 5 / 0022"));
    }
}

fn start(keeper: &str, pidfile: &Path) -> Child {
    let mut command = Command::new(keeper);
    command.args(["-p", pidfile.to_str().unwrap(), "/bin/sleep", "1000"]);
    command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The only child of a process.
fn child_of(pid: u32) -> Option<i32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    std::fs::read_to_string(path).ok()?.split_whitespace().next()?.parse().ok()
}

fn name_of(pid: i32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

/// Nobody may have asked for its exit code yet.
fn lives(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains('Z'))
}

fn signal(pid: i32, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().unwrap().success());
}

#[test]
fn signals_and_the_pid_file() {
    for keeper in programs() {
        let dir = tempfile::tempdir().unwrap();
        let pidfile = dir.path().join("pid");
        let mut first = start(keeper, &pidfile);
        let pid = first.id().cast_signed();
        let sleeps = || child_of(first.id()).filter(|child| name_of(*child) == "sleep");
        wait_for("the program", || sleeps().is_some());
        assert_eq!(std::fs::read_to_string(&pidfile).unwrap(), format!("{pid:>10}\n"), "{keeper}");

        let second = run(keeper, &["-p", pidfile.to_str().unwrap(), "/bin/sleep", "1000"]);
        assert_eq!(second.status.code(), Some(0), "{keeper}");
        assert!(said(&second)[0].contains("we're already running as pid"), "{keeper}: {second:?}");

        let before = sleeps().unwrap();
        signal(pid, "HUP");
        signal(before, "KILL");
        wait_for("another program", || sleeps().is_some_and(|now| now != before));
        let last = sleeps().unwrap();
        signal(pid, "TERM");
        assert_eq!(first.wait().unwrap().code(), Some(0), "{keeper}");
        wait_for("the end of the program", || !lives(last));
        assert!(pidfile.exists(), "{keeper}: it stays");
    }
}

#[test]
fn a_pid_file_that_cannot_be_made_is_an_error() {
    for keeper in programs() {
        let output = run(keeper, &["-p", "/nonexistent/pid", "/bin/sleep", "1000"]);
        assert_eq!(output.status.code(), Some(1), "{keeper}");
        assert!(
            said(&output)[0].contains("Cannot create pidfile [/nonexistent/pid]"),
            "{keeper}: {output:?}"
        );
    }
}

/// Ours only: the reference changes to / and then looks for it there.
#[test]
fn a_relative_name_means_what_it_meant_to_the_caller() {
    let dir = tempfile::tempdir().unwrap();
    program(dir.path(), 1, 100);
    let status = Command::new(OURS).arg("./prog").current_dir(dir.path()).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(std::fs::read_to_string(dir.path().join("out")).unwrap(), " / 0022\n");
}
