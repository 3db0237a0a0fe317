//! What a program finds itself to be: ids, groups, environment, descriptors, limits, signals, scheduling.
//! Looked at from outside, so that no shell in between colours it.

use super::*;

/// Of root, of a user without further groups, of nobody, and of one with many groups.
const USERS: [(&str, u32); 4] = [("root", 4001), ("hacluster", 4002), ("nobody", 4003), ("many", 4004)];

/// Everything about the process `$1`, but for what no two processes have in common.
const DUMP: &str = r#"
cd /proc/$1
tr '\0' '|' <cmdline; echo
readlink cwd; readlink exe; readlink root
ls -l fd | awk '{print "fd", $1, $9, $11}'
grep -E '^(Name|Umask|Uid|Gid|Groups|VmLck|SigBlk|SigIgn|SigCgt|Cap|NoNewPrivs|Seccomp|Cpus_allowed)' status
cat limits oom_score_adj oom_adj coredump_filter personality
awk -v pid=$1 -v daemon=$2 '{ print "parent", $4 == daemon, "group", $5 == pid, "session", $6 == daemon,
    "terminal", $7, "priority", $18, $19, "realtime", $40, "policy", $41 }' stat
chrt -p $1 | sed 's/^pid [0-9]*//'
tr '\0' '\n' <environ | sort | sed 's/^/environment /'
"#;

/// Starts both daemons by `command` and compares the programs of all users.
fn compare(name: &str, lines: &str, command: &str) {
    let Some(lab) = beside_the_reference(name) else { return };
    let programs: String = USERS.iter().map(|(u, n)| format!("respawn {u} /bin/sleep {n}\n")).collect();
    configure(&lab, &format!("{lines}{programs}"));
    for node in lab.nodes() {
        shell(
            node,
            "for g in m1 m2 m3 m4 m5; do groupadd $g; done; useradd -M -G m1,m2,m3,m4,m5,haclient many",
        );
        node.write("/run/dump", DUMP, 0o755).unwrap();
        shell(node, command);
    }
    each(&lab, "all run", |node| USERS.iter().all(|(_, n)| sleeper(node, *n).is_some()));
    for (user, seconds) in USERS {
        let dress = |node: &Node| {
            let pid = sleeper(node, seconds).unwrap();
            let dump = shell(node, &format!("sh /run/dump {pid} $(cat /run/heartbeat.pid)"));
            dump.replace(&format!("HA_CURHOST={}\n", node.name()), "HA_CURHOST=here\n")
        };
        let (ours, reference) = (dress(lab.node(1)), dress(lab.node(2)));
        let beyond = |dress: &str, other: &str| {
            let known: Vec<&str> = other.lines().collect();
            dress.lines().filter(|line| !known.contains(line)).map(str::to_owned).collect::<Vec<_>>()
        };
        let (own, missing) = (beyond(&ours, &reference), beyond(&reference, &ours));
        assert!(ours == reference, "{user}: only ours: {own:#?}\nonly the reference: {missing:#?}");
        assert!(reference.contains("environment HA_CURHOST=here") && reference.contains("SigIgn"));
    }
}

const HEARTBEAT: &str = "/usr/libexec/heartbeat/heartbeat";

#[test]
fn as_usual() {
    compare("dress-usual", "env FOO=bar\nenv A_B=c\n", HEARTBEAT);
}

#[test]
fn with_debug_and_syslog() {
    compare("dress-syslog", "debugfile /var/log/ha-debug\ndebug 1\nlogfacility local3\n", HEARTBEAT);
}

#[test]
fn with_syslog_alone_and_an_option() {
    let quiet = format!("sed -i '/^logfile/d' /etc/ha.d/ha.cf; {HEARTBEAT} -d");
    compare("dress-only-syslog", "logfacility daemon\nuse_logd no\n", &quiet);
}

#[test]
fn without_any_log() {
    compare("dress-silent", "", &format!("sed -i '/^logfile/d' /etc/ha.d/ha.cf; {HEARTBEAT}"));
}

#[test]
fn with_the_logging_daemon() {
    compare("dress-logd", "use_logd yes\nconn_logd_time 5\n", HEARTBEAT);
}

#[test]
fn without_cores_and_realtime() {
    compare("dress-plain", "coredumps off\nrealtime off\nlogfacility none\n", HEARTBEAT);
}

#[test]
fn started_from_odd_surroundings() {
    let odd = format!(
        "umask 077; ulimit -n 1500; ulimit -c 100; ulimit -l 3000; ulimit -s 4000
        exec 9</etc/passwd; cd /tmp
        export LC_ALL=en_US.UTF-8 LANG=x LANGUAGE=de HA_foo=inherited HA_LOGD=yes HA_LOGFACILITY=q \
            HA_DEBUGLOG=z TERM=xterm ODD=$(printf 'a\\377b') SHLVL=3 HA_debug=77 OCF_ROOT=/q HOME=/nowhere
        nice -n 5 env --ignore-signal=USR1 --ignore-signal=QUIT --block-signal=WINCH {HEARTBEAT}"
    );
    compare("dress-odd", "", &odd);
}

#[test]
fn after_a_reload() {
    let reload = format!(
        "{HEARTBEAT}
        until grep -q 'local resource transition completed' /var/log/ha-log; do sleep 0.1; done
        touch -d 'now + 1 hour' /etc/ha.d/ha.cf; {HEARTBEAT} -r
        until test $(grep -c 'Starting \"' /var/log/ha-log) = 8; do sleep 0.1; done"
    );
    compare("dress-reload", "", &reload);
}
