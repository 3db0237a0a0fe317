//! The standby that is warm: checks go on, the table is touched by who serves only.

use super::room::Room;
use super::{BOTH, WEB};

fn warm() -> Room {
    standing_by("yes")
}

fn standing_by(how: &str) -> Room {
    let room = Room::new(true);
    room.write("/etc/ha.d/web.cf", &format!("warmstandby={how}\n{WEB}"));
    // what was checked is written down
    room.write("/etc/ha.d/probe", "#!/bin/sh\necho $3 >> /run/checked\n[ ! -e \"/run/down-$3\" ]\n");
    room
}

fn checks(room: &Room) -> usize {
    room.read("/run/checked").lines().count()
}

fn status(room: &Room) -> (Option<i32>, String) {
    let output = room.ldirectord(&["web.cf", "status"]);
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn who_stands_by_serves_at_once_when_told() {
    let room = warm();
    let patient = WEB.replace("checktimeout=5", "checktimeout=300");
    room.write("/etc/ha.d/web.cf", &format!("warmstandby=yes\n{patient}"));
    room.write("/run/down-10.0.0.2", "");
    room.must(&["web.cf", "standby"]);
    room.wait("checks", || checks(&room) >= 4);
    let pid = room.pid("web.cf");
    let (code, told) = status(&room);
    // heartbeat takes these words for a resource that runs
    let words = ["running", "Running", "OK"];
    assert!(code == Some(3) && !words.iter().any(|word| told.contains(word)), "{told}");
    assert!(told.contains("ldirectord is stopped for /etc/ha.d/web.cf\n") && told.contains(&pid), "{told}");
    assert_eq!((room.told().as_str(), room.rows().as_str()), ("", ""));
    // no check comes to its end from here on
    room.write("/etc/ha.d/probe", "#!/bin/sh\nuntil [ -e /run/goes-on ]; do sleep 0.1; done\n");
    room.must(&["web.cf", "start"]);
    assert_eq!(room.rows(), "10.0.0.100:80: 10.0.0.1:80/5", "when start returns, from what is known");
    assert_eq!(room.pid("web.cf"), pid);
    assert_eq!(status(&room).0, Some(0));
}

#[test]
fn who_was_told_to_stop_goes_on_checking_until_the_end() {
    let room = warm();
    room.must(&["web.cf", "start"]);
    room.wait_for(BOTH);
    let pid = room.pid("web.cf");
    for _ in 0..2 {
        room.must(&["web.cf", "stop"]);
        assert_eq!((room.rows().as_str(), room.pid("web.cf")), ("", pid.clone()));
        assert_eq!(status(&room).0, Some(3));
    }
    let before = checks(&room);
    room.wait("checks", || checks(&room) > before + 2);
    room.must(&["web.cf", "reload"]);
    room.wait("the reload", || room.log().contains("Reloading"));
    let before = checks(&room);
    room.wait("checks", || checks(&room) > before + 2);
    assert_eq!(room.rows(), "", "a reload does not make it serve");
    room.must(&["web.cf", "restart"]);
    assert_ne!(room.pid("web.cf"), pid);
    assert_eq!((room.rows().as_str(), status(&room).0), ("", Some(3)), "nor does a restart");
    room.must(&["web.cf", "shutdown"]);
    assert!(room.is_over("web.cf") && !room.has("/run/ldirectord.web.cf.state"));
}

#[test]
fn a_start_that_comes_while_it_leaves_counts() {
    let room = warm();
    room.must(&["web.cf", "start"]);
    room.wait_for(BOTH);
    // the table cannot be touched: it goes on trying
    room.write("/run/ipvsadm.broken", "");
    room.kill("USR2", "web.cf");
    room.wait("a try", || room.log().contains("initialize ipvs"));
    room.must(&["web.cf", "start"]);
    room.script("rm /run/ipvsadm.broken");
    let before = checks(&room);
    room.wait("checks", || checks(&room) > before + 5);
    assert_eq!((room.rows().as_str(), status(&room).0), (BOTH, Some(0)));
}

/// It has not heard the first word when the second comes.
#[test]
fn the_last_word_counts() {
    let room = standing_by("loaded");
    room.must(&["web.cf", "standby"]);
    room.wait_for(BOTH);
    // what it does already is done when the verb returns
    for (first, last, code) in [("stop", "start", 0), ("start", "stop", 3)] {
        let pid = room.pid("web.cf");
        room.kill("STOP", "web.cf");
        room.must(&["web.cf", first]);
        std::thread::scope(|scope| {
            let told = scope.spawn(|| room.must(&["web.cf", last]));
            let both = || room.script(&format!("grep ShdPnd /proc/{pid}/status")).trim().ends_with("a00");
            room.wait("both words", both);
            room.kill("CONT", "web.cf");
            told.join().unwrap();
        });
        let before = checks(&room);
        room.wait("checks", || checks(&room) > before + 4);
        assert_eq!(status(&room).0, Some(code), "{first}, {last}: {}", room.log());
    }
}

#[test]
fn who_died_serving_serves_again() {
    let room = warm();
    room.must(&["web.cf", "start"]);
    room.wait_for(BOTH);
    room.kill("KILL", "web.cf");
    room.told();
    // whoever starts it at boot, or watches over it, says standby
    room.must(&["web.cf", "standby"]);
    room.write("/run/down-10.0.0.1", "");
    room.wait_for("10.0.0.100:80: 10.0.0.2:80/1");
    assert_eq!(room.told(), "-d -t 10.0.0.100:80 -r 10.0.0.1:80\n");
    // told to stop while it is dead, it does not
    room.kill("KILL", "web.cf");
    room.wait("its end", || status(&room).0 == Some(1));
    assert_eq!(room.rows(), "10.0.0.100:80: 10.0.0.2:80/1");
    room.write("/run/ipvsadm.broken", "");
    assert_eq!(room.ldirectord(&["web.cf", "stop"]).status.code(), Some(1), "it says so");
    room.script("rm /run/ipvsadm.broken");
    room.must(&["web.cf", "stop"]);
    assert_eq!(room.rows(), "", "and does not leave the table to nobody");
    room.must(&["web.cf", "standby"]);
    assert_eq!(status(&room).0, Some(3));
}

#[test]
fn who_was_told_to_end_does_not_serve_again() {
    let room = standing_by("loaded");
    room.must(&["web.cf", "start"]);
    room.wait_for(BOTH);
    room.refuse_deletion("");
    room.kill("TERM", "web.cf");
    room.wait("its end", || room.is_over("web.cf"));
    assert_eq!(room.rows(), BOTH, "it could not clear the table");
    room.must(&["web.cf", "standby"]);
    assert_eq!((status(&room).0, room.is_over("web.cf")), (Some(3), false));
}

#[test]
fn who_stands_by_loaded_has_the_table_all_the_time() {
    let room = standing_by("loaded");
    room.must(&["web.cf", "standby"]);
    assert_ne!(room.rows(), "", "the services are there when it returns");
    room.wait_for(BOTH);
    room.told();
    let pid = room.pid("web.cf");
    assert_eq!(status(&room).0, Some(3), "heartbeat is to start it");
    for (verb, code) in [("start", 0), ("stop", 3), ("start", 0), ("standby", 3), ("start", 0)] {
        room.must(&["web.cf", verb]);
        assert_eq!(status(&room).0, Some(code), "{verb}");
    }
    room.must(&["web.cf", "restart"]);
    assert_eq!(status(&room).0, Some(0));
    room.must(&["web.cf", "stop"]);
    room.must(&["web.cf", "restart"]);
    assert_eq!(status(&room).0, Some(3));
    assert_ne!(room.pid("web.cf"), pid);
    // its checks count
    room.write("/run/down-10.0.0.2", "");
    room.wait_for("10.0.0.100:80: 10.0.0.1:80/5");
    assert_eq!(room.told(), "-d -t 10.0.0.100:80 -r 10.0.0.2:80\n", "nothing else was ever touched");
    room.must(&["web.cf", "shutdown"]);
    assert_eq!((room.rows().as_str(), status(&room).0), ("", Some(3)));
    assert!(room.is_over("web.cf") && !room.has("/run/ldirectord.web.cf.state"));
}

#[test]
fn who_died_standing_by_loaded_stands_by_again() {
    let room = standing_by("loaded");
    room.must(&["web.cf", "standby"]);
    room.wait_for(BOTH);
    room.kill("KILL", "web.cf");
    room.wait("its end", || status(&room).0 == Some(1));
    room.told();
    room.must(&["web.cf", "standby"]);
    let before = checks(&room);
    room.wait("checks", || checks(&room) > before + 2);
    assert_eq!((room.told().as_str(), room.rows().as_str(), status(&room).0), ("", BOTH, Some(3)));
    // nobody keeps what it has left when it is told to stop while it is dead
    room.kill("KILL", "web.cf");
    room.wait("its end", || status(&room).0 == Some(1));
    room.must(&["web.cf", "stop"]);
    assert_eq!(room.rows(), "");
    // and none that comes back with another configuration
    room.must(&["web.cf", "standby"]);
    room.wait_for(BOTH);
    room.kill("KILL", "web.cf");
    room.wait("its end", || status(&room).0 == Some(1));
    room.write("/etc/ha.d/web.cf", &format!("warmstandby=yes\n{WEB}"));
    room.must(&["web.cf", "standby"]);
    assert_eq!(room.rows(), "", "when it returns");
}

#[test]
fn a_reload_changes_what_a_standby_does() {
    let room = standing_by("yes");
    room.must(&["web.cf", "standby"]);
    for (how, rows) in [("loaded", BOTH), ("no", ""), ("loaded", BOTH), ("yes", "")] {
        room.write("/etc/ha.d/web.cf", &format!("warmstandby={how}\n{WEB}"));
        room.must(&["web.cf", "reload"]);
        room.wait_for(rows);
        assert_eq!(status(&room).0, Some(3), "{how}");
    }
    room.write("/etc/ha.d/web.cf", WEB);
    room.must(&["web.cf", "reload"]);
    let warm = || room.read("/run/ldirectord.web.cf.state").contains("warm");
    room.wait("the reload", || !warm());
    room.must(&["web.cf", "stop"]);
    assert!(room.is_over("web.cf"), "stop is the end now");
}

#[test]
fn a_standby_that_is_loaded_is_told_of_by_a_check() {
    let room = standing_by("loaded");
    let check = || {
        let output = room.ldirectord(&["--check", "web.cf"]);
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, told) = check();
    assert!(code == Some(0) && told.contains("warmstandby=loaded: "), "{told}");
    // a director that is a real server, too
    let text =
        format!("warmstandby=loaded\n{WEB}").replace("real=10.0.0.1:80 masq", "real=127.0.0.1:80 gate");
    room.write("/etc/ha.d/web.cf", &text);
    let (code, told) = check();
    assert!(code == Some(0) && told.contains("web.cf:4:1: warning: "), "{told}");
    room.write("/etc/ha.d/web.cf", &format!("warmstandby=maybe\n{WEB}"));
    let (code, told) = check();
    assert!(code == Some(2) && told.contains("web.cf:1:13: error: ") && told.contains("loaded"), "{told}");
}

/// What the unit runs when it is started.
fn unit_starts(room: &Room) {
    let unit = include_str!("../../packaging/systemd/ldirectord-standby@.service").replace("%i", "web.cf");
    assert!(
        !unit.contains("\nExecCondition="),
        "an old systemd would leave it out, and make who serves stand by"
    );
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    room.script(&format!("export LDIRECTORD_IPVS=ipvsadm; {line}"));
}

#[test]
fn a_unit_has_it_stand_by_and_disturbs_nobody_who_serves() {
    let room = standing_by("loaded");
    unit_starts(&room);
    room.wait_for(BOTH);
    unit_starts(&room);
    assert_eq!(status(&room).0, Some(3), "again, after a stop by heartbeat");
    room.must(&["web.cf", "start"]);
    unit_starts(&room);
    assert_eq!(status(&room).0, Some(0));
    // a crash, and a restart
    for signal in ["KILL", "ALRM"] {
        room.told();
        room.kill(signal, "web.cf");
        room.wait("its end", || status(&room).0 != Some(0));
        unit_starts(&room);
        assert_eq!((status(&room).0, room.told().as_str()), (Some(0), ""), "{signal}");
    }
}

#[test]
fn so_does_the_init_script_where_it_is_told_so() {
    let room = standing_by("loaded");
    room.script("mkdir -p /etc/default");
    room.write("/etc/default/ldirectord", "CONFIG_FILE=/etc/ha.d/web.cf\nSTANDBY=yes\n");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/init.d/ldirectord");
    let init = |verb: &str| room.script(&format!("LDIRECTORD_IPVS=ipvsadm {script} {verb}"));
    init("start");
    room.wait_for(BOTH);
    assert_eq!(status(&room).0, Some(3));
    room.must(&["web.cf", "start"]);
    init("start");
    assert_eq!(status(&room).0, Some(0), "who serves goes on");
    let pid = room.pid("web.cf");
    init("restart");
    assert_ne!(room.pid("web.cf"), pid);
    assert_eq!(status(&room).0, Some(0), "a restart changes nothing");
    init("stop");
    assert!(room.is_over("web.cf") && room.rows().is_empty());
    init("restart");
    assert_eq!(status(&room).0, Some(3), "nor does one of who did not run");
    assert_eq!((room.is_over("web.cf"), room.rows().is_empty()), (false, false));
}

#[test]
fn a_restart_of_who_died_standing_by_has_it_stand_by() {
    let room = standing_by("loaded");
    room.must(&["web.cf", "standby"]);
    room.kill("KILL", "web.cf");
    room.wait("its end", || status(&room).0 == Some(1));
    room.must(&["web.cf", "restart"]);
    assert_eq!((status(&room).0, room.is_over("web.cf")), (Some(3), false));
}

#[test]
fn who_stands_by_loaded_is_silent_and_who_serves_reminds() {
    let room = standing_by("loaded");
    room.write("/usr/sbin/sendmail", "#!/bin/sh\ncat >> /run/mails\n");
    room.write("/etc/ha.d/fallback", "#!/bin/sh\necho $1 >> /run/fallbacks\n");
    let more = "emailalert=root\nemailalertfreq=1\nfallbackcommand=/etc/ha.d/fallback\n";
    room.write("/etc/ha.d/web.cf", &format!("warmstandby=loaded\n{more}{WEB}"));
    room.write("/run/down-10.0.0.2", "");
    room.must(&["web.cf", "standby"]);
    room.wait_for("10.0.0.100:80: 10.0.0.1:80/5");
    room.write("/run/down-10.0.0.1", "");
    room.wait_for("10.0.0.100:80: 127.0.0.1:80/1");
    let before = checks(&room);
    room.wait("checks", || checks(&room) > before + 4);
    assert!(!room.has("/run/mails") && !room.has("/run/fallbacks"));
    // the take-over changes nothing in the table: of who is down people are told all the same
    room.must(&["web.cf", "start"]);
    room.wait("the command", || room.read("/run/fallbacks") == "start\n");
    room.wait("e-mails", || {
        ["10.0.0.1:80", "10.0.0.2:80"].iter().all(|at| room.read("/run/mails").contains(at))
    });
}

/// Who dies between the change of the table and the answer leaves nothing that a stop does not find.
#[test]
fn what_is_in_the_table_is_written_down_before() {
    // a start and a reload
    for (signal, how) in [("USR1", "yes"), ("HUP", "loaded")] {
        let room = warm();
        room.must(&["web.cf", "standby"]);
        // a service is there for long before the answer comes
        room.replace_ipvsadm(
            "/usr/sbin/ipvsadm.real \"$@\"; code=$?\n\
            case $1 in -A) until [ -e /run/goes-on ]; do sleep 0.1; done ;; esac\nexit $code\n",
        );
        room.write("/etc/ha.d/web.cf", &format!("warmstandby={how}\n{WEB}"));
        room.kill(signal, "web.cf");
        room.wait("the service", || room.rows().contains("10.0.0.100:80:"));
        room.kill("KILL", "web.cf");
        room.write("/run/goes-on", "");
        room.wait("its end", || status(&room).0 == Some(1));
        room.must(&["web.cf", "stop"]);
        assert_eq!(room.rows(), "", "{signal}");
    }
}
