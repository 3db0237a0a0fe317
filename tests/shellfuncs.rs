//! The functions for scripts, standing alone (no OCF library), under the shells that scripts use.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail wherever it likes")]

#[path = "lab/skip.rs"]
mod skip;

use std::fs;
use std::path::Path;
use std::process::Command;

const SCRIPT: &str = r#"
. "$SHELLFUNCS"
code() { "$@" >/dev/null 2>&1; echo "$1 $?"; }
for word in true yes YES on 1 ja; do ocf_is_true $word || echo "$word is not true"; done
for word in false no y 0 ""; do ocf_is_true "$word" && echo "$word is true"; done
code ha_pseudo_resource r status
code ha_pseudo_resource r monitor
code ha_pseudo_resource r start
code ha_pseudo_resource r status
code ha_pseudo_resource r stop
code have_binary sh
code have_binary no-such-program
(check_binary no-such-program 2>/dev/null; echo "still here"); echo "check_binary $?"
ocf_run -q sh -c 'echo lost; exit 3'; echo "ocf_run $?"
for name in keepalive KEEPALIVE deadtime udpport logfile nothing; do echo "$name=$(ha_parameter $name)"; done
Echo -n a; Echo 'b\c'; Echo c
ha_log "info: to the log"
ocf_log warn "careful"
ha_debug "unheard"
HA_debug=1
ha_debug "debug: heard"
printf 't=x\na=b\n' | ha_clustermsg
echo "$OCF_SUCCESS $OCF_NOT_RUNNING $HA_RSCTMP $HA_BIN"
"#;

const EXPECTED: &str = "ha_pseudo_resource 3
ha_pseudo_resource 7
ha_pseudo_resource 0
ha_pseudo_resource 0
ha_pseudo_resource 0
have_binary 0
have_binary 1
check_binary 5
ocf_run 3
keepalive=3
KEEPALIVE=3
deadtime=7
udpport=695
logfile=/var/log/ha-log
nothing=
abc
0 7 DIR/tmp /usr/libexec/heartbeat
";

fn run(shell: &str) {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("ha.cf"), "# keepalive 9\nKeepAlive 3\n  udpport\t695\nlogfile /var/log/ha-log # here\n")
        .unwrap();
    fs::write(at("fifo"), "").unwrap();
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/ha.d/shellfuncs");
    let text = fs::read_to_string(installed).unwrap().replace("HA_CF=$HA_DIR/ha.cf", "HA_CF=$TEST_CF");
    fs::write(at("shellfuncs"), text).unwrap();
    fs::write(at("my-script"), SCRIPT).unwrap();
    let output = Command::new(shell)
        .arg(at("my-script"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs([("SHELLFUNCS", at("shellfuncs")), ("TEST_CF", at("ha.cf")), ("HA_FIFO", at("fifo"))])
        .envs([("HA_RSCTMP", at("tmp")), ("HA_LOGFILE", at("log")), ("HA_DEBUGLOG", at("debug"))])
        .envs([("OCF_FUNCTIONS_DIR", "/nonexistent"), ("HA_DATEFMT", "%Y/%m/%d_%T\t")])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap().replace(dir.path().to_str().unwrap(), "DIR");
    assert_eq!(text, EXPECTED, "{shell}: {}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_to_string(at("fifo")).unwrap(), ">>>\nt=x\na=b\n<<<\n");

    let log: Vec<String> = fs::read_to_string(at("log")).unwrap().lines().map(String::from).collect();
    let texts: Vec<_> = log.iter().map(|line| line.split_once("]:    ").unwrap().1).collect();
    assert_eq!(texts, ["ERROR: lost", "info: to the log", "WARNING: careful"]);
    assert!(log.iter().all(|line| line.contains("  my-script(default)[")), "{log:?}");
    let debug = fs::read_to_string(at("debug")).unwrap();
    assert!(debug.lines().last().unwrap().ends_with(" debug: heard"), "{debug}");
    assert_eq!(debug.lines().count(), 4);
}

#[test]
fn under_the_default_shell() {
    run("/bin/sh");
}

#[test]
fn under_dash_and_bash() {
    for shell in ["dash", "bash"] {
        match Command::new(shell).args(["-c", "exit 0"]).status() {
            Ok(_) => run(shell),
            Err(_) => skip::cannot(format_args!("no {shell} here")),
        }
    }
}
