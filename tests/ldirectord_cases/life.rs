//! The daemon's life: what it does to the table, what signals make of it, what it does when things break.

use std::os::unix::net::UnixDatagram;
use std::thread;

use heartbeat::resources::plan::says_running;

use super::room::Room;
use super::{BOTH, WEB};

fn started() -> Room {
    let room = Room::new(true);
    room.write("/etc/ha.d/web.cf", WEB);
    room.must(&["web.cf", "start"]);
    room.wait_for(BOTH);
    room
}

#[test]
fn who_was_started_can_be_asked_at_once() {
    let room = Room::new(true);
    room.write("/etc/ha.d/web.cf", WEB);
    for _ in 0..10 {
        room.must(&["web.cf", "start"]);
        room.must(&["web.cf", "status"]);
        assert_ne!(room.rows(), "", "the services are there when start returns");
        room.must(&["web.cf", "stop"]);
        assert_eq!(room.rows(), "", "and gone when stop does");
        assert!(room.is_over("web.cf"));
    }
}

/// In a container numbers come again soon: the file of a life before may hold that of the command or of its caller.
#[test]
fn nobody_takes_himself_for_a_daemon() {
    for how in ["exec /usr/sbin/ldirectord web.cf start", "/usr/sbin/ldirectord web.cf start || exit"] {
        let room = Room::new(true);
        room.write("/etc/ha.d/web.cf", WEB);
        let start = "export LDIRECTORD_IPVS=ipvsadm; echo $$ > /run/ldirectord.web.cf.pid";
        room.script(&format!("{start}; {how}; true"));
        room.wait_for(BOTH);
        room.must(&["web.cf", "status"]);
    }
}

/// What the kernel did not let go of is not forgotten, and nobody is told that it is gone.
#[test]
fn a_stop_that_fails_says_so() {
    let room = started();
    room.write("/run/ipvsadm.broken", "");
    assert_eq!(room.ldirectord(&["web.cf", "stop"]).status.code(), Some(1), "{}", room.log());
    assert!(room.is_over("web.cf"));
    room.script("rm /run/ipvsadm.broken");
    assert_eq!(room.rows(), BOTH);
    room.must(&["web.cf", "stop"]);
    assert_eq!(room.rows(), "");
    assert!(!room.has("/run/ldirectord.web.cf.state"));
}

#[test]
fn a_stop_that_nobody_heeds_says_what_is_left() {
    let room = started();
    room.kill("STOP", "web.cf");
    assert_eq!(room.ldirectord(&["web.cf", "stop"]).status.code(), Some(1), "{}", room.log());
    assert_eq!(room.rows(), BOTH);
    room.kill("CONT", "web.cf");
    room.wait("the end", || room.is_over("web.cf"));
    assert_eq!(room.rows(), "");
}

/// Two starts at once: one is not the first any more when it looks who runs, and who runs has been told to end.
#[test]
fn who_finds_another_who_ends_follows_him() {
    let room = started();
    let (file, old) = ("/run/ldirectord.web.cf.pid", room.pid("web.cf"));
    room.hold("-D");
    room.kill("TERM", "web.cf");
    room.wait("it is told", || room.read("/run/ldirectord.web.cf.state").contains("ending"));
    let lock = "touch /run/locked; while [ ! -e /run/go ]; do sleep 0.05; done";
    room.script(&format!("flock /run sh -c '{lock}' > /dev/null 2>&1 &"));
    room.wait("the lock", || room.has("/run/locked"));
    room.script(&format!("mv {file} /run/aside"));
    thread::scope(|scope| {
        let start = scope.spawn(|| room.must(&["web.cf", "start"]));
        room.wait("the start", || room.log().matches("Starting Linux Director").count() == 2);
        room.script(&format!("mv /run/aside {file}; touch /run/go"));
        start.join().unwrap();
    });
    room.must(&["web.cf", "status"]);
    assert_ne!(room.pid("web.cf"), old, "{}", room.log());
}

/// What the kernel has let go of in the end may come again, and be another's; also for who comes after a crash.
#[test]
fn what_is_gone_in_the_end_is_forgotten() {
    let room = started();
    let gone = WEB.replace("10.0.0.100", "10.0.0.101");
    let gone = gone.split_once("virtual").map(|(_, v)| format!("virtual{v}")).unwrap();
    room.write("/etc/ha.d/web.cf", &format!("{WEB}{gone}"));
    room.must(&["web.cf", "reload"]);
    room.wait("the second service", || room.rows().contains("101:80: 10.0.0.1:80/5"));
    room.refuse_deletion("10.0.0.101:80");
    room.write("/etc/ha.d/web.cf", WEB);
    room.must(&["web.cf", "reload"]);
    room.wait("a word", || room.log().contains("-D -t 10.0.0.101:80"));
    room.script("mv /usr/sbin/ipvsadm.real /usr/sbin/ipvsadm");
    room.wait_for(BOTH);
    let state = || room.read("/run/ldirectord.web.cf.state");
    room.wait("it is forgotten", || !state().contains("10.0.0.101"));
    assert!(state().contains("10.0.0.100:80"));
    room.kill("KILL", "web.cf");
    room.wait("its end", || room.script("pgrep -x ldirectord || true").is_empty());
    room.script("ipvsadm -A -t 10.0.0.101:80 -s rr");
    room.must(&["web.cf", "start"]);
    assert!(room.rows().contains("10.0.0.101:80:"), "another's service: {}", room.log());
}

#[test]
fn every_signal_of_the_list_ends_it_in_order() {
    let room = Room::new(true);
    room.write("/etc/ha.d/web.cf", WEB);
    for signal in ["TERM", "INT", "QUIT", "ILL", "ABRT", "FPE", "SEGV", "BUS", "SYS", "XCPU", "XFSZ"] {
        room.must(&["web.cf", "start"]);
        room.wait_for(BOTH);
        room.kill("PIPE", "web.cf");
        room.kill(signal, "web.cf");
        room.wait("the end", || room.is_over("web.cf"));
        room.wait_for("");
        let words = format!("Linux Director Daemon terminated on signal: {signal}\n");
        room.wait("last words", || room.log().ends_with(&words));
    }
}

#[test]
fn a_second_signal_does_not_disturb_the_end() {
    let room = started();
    room.write("/run/ipvsadm.slow", "");
    room.script(&format!("for i in 1 2 3; do kill -TERM {0} || true; sleep 0.1; done", room.pid("web.cf")));
    room.wait("the end", || room.is_over("web.cf"));
    room.script("rm /run/ipvsadm.slow");
    assert_eq!(room.rows(), "");
}

#[test]
fn a_killed_daemon_is_followed_by_one_that_takes_its_table_over() {
    let room = started();
    room.kill("KILL", "web.cf");
    room.wait("its end", || room.script("pgrep -x ldirectord || true").is_empty());
    room.write("/run/down-10.0.0.2", "");
    let gone = WEB.replace("10.0.0.100", "10.0.0.101");
    room.write(
        "/etc/ha.d/web.cf",
        &format!("{WEB}{}", gone.split_once("virtual").map(|(_, v)| format!("virtual{v}")).unwrap()),
    );
    room.told();
    room.must(&["web.cf", "start"]);
    room.wait_for("10.0.0.100:80: 10.0.0.1:80/5 10.0.0.101:80: 10.0.0.1:80/5");
    let told = room.told();
    let about: Vec<&str> = told.lines().filter(|line| line.contains("10.0.0.100")).collect();
    assert_eq!(about, ["-d -t 10.0.0.100:80 -r 10.0.0.2:80"], "nothing else is touched");
    // and one that is gone from the configuration goes, although its daemon was killed
    room.kill("KILL", "web.cf");
    room.wait("its end", || room.script("pgrep -x ldirectord || true").is_empty());
    room.write("/etc/ha.d/web.cf", WEB);
    room.must(&["web.cf", "start"]);
    room.wait_for("10.0.0.100:80: 10.0.0.1:80/5");
    assert!(room.told().lines().eq(["-D -t 10.0.0.101:80"]), "{}", room.log());
}

/// What is to stay stays, although the file cannot say so any more.
#[test]
fn a_stop_with_a_broken_file_takes_out_what_may_go() {
    let room = Room::new(true);
    let stays = WEB.replace("checkinterval=1\nchecktimeout=5\n", "").replace("10.0.0.100", "10.0.0.101");
    room.write("/etc/ha.d/web.cf", &format!("{WEB}{stays}\tcleanstop=no\n"));
    room.must(&["web.cf", "start"]);
    let kept = BOTH.replace("0.100", "0.101");
    room.wait_for(&format!("{BOTH} {kept}"));
    room.kill("KILL", "web.cf");
    room.wait("its end", || room.script("pgrep -x ldirectord || true").is_empty());
    room.write("/etc/ha.d/web.cf", "nonsense\n");
    room.must(&["web.cf", "stop"]);
    assert_eq!(room.rows(), kept, "{}", room.log());
}

/// Somebody starts anew while a `stop` waits for the end.
#[test]
fn a_stop_leaves_alone_who_has_begun_anew() {
    let room = started();
    let pid = room.pid("web.cf");
    room.kill("STOP", "web.cf");
    room.script(
        "LDIRECTORD_IPVS=ipvsadm /usr/sbin/ldirectord web.cf stop > /dev/null 2>&1 & echo $! > /run/stop.pid",
    );
    let stop = room.read("/run/stop.pid").trim().to_owned();
    // SIGTERM, the fifteenth bit
    let status = format!("/proc/{pid}/status");
    room.wait("the signal", || room.script(&format!("grep ShdPnd {status}")).trim().ends_with("4000"));
    room.script(&format!("kill -STOP {stop}; kill -CONT {pid}"));
    room.wait("the end", || room.is_over("web.cf"));
    room.must(&["web.cf", "start"]);
    room.wait_for(BOTH);
    room.script(&format!("kill -CONT {stop}"));
    room.wait("the end of stop", || {
        room.script(&format!("kill -0 {stop} 2>&1 || echo gone")).contains("gone")
    });
    assert_eq!(room.rows(), BOTH, "{}", room.log());
    assert!(room.has("/run/ldirectord.web.cf.state"));
    room.must(&["web.cf", "stop"]);
    assert_eq!(room.rows(), "");
}

#[test]
fn a_restart_leaves_the_table_alone() {
    let room = started();
    let pid = room.pid("web.cf");
    room.told();
    room.must(&["web.cf", "restart"]);
    assert_ne!(room.pid("web.cf"), pid);
    room.must(&["web.cf", "status"]);
    let checks = || room.read("/run/checked").lines().count();
    room.write("/etc/ha.d/probe", "#!/bin/sh\necho $3 >> /run/checked\n[ ! -e \"/run/down-$3\" ]\n");
    room.wait("two rounds", || checks() >= 6);
    assert_eq!((room.told().as_str(), room.rows().as_str()), ("", BOTH));
    room.must(&["web.cf", "stop"]);
    assert_eq!(room.rows(), "");
}

/// As systemd does with `RestartKillSignal=`.
#[test]
fn who_is_told_to_leave_leaves_the_table_to_who_comes() {
    let room = started();
    room.told();
    for verb in ["start", "standby"] {
        room.kill("ALRM", "web.cf");
        room.wait("its end", || room.is_over("web.cf"));
        room.must(&["web.cf", verb]);
        room.must(&["web.cf", "status"]);
    }
    assert_eq!((room.told().as_str(), room.rows().as_str()), ("", BOTH));
}

/// systemd reads the pid file when the process that it watches ends: another number there is who it watches from then on.
#[test]
fn a_restart_leaves_nobody_without_a_number() {
    let room = started();
    for _ in 0..5 {
        let watch = "pid=$(cat /run/ldirectord.web.cf.pid); rm -f /run/seen\n\
            (while kill -0 $pid; do :; done; cat /run/ldirectord.web.cf.pid > /run/seen.new; mv /run/seen.new /run/seen) \
            > /dev/null 2>&1 &\n";
        room.script(watch);
        room.must(&["web.cf", "restart"]);
        room.wait("the end of the old one", || room.has("/run/seen"));
        assert_eq!(room.read("/run/seen").trim(), room.pid("web.cf"));
    }
    assert_eq!(room.rows(), BOTH);
}

/// systemd kills, in the end, whoever it watches after it was told of an end: it must not be told of a restart.
#[test]
fn systemd_is_told_of_no_end_that_is_none() {
    let room = Room::new(true);
    room.write("/etc/ha.d/web.cf", WEB);
    let socket = UnixDatagram::bind(room.path("/run/notify")).unwrap();
    socket.set_nonblocking(true).unwrap();
    let heard = || {
        let mut bytes = [0; 1024];
        let next = || {
            let length = socket.recv(&mut bytes).ok()?;
            Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
        };
        std::iter::from_fn(next).collect::<String>()
    };
    let is_gone = |pid: &str| room.script(&format!("kill -0 {pid} 2>&1 || echo gone")).contains("gone");
    for (how, told) in [("restart", false), ("stop", true)] {
        room.script("NOTIFY_SOCKET=/run/notify LDIRECTORD_IPVS=ipvsadm /usr/sbin/ldirectord web.cf start");
        let pid = room.pid("web.cf");
        room.wait("its word to systemd", || heard().contains("READY=1"));
        room.must(&["web.cf", how]);
        room.wait("the end", || is_gone(&pid));
        assert_eq!(heard().contains("STOPPING=1"), told, "{how}");
        room.must(&["web.cf", "stop"]);
    }
}

#[test]
fn a_broken_configuration_leaves_the_running_one_whole() {
    let room = started();
    room.write("/etc/ha.d/web.cf", &format!("quiescent=maybe\n{WEB}\tnonsense=1\n"));
    let output = room.ldirectord(&["web.cf", "reload"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("at line 1: quiescent must be 'yes' or 'no'\n"), "{told}");
    assert!(told.contains("/etc/ha.d/web.cf:1:11: error: ") && told.contains("Unknown command"), "{told}");
    room.kill("HUP", "web.cf");
    room.wait("a word", || room.log().contains("the running configuration stays in force"));
    assert!(room.log().contains("reading file /etc/ha.d/web.cf at line 1: quiescent must be 'yes' or 'no'"));
    room.write("/run/down-10.0.0.1", "");
    room.wait_for("10.0.0.100:80: 10.0.0.2:80/1");
    // who asks or ends it need not understand the file
    assert_eq!(room.ldirectord(&["web.cf", "status"]).status.code(), Some(0));
    assert_eq!(room.ldirectord(&["web.cf", "stop"]).status.code(), Some(0));
    assert_eq!(room.rows(), "");
    assert_eq!(room.ldirectord(&["web.cf", "status"]).status.code(), Some(3));
}

#[test]
fn a_changed_file_is_read_again_where_that_is_wanted() {
    let room = Room::new(true);
    room.write("/etc/ha.d/called", "#!/bin/sh\necho \"$@\" >> /run/called\n");
    let text = format!("autoreload=yes\ncallback=\"/etc/ha.d/called\"\n{WEB}");
    room.write("/etc/ha.d/web.cf", &text);
    room.must(&["web.cf", "start"]);
    room.wait_for(BOTH);
    room.told();
    room.write("/etc/ha.d/web.cf", &text.replace("masq 5", "masq 7"));
    room.wait_for(&BOTH.replace("/5", "/7"));
    assert_eq!(room.told(), "-e -t 10.0.0.100:80 -x 0 -y 0 -r 10.0.0.1:80 -m -w 7\n");
    room.wait("the callback", || room.read("/run/called") == "/etc/ha.d/web.cf\n");
    room.write("/etc/ha.d/web.cf", &text.replace("autoreload=yes", "autoreload=no"));
    room.wait("the callback", || room.read("/run/called").lines().count() == 2);
    room.wait_for(BOTH);
    room.write("/etc/ha.d/web.cf", &text.replace("masq 5", "masq 9").replace("load=yes", "load=no"));
    room.wait("the callback", || room.read("/run/called").lines().count() == 3);
    assert!(room.log().contains(" - ignore new configuration"));
    assert_eq!(room.rows(), BOTH);
    room.must(&["web.cf", "reload"]);
    room.wait_for(&BOTH.replace("/5", "/9"));
}

/// An editor empties a file before it writes it, and may take its time.
#[test]
fn nobody_rereads_an_emptied_file_by_itself() {
    let room = Room::new(true);
    let text = format!("autoreload=yes\n{WEB}");
    room.write("/etc/ha.d/web.cf", &text);
    room.must(&["web.cf", "start"]);
    room.wait_for(BOTH);
    room.told();
    room.write("/etc/ha.d/web.cf", "");
    room.wait("a word", || room.log().contains("the running configuration stays in force"));
    room.write("/etc/ha.d/web.cf", &text.replace("masq 5", "masq 7"));
    room.wait_for(&BOTH.replace("/5", "/7"));
    assert_eq!(room.told(), "-e -t 10.0.0.100:80 -x 0 -y 0 -r 10.0.0.1:80 -m -w 7\n");
    assert_eq!(room.log().matches("stays in force").count(), 1, "{}", room.log());
    // an order is an order
    room.write("/etc/ha.d/web.cf", "autoreload=yes\n");
    room.must(&["web.cf", "reload"]);
    room.wait_for("");
    // and where nothing runs nothing can be lost
    room.write("/etc/ha.d/web.cf", &text);
    room.wait_for(BOTH);
}

#[test]
fn a_table_that_cannot_be_reached_is_told_and_tried_again() {
    let room = Room::new(true);
    room.write("/etc/ha.d/web.cf", WEB);
    room.write("/run/ipvsadm.broken", "");
    room.must(&["web.cf", "start"]);
    room.must(&["web.cf", "status"]);
    room.wait("a word", || room.log().contains("Can't initialize ipvs"));
    assert!(!room.log().contains("Added"), "no success is told");
    room.script("rm /run/ipvsadm.broken");
    room.wait_for(BOTH);
}

#[test]
fn a_foreground_daemon_has_no_pid_file() {
    let room = Room::new(true);
    room.write("/etc/ha.d/web.cf", &format!("supervised=yes\n{WEB}"));
    room.script(
        "LDIRECTORD_IPVS=ipvsadm /usr/sbin/ldirectord web.cf start > /run/said 2>&1 & echo $! > /run/own.pid",
    );
    room.wait_for(BOTH);
    assert!(room.is_over("web.cf"));
    assert!(room.read("/run/said").contains("] Starting Linux Director v1.186-ha with pid: "));
    assert!(
        room.read("/run/said").contains("] Added real server: 10.0.0.1:80 (10.0.0.100:80) (Weight set to 5)")
    );
    room.script("kill -TERM $(cat /run/own.pid)");
    room.wait("its last words", || room.read("/run/said").contains("terminated on signal: TERM"));
    room.wait_for("");
    // debugging: everything to stderr, and a program in the working directory in place of the real one
    room.write("/etc/ha.d/web.cf", WEB);
    room.script("cd /run && cp /usr/sbin/ipvsadm . && rm /usr/sbin/ipvsadm && { /usr/sbin/ldirectord -d web.cf start > /dev/null 2> /run/said & echo $! > /run/own.pid; }");
    room.wait("the table", || room.script("/run/ipvsadm -L -n").contains("10.0.0.1:80"));
    assert!(room.is_over("web.cf"));
    room.script("kill -TERM $(cat /run/own.pid)");
    room.wait("its last words", || room.read("/run/said").contains("terminated on signal: TERM"));
}

#[test]
fn a_configuration_can_be_checked() {
    let room = Room::new(true);
    room.write("/etc/ha.d/web.cf", WEB);
    let check = |file: &str| {
        let output = room.ldirectord(&["--check", file]);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let good = "/etc/ha.d/web.cf: good: 1 virtual services, 2 real servers, 0 warnings\n";
    assert_eq!(check("web.cf"), (Some(0), good.to_owned()));
    room.write(
        "/etc/ha.d/bad.cf",
        "logfile=\"/run/new.log\"\nquiescent=maybe\nvirtual=10.0.0.100:80\n\treal=10.0.0.1:80 fast\n",
    );
    let (code, told) = check("bad.cf");
    assert_eq!(code, Some(2));
    assert!(
        told.contains("/etc/ha.d/bad.cf:2:11: error: ") && told.contains("/etc/ha.d/bad.cf:4:"),
        "{told}"
    );
    assert!(told.contains("= allowed: ") && told.ends_with("bad.cf: 2 errors, 0 warnings\n"), "{told}");
    assert!(!room.has("/run/new.log"), "who only looks makes no file");
    assert_eq!(check("nothere.cf").0, Some(1));
}

/// Heartbeat believes what stands on standard output, whatever a file says in its mistakes.
#[test]
fn heartbeat_is_told_whether_it_runs_and_nothing_else() {
    let room = Room::new(true);
    room.write("/etc/ha.d/director", include_str!("../../resource.d/ldirectord"));
    let ask = || {
        let ask = "export LDIRECTORD_IPVS=ipvsadm; sh /etc/ha.d/director OK-running.cf status";
        let said = room.script(&format!("{ask} 2> /run/status.err || echo \" $?\""));
        (says_running(said.as_bytes()), said.split_whitespace().last().unwrap_or_default().to_owned())
    };
    let file = |extra: &str| room.write("/etc/ha.d/OK-running.cf", &format!("{extra}{WEB}"));
    let not = "maintenancedir=/nonexistent/not\n";
    for extra in ["", not, "receive=OK\n"] {
        file(extra);
        assert_eq!(ask(), (false, "3".to_owned()), "{extra}");
    }
    file(not);
    room.must(&["OK-running.cf", "start"]);
    for extra in [not, "receive=OK\n"] {
        file(extra);
        assert!(ask().0, "{extra}");
        assert!(!room.read("/run/status.err").is_empty(), "people are told");
    }
    room.kill("KILL", "OK-running.cf");
    room.wait("its end", || room.script("pgrep -x ldirectord || true").is_empty());
    assert_eq!(ask(), (false, "1".to_owned()), "a stale pid file");
}

/// Nobody does anything about a server that was never in the table; people are reminded of it.
#[test]
fn who_is_down_from_the_start_is_told_of_again() {
    let room = Room::new(true);
    // the other one is in the table long before
    let probe =
        "#!/bin/sh\n[ $3 = 10.0.0.1 ] && exit 0\nuntil [ -e /run/late ]; do sleep 0.1; done\nexit 1\n";
    room.write("/etc/ha.d/probe", probe);
    room.script("rm -f /usr/sbin/sendmail");
    room.write("/usr/sbin/sendmail", "#!/bin/sh\ncat >> /run/mails\n");
    let text = WEB.replace("checktimeout=5", "checktimeout=60");
    room.write("/etc/ha.d/web.cf", &format!("emailalert=root\nemailalertfreq=1\n{text}"));
    room.must(&["web.cf", "start"]);
    room.wait_for("10.0.0.100:80: 10.0.0.1:80/5");
    room.wait("its e-mail", || room.read("/run/mails").contains("Added real server: 10.0.0.1:80"));
    room.write("/run/late", "");
    room.wait("a reminder", || room.read("/run/mails").contains("Inaccessible real server: 10.0.0.2:80"));
}
