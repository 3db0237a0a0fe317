//! ResourceManager and the tools around it against the reference: the same cases are played in a
//! private mount namespace with the programs of 3.0.6 and with ours, and everything a user can see is
//! compared: calls of scripts, exit codes, output, log lines, messages to the daemon.
//!
//! `recorded.txt` holds what the reference did, for machines without it; `RECORD=1` writes it anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail wherever it likes")]

#[path = "lab/skip.rs"]
mod skip;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lines that only one side writes; each is explained in docs/compatibility.md.
const KNOWN: [&str; 2] = [" finished rc=", ": status: not found"];

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/resource_manager").join(name)
}

/// How to get into namespaces of our own, if this machine lets us.
fn namespaces() -> Option<Command> {
    let common = ["-m", "-u", "-p", "-f", "--mount-proc", "--propagation", "private"];
    for user in [&[][..], &["-r"][..]] {
        let unshare = || {
            let mut command = Command::new("unshare");
            command.args(user).args(common);
            command
        };
        let works = unshare().args(["mount", "-t", "tmpfs", "none", "/run"]).output();
        if works.is_ok_and(|output| output.status.success()) {
            return Some(unshare());
        }
    }
    None
}

fn play(who: &str, namespaces: Command) -> String {
    let mut command = namespaces;
    let output = command
        .args(["sh", here("run.sh").to_str().unwrap(), who, env!("CARGO_BIN_EXE_hb_tool")])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{who}: {errors}");
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter(|line| !KNOWN.iter().any(|known| line.contains(known))).map(plain).collect()
}

/// Without times and process ids.
fn plain(line: &str) -> String {
    let words: Vec<String> = line.split(' ').map(plain_word).collect();
    words.join(" ") + "\n"
}

fn plain_word(word: &str) -> String {
    let mut word = word.to_owned();
    let looks_like_date = |w: &str| w.len() == 19 && w.matches('/').count() == 2 && w.contains('_');
    if let Some((tab, date)) = word.split_once('\t').map(|(a, b)| (a.to_owned(), b.to_owned()))
        && looks_like_date(&date)
    {
        word = format!("{tab}\tDATE");
    } else if looks_like_date(&word) {
        word = "DATE".into();
    }
    if let (Some(open), Some(close)) = (word.find(")["), word.find("]:")) {
        word.replace_range(open + 2..close, "PID");
    }
    word
}

fn differences(expected: &str, ours: &str) -> Vec<String> {
    let blocks = |text: &str| text.split("==== ").map(String::from).collect::<Vec<_>>();
    let (left, right) = (blocks(expected), blocks(ours));
    assert_eq!(left.len(), right.len(), "not the same cases");
    let pairs = left.into_iter().zip(right);
    pairs.filter(|(a, b)| a != b).map(|(a, b)| format!("--- expected\n{a}--- found\n{b}")).collect()
}

#[test]
fn ours_does_what_the_reference_does() {
    if !Path::new("/etc/ha.d").is_dir() || !Path::new("/usr/share/heartbeat").is_dir() {
        return skip::cannot("/etc/ha.d and /usr/share/heartbeat must exist to mount over them");
    }
    let Some(inside) = namespaces() else {
        return skip::cannot("no namespaces of our own on this machine");
    };
    let reference = fs::read_to_string("/usr/share/heartbeat/ResourceManager").unwrap_or_default();
    let recorded = here("recorded.txt");
    if reference.starts_with("#!") {
        let played = play("reference", namespaces().unwrap());
        if std::env::var_os("RECORD").is_some() {
            fs::write(&recorded, &played).unwrap();
        }
        let drift = differences(&fs::read_to_string(&recorded).unwrap(), &played);
        assert!(drift.is_empty(), "the reference differs from its record:\n{}", drift.join("\n"));
    }
    let found = differences(&fs::read_to_string(&recorded).unwrap(), &play("ours", inside));
    assert!(found.is_empty(), "{} cases differ:\n{}", found.len(), found.join("\n"));
}
