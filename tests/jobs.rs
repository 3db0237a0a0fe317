//! Jobs of the engine, done in-process with real scripts. The expected sequences of calls, messages
//! and log lines are those of a running 3.0.6 daemon.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail wherever it likes")]

#[allow(dead_code, reason = "the laboratory copies programs as well")]
#[path = "lab/program.rs"]
mod program;

use heartbeat::engine::{Hold, Job, Verb};
use heartbeat::logging::{Logger, Settings};
use heartbeat::resources::{Context, Options, fifo, reboot::Reboot, run_job};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const PROBE: &str = r#"#!/bin/sh
here=${0%/*}
name=${0##*/}
for op; do :; done
echo "$name $*" >> "$here/../calls"
env > "$here/../env.$op"
pwd > "$here/../pwd"
echo "$name says $op"
case $name:$op in
    broken:start) exit 5 ;;
    stuck:stop) exit 3 ;;
    stuck:status) echo running ;;
    *:status) [ -e "$here/../up.$name" ] && echo running ;;
    *:start) touch "$here/../up.$name" ;;
    *:stop) rm -f "$here/../up.$name" ;;
esac
exit 0
"#;

struct Lab {
    dir: tempfile::TempDir,
    env: Vec<(String, String)>,
    options: Options,
}

#[derive(Default)]
struct Count(AtomicU32);

impl Reboot for Count {
    fn reboot(&self, _: &Logger, _: &heartbeat::resources::environment::Environment) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Lab {
    fn new(haresources: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        for sub in ["resource.d", "rc.d", "cores"] {
            fs::create_dir(at(sub)).unwrap();
        }
        fs::write(at("haresources"), haresources).unwrap();
        for name in ["A", "B", "C", "IPaddr", "broken", "stuck"] {
            program(&dir.path().join("resource.d").join(name), PROBE);
        }
        let tool = PathBuf::from(env!("CARGO_BIN_EXE_hb_tool"));
        for hook in ["status", "ip-request", "ip-request-resp", "ask_resources", "hb_takeover"] {
            symlink(&tool, dir.path().join("rc.d").join(hook)).unwrap();
        }
        symlink(&tool, dir.path().join("harc")).unwrap();
        let env = [
            ("PATH", "/usr/bin:/bin".to_owned()),
            ("HA_CURHOST", "b1".to_owned()),
            ("HA_RESOURCEDIR", at("resource.d")),
            ("HA_RCDIR", at("rc.d")),
            ("HA_FIFO", at("fifo")),
            ("HA_DEBUGLOG", at("ha-debug")),
            ("HA_STOPRETRYMAX", "1".to_owned()),
            ("HA_deadtime", "3".to_owned()),
        ];
        let options = Options {
            directory: Some(dir.path().join("cores")),
            haresources: dir.path().join("haresources"),
            harc: dir.path().join("harc"),
            tool,
            standby_delay: Duration::ZERO,
            ..Options::default()
        };
        Self { env: env.map(|(n, v)| (n.to_owned(), v)).to_vec(), options, dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a job; the kinds and texts of its messages.
    fn run(&self, job: &Job) -> Vec<String> {
        let settings = Settings { logfile: Some(self.path("ha-log")), ..Settings::default() };
        let logger = Logger::direct("heartbeat", settings);
        let context =
            Context { host: "b1".into(), env: self.env.clone(), logger, options: self.options.clone() };
        let mut messages = Vec::new();
        run_job(job, &context, &mut |message| {
            let text = String::from_utf8(fifo::bytes_of(&message).unwrap()).unwrap();
            messages.push(text.trim_start_matches(">>>\n").trim_end_matches("\n<<<\n").replace('\n', " "));
        });
        messages
    }

    fn calls(&self) -> Vec<String> {
        lines(&self.path("calls"))
    }

    /// Log lines from the word of their level on, without our own about durations, the paths of the
    /// test shortened.
    fn log(&self) -> Vec<String> {
        let dir = self.dir.path().to_str().unwrap();
        let shorten = |line: String| {
            let text = line.split_once("]: ").map_or("", |(_, text)| text.trim_start());
            text.replace(dir, "").to_owned()
        };
        lines(&self.path("ha-log"))
            .into_iter()
            .map(shorten)
            .filter(|l| !l.contains(" finished rc="))
            .collect()
    }
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(String::from).collect()
}

fn program(path: &Path, text: &str) {
    program::write(path, text, 0o755).unwrap();
}

fn hook(kind: &str, env: &[(&str, &str)]) -> Job {
    let env = env.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Job::Hook { kind: kind.into(), env }
}

const GROUPS: &str = "b1 A::x B\nb2 C\nb1 10.0.0.1/24/eth0\n";

#[test]
fn acquiring_local_groups_asks_and_grants_itself() {
    let lab = Lab::new(GROUPS);
    fs::write(lab.path("up.IPaddr"), "").unwrap();
    let messages = lab.run(&Job::AcquireLocal { nice: true, dont_ask: true });
    assert_eq!(messages, ["t=ip-request-resp dest=b1 ipaddr=A::x weown=yes ok=OK"]);
    assert_eq!(lab.calls(), ["A x status", "IPaddr 10.0.0.1/24/eth0 status"]);
    assert_eq!(lab.log(), ["info: Local Resource acquisition completed."]);
}

#[test]
fn acquiring_local_groups_in_legacy_mode_asks_the_peer() {
    let lab = Lab::new(GROUPS);
    let messages = lab.run(&Job::AcquireLocal { nice: false, dont_ask: false });
    assert_eq!(messages, ["t=ip-request ipaddr=A::x", "t=ip-request ipaddr=10.0.0.1/24/eth0"]);
    let none = Lab::new("b2 C\n");
    assert!(none.run(&Job::AcquireLocal { nice: true, dont_ask: false }).is_empty());
    let text = "info: No local resources [/usr/share/heartbeat/ResourceManager listkeys b1] to acquire.";
    assert_eq!(none.log(), [text]);
}

#[test]
fn a_granted_group_is_asked_again_and_started() {
    let lab = Lab::new(GROUPS);
    let env = [("HA_dest", "b1"), ("HA_ipaddr", "A::x"), ("HA_ok", "OK"), ("HA_weown", "yes")];
    assert!(lab.run(&hook("ip-request-resp", &env)).is_empty());
    assert_eq!(lab.calls(), ["A x status", "A x start", "B status", "B start"]);
    let expected = [
        "info: Running /rc.d/ip-request-resp ip-request-resp",
        "received ip-request-resp A::x OK yes",
        "info: Acquiring resource group: b1 A::x B",
        "info: Running /resource.d/A x start",
        "info: Running /resource.d/B  start",
    ];
    assert_eq!(lab.log(), expected);
    assert_eq!(lines(&lab.path("ha-debug")), ["A says start", "B says start"]);
}

#[test]
fn a_dead_node_is_taken_over() {
    let lab = Lab::new(GROUPS);
    let env = [("HA_src", "b2"), ("HA_st", "dead"), ("HA_NICEFAILBACK", "yes")];
    assert_eq!(lab.run(&hook("status", &env)), ["t=resource rsc_hold=foreign info=mach_down"]);
    assert_eq!(lab.calls(), ["C status", "C start"]);
    let expected = [
        "info: Running /rc.d/status status",
        "info: Taking over resource group C",
        "info: Acquiring resource group: b2 C",
        "info: Running /resource.d/C  start",
        "info: /usr/share/heartbeat/mach_down: nice_failback: foreign resources acquired",
        "info: mach_down takeover complete for node b2.",
    ];
    assert_eq!(lab.log(), expected);
    assert!(lab.run(&hook("status", &[("HA_src", "b2"), ("HA_st", "up")])).is_empty());
    assert!(
        lab.run(&hook("status", &[("HA_src", "10.0.0.9"), ("HA_st", "dead"), ("HA_info", "ping")]))
            .is_empty()
    );
    assert_eq!(lab.calls().len(), 2);
}

#[test]
fn standby_moves_the_groups_of_its_set() {
    let lab = Lab::new(GROUPS);
    lab.run(&Job::Standby { verb: Verb::Take, set: Hold::Foreign });
    lab.run(&Job::Standby { verb: Verb::Give, set: Hold::Local });
    let calls = ["C status", "C start", "B stop", "A x stop", "IPaddr 10.0.0.1/24/eth0 stop"];
    assert_eq!(lab.calls(), calls);
    let log = lab.log();
    assert_eq!(log.first().unwrap(), "info: acquire foreign HA resources (standby).");
    assert!(log.contains(&"info: foreign HA resource acquisition completed (standby).".to_owned()));
    assert!(log.contains(&"info: give up local HA resources (standby).".to_owned()));
    assert_eq!(log.last().unwrap(), "info: local HA resource release completed (standby).");
}

#[test]
fn shutdown_releases_everything() {
    let lab = Lab::new(GROUPS);
    assert!(lab.run(&Job::GiveUpAll).is_empty());
    assert_eq!(lab.calls(), ["B stop", "A x stop", "C stop", "IPaddr 10.0.0.1/24/eth0 stop"]);
    assert_eq!(lab.log().first().unwrap(), "info: Giving up all HA resources.");
    assert_eq!(lab.log().last().unwrap(), "info: All HA resources relinquished.");
}

#[test]
fn after_a_failed_start_standby_is_asked_for_later() {
    let lab = Lab::new("b1 A broken B\n");
    let fifo = lab.path("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let mut reader = fs::OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    lab.run(&Job::Standby { verb: Verb::Take, set: Hold::Local });
    let calls = ["A status", "A start", "broken status", "broken start", "B stop", "broken stop", "A stop"];
    assert_eq!(lab.calls(), calls);
    let mut buffer = [0; 256];
    let n = std::io::Read::read(&mut reader, &mut buffer).unwrap();
    assert_eq!(&buffer[..n], b">>>\nt=ask_resources\nrsc_hold=foreign\ninfo=me\ncause=failure\n<<<\n");
}

#[test]
fn a_resource_that_cannot_be_stopped_calls_for_a_reboot() {
    let mut lab = Lab::new("b1 A stuck\n");
    let count = Arc::new(Count::default());
    lab.options.reboot = count.clone();
    lab.run(&Job::GiveUpAll);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    assert_eq!(lab.calls(), ["stuck stop", "stuck stop", "stuck status", "A stop"]);
    let failed = "ERROR: /usr/share/heartbeat/ResourceManager givegroup A exited with return code 3";
    assert!(lab.log().contains(&failed.to_owned()), "{:#?}", lab.log());

    lab.env.push(("HA_REBOOT_ON_STOP_FAILURE".into(), "no".into()));
    lab.run(&Job::GiveUpAll);
    assert_eq!(count.0.load(Ordering::Relaxed), 1);
    assert!(lab.log().iter().any(|line| line.starts_with("CRIT: No reboot")));
}

#[test]
fn hooks_of_the_administrator_run_as_programs() {
    let lab = Lab::new(GROUPS);
    program(
        &lab.path("rc.d/custom"),
        "#!/bin/sh\necho \"hook $1 $HA_t $HA_FUNCS\" >> \"${0%/*}/../calls\"; echo said\n",
    );
    lab.run(&hook("custom", &[("HA_t", "custom")]));
    assert_eq!(lab.calls(), ["hook custom custom /etc/ha.d//shellfuncs"]);
    assert_eq!(lines(&lab.path("ha-debug")), ["said"]);

    lab.run(&hook("missing", &[]));
    assert_eq!(lab.log().last().unwrap(), "ERROR: /etc/ha.d/harc: /rc.d/missing: not executable");

    fs::remove_file(lab.path("harc")).unwrap();
    program(&lab.path("harc"), "#!/bin/sh\necho \"own harc $1\" >> \"${0%/*}/calls\"\n");
    lab.run(&hook("status", &[("HA_st", "dead"), ("HA_src", "b2")]));
    assert_eq!(lab.calls().last().unwrap(), "own harc status");
}

#[test]
fn groups_are_taken_where_the_hook_for_it_is_missing() {
    let lab = Lab::new(GROUPS);
    fs::remove_dir_all(lab.path("rc.d")).unwrap();
    lab.run(&hook("status", &[("HA_st", "dead"), ("HA_src", "b2")]));
    assert_eq!(lab.calls(), ["C status", "C start"]);
    assert_eq!(lab.log().first().unwrap(), "ERROR: /etc/ha.d/harc: /rc.d/status: not executable");
    let grant = [("HA_dest", "b1"), ("HA_ipaddr", "A::x"), ("HA_ok", "OK")];
    lab.run(&hook("ip-request-resp", &grant));
    assert_eq!(lab.calls().last().unwrap(), "B start");
}

#[test]
fn scripts_see_what_the_reference_shows_them() {
    let lab = Lab::new(GROUPS);
    lab.run(&Job::Standby { verb: Verb::Take, set: Hold::Local });
    let env: BTreeMap<String, String> = lines(&lab.path("env.start"))
        .into_iter()
        .filter_map(|line| line.split_once('=').map(|(n, v)| (n.to_owned(), v.to_owned())))
        .collect();
    let expected = [
        ("HA_BIN", "/usr/libexec/heartbeat"),
        ("HA_CURHOST", "b1"),
        ("HA_DATEFMT", "%Y/%m/%d_%T\t"),
        ("HA_DIR", "/etc/ha.d"),
        ("HA_DOCDIR", "/usr/share/doc/heartbeat"),
        ("HA_FUNCS", "/etc/ha.d/shellfuncs"),
        ("HA_deadtime", "3"),
        ("LC_ALL", "C"),
        ("OCF_AGENTS", "/usr/lib/ocf/resource.d/heartbeat/"),
        ("OCF_ROOT", "/usr/lib/ocf"),
        (
            "PATH",
            "/usr/libexec/heartbeat:/usr/sbin:/usr/share/heartbeat:/usr/bin:/bin:/sbin:/bin:/usr/sbin:/usr/bin:/usr/ucb",
        ),
    ];
    for (name, value) in expected {
        assert_eq!(env.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!env.contains_key("HA_NICEFAILBACK") && !env.contains_key("HA_DONTASK"));
    assert_eq!(lines(&lab.path("pwd")), [lab.path("cores").to_str().unwrap()]);
}

/// A third-party script as people write them: LSB verbs, shellfuncs, HA_* variables, and a daemon
/// left behind that keeps every descriptor it got.
#[test]
fn a_third_party_script_works_unchanged() {
    let lab = Lab::new("b1 myd::one\n");
    let shellfuncs = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/ha.d/shellfuncs");
    let script = format!(
        r#". {}
pidfile={}/myd.pid
case "$2" in
start)
    ha_log "info: starting $1 on $HA_CURHOST, deadtime $HA_deadtime"
    sleep 300 &
    echo $! > $pidfile ;;
stop)
    kill `cat $pidfile` 2>/dev/null; rm -f $pidfile; exit 0 ;;
status)
    sleep 30 &
    if [ -f $pidfile ]; then echo "myd is running"; else echo "myd is stopped"; exit 3; fi ;;
esac
"#,
        shellfuncs.display(),
        lab.dir.path().display()
    );
    // No `#!` line on purpose: a shell would run it, and so do we.
    program(&lab.path("resource.d/myd"), &script);
    let begin = Instant::now();
    let mut lab = lab;
    lab.env.push(("HA_LOGFILE".into(), lab.path("script-log").to_str().unwrap().into()));
    lab.run(&Job::Standby { verb: Verb::Take, set: Hold::Local });
    lab.run(&Job::Standby { verb: Verb::Take, set: Hold::Local });
    assert!(begin.elapsed() < Duration::from_secs(20), "we waited for the daemon left behind");
    let said = fs::read_to_string(lab.path("script-log")).unwrap();
    assert!(said.trim_end().ends_with("info: starting one on b1, deadtime 3"), "{said}");
    assert!(said.contains("myd(default)["), "{said}");
    assert!(lab.path("myd.pid").exists());
    lab.run(&Job::GiveUpAll);
    assert!(!lab.path("myd.pid").exists());
    let runs = lab.log().iter().filter(|line| line.starts_with("info: Running")).count();
    assert_eq!(runs, 2, "started once, stopped once: {:#?}", lab.log());
}
