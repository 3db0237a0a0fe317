//! The standby that is warm: checks go on, the table is touched by who serves only.

use super::room::Room;
use super::{BOTH, WEB};

fn warm() -> Room {
    let room = Room::new(true);
    room.write("/etc/ha.d/web.cf", &format!("warmstandby=yes\n{WEB}"));
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
    room.write("/etc/ha.d/probe", "#!/bin/sh\nexec sleep 4\n");
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
