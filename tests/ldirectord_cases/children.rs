//! Instances of other configurations, run by `execute`: they follow the one that names them.

use std::thread;
use std::time::Duration;

use super::WEB;
use super::room::Room;

/// A first instance, with these global directives, and a second one.
fn family(first: &str, second: &str) -> Room {
    let room = Room::new(true);
    room.write("/etc/ha.d/first.cf", &format!("{first}execute=second.cf\n{WEB}"));
    let other = WEB.replace("10.0.0.100", "10.0.0.101");
    room.write("/etc/ha.d/second.cf", &format!("{second}{other}"));
    room
}

fn status(room: &Room, instance: &str) -> Option<i32> {
    room.ldirectord(&[instance, "status"]).status.code()
}

fn both_serve(room: &Room) {
    room.must(&["first.cf", "start"]);
    serve(room);
}

fn serve(room: &Room) {
    room.wait("both", || {
        room.rows().contains("100:80: 10.0.0.1:80/5") && room.rows().contains("101:80: 10.0.0.1:80/5")
    });
}

/// The second does not do as it is told, for a while.
fn stop_waits(room: &Room, code_before: Option<i32>) {
    room.kill("STOP", "second.cf");
    thread::scope(|scope| {
        let stop = scope.spawn(|| room.must(&["first.cf", "stop"]));
        room.wait("the second is told", || {
            room.log().contains("second.cf stop") || room.log().contains("second.cf shutdown")
        });
        room.wait("the first has left", || !room.rows().contains("10.0.0.100:80:"));
        // long enough for a stop that does not wait
        thread::sleep(Duration::from_millis(500));
        let early = stop.is_finished();
        let said = status(room, "first.cf");
        room.kill("CONT", "second.cf");
        stop.join().unwrap();
        assert!(!early, "stop has returned, and the second serves: {}", room.log());
        assert_eq!(said, code_before);
    });
    assert_eq!(room.rows(), "", "nothing is left when stop returns");
}

#[test]
fn stop_waits_for_the_end_of_all() {
    let room = family("", "");
    both_serve(&room);
    stop_waits(&room, Some(0));
    assert!(room.is_over("first.cf") && room.is_over("second.cf"));
}

#[test]
fn nobody_stands_by_before_all_do() {
    let room = family("warmstandby=yes\n", "warmstandby=yes\n");
    both_serve(&room);
    stop_waits(&room, Some(0));
    assert_eq!([status(&room, "first.cf"), status(&room, "second.cf")], [Some(3); 2]);
    both_serve(&room);
    room.must(&["first.cf", "stop"]);
    // who ends takes along who stands by
    room.must(&["first.cf", "shutdown"]);
    assert!(room.is_over("first.cf") && room.is_over("second.cf"), "{}", room.log());
}

#[test]
fn all_stand_by_together() {
    let room = family("warmstandby=loaded\n", "warmstandby=loaded\n");
    room.must(&["first.cf", "standby"]);
    room.wait("both", || room.rows().matches("10.0.0.1:80/5").count() == 2);
    assert_eq!([status(&room, "first.cf"), status(&room, "second.cf")], [Some(3); 2]);
    room.told();
    let pids = ["first.cf", "second.cf"].map(|name| room.pid(name));
    both_serve(&room);
    room.wait("both serve", || status(&room, "second.cf") == Some(0));
    room.must(&["first.cf", "stop"]);
    assert_eq!(status(&room, "second.cf"), Some(3), "when stop returns");
    assert_eq!((room.told().as_str(), ["first.cf", "second.cf"].map(|name| room.pid(name))), ("", pids));
    // a new list counts for who stands by, too
    room.write("/etc/ha.d/first.cf", &format!("warmstandby=loaded\n{WEB}"));
    room.must(&["first.cf", "reload"]);
    room.wait("the end of the second", || room.is_over("second.cf"));
    room.write("/etc/ha.d/first.cf", &format!("warmstandby=loaded\nexecute=second.cf\n{WEB}"));
    room.must(&["first.cf", "reload"]);
    room.wait("the second", || !room.is_over("second.cf") && status(&room, "second.cf") == Some(3));
    room.must(&["first.cf", "shutdown"]);
    assert!(room.is_over("second.cf") && room.rows().is_empty());
}

/// A new configuration has the children do what they are there for: not for who ends.
#[test]
fn a_reload_at_the_end_starts_nobody_again() {
    let room = family("", "");
    both_serve(&room);
    // the end takes its time
    room.write("/run/ipvsadm.slow", "");
    let pid = room.pid("first.cf");
    room.script(&format!("kill -STOP {pid}; kill -HUP {pid}; kill -TERM {pid}; kill -CONT {pid}"));
    room.wait("the end", || room.is_over("first.cf"));
    assert!(room.log().contains("Reloading"), "{}", room.log());
    assert_eq!((room.rows().as_str(), room.is_over("second.cf")), ("", true), "{}", room.log());
}

/// All that may take its time does: the kernel, and a child.
#[test]
fn a_stop_that_waits_for_a_child_still_says_what_is_left() {
    let room = family("", "");
    both_serve(&room);
    room.refuse_deletion("10.0.0.100:80");
    room.kill("STOP", "second.cf");
    let code = room.ldirectord(&["first.cf", "stop"]).status.code();
    let rows = room.rows();
    room.kill("KILL", "second.cf");
    assert_eq!((code, rows.contains("10.0.0.100:80:")), (Some(1), true), "{rows}");
}

#[test]
fn a_start_during_the_end_comes_after_it() {
    let room = family("", "");
    both_serve(&room);
    let pid = room.pid("first.cf");
    room.kill("STOP", "second.cf");
    thread::scope(|scope| {
        let stop = scope.spawn(|| room.ldirectord(&["first.cf", "stop"]));
        room.wait("the first has left", || !room.rows().contains("10.0.0.100:80:"));
        let start = scope.spawn(|| room.must(&["first.cf", "start"]));
        room.wait("the start", || room.log().matches("first.cf start").count() == 2);
        room.kill("CONT", "second.cf");
        stop.join().unwrap();
        start.join().unwrap();
    });
    assert_eq!(status(&room, "first.cf"), Some(0), "{}", room.log());
    assert_ne!(room.pid("first.cf"), pid);
    room.wait("both", || room.rows().matches("10.0.0.1:80/5").count() == 2);
}

#[test]
fn who_names_himself_is_told_so_and_waits_for_nobody() {
    for name in ["web.cf", "\"web.cf\""] {
        let room = Room::new(true);
        room.write("/etc/ha.d/web.cf", &format!("warmstandby=yes\nexecute={name}\n{WEB}"));
        let told = room.ldirectord(&["web.cf", "start"]);
        let told = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(told.contains("/etc/ha.d/web.cf:2:1: warning: "), "{told}");
        room.wait("a server", || room.rows().contains("10.0.0.1:80/5"));
        for verb in ["stop", "start", "shutdown"] {
            room.must(&["web.cf", verb]);
        }
        let log = room.log();
        assert_eq!(log.matches("Invoking ldirectord").count(), 4, "{log}");
    }
}

#[test]
fn two_that_name_each_other_do_not_wait_for_each_other() {
    let room = family("warmstandby=yes\n", "warmstandby=yes\nexecute=\"first.cf\"\n");
    both_serve(&room);
    room.must(&["first.cf", "status"]);
    room.must(&["first.cf", "stop"]);
    assert_eq!([status(&room, "first.cf"), status(&room, "second.cf")], [Some(3); 2]);
    room.must(&["first.cf", "shutdown"]);
    assert!(room.is_over("first.cf") && room.is_over("second.cf"));
    assert!(!room.log().contains("not waited for"), "{}", room.log());
}

/// Neither knows that the other one executes it.
#[test]
fn two_that_name_each_other_and_were_started_each_by_itself_do_not_wait_either() {
    for warm in ["", "warmstandby=yes\n"] {
        let room = family(warm, &format!("{warm}execute=first.cf\n"));
        both_serve(&room);
        room.must(&["second.cf", "restart"]);
        // who restarts ends the other, and has it started
        room.wait("the first", || status(&room, "first.cf") == Some(0));
        serve(&room);
        for (number, name) in ["first.cf", "second.cf"].into_iter().enumerate() {
            room.must(&[name, "reload"]);
            room.wait("a word", || room.log().matches("is not told to reload").count() > number);
            assert_eq!(room.log().matches("Reloading Linux Director").count(), number + 1, "{}", room.log());
        }
        room.must(&["first.cf", "stop"]);
        let stands_by = Some(3);
        assert_eq!(status(&room, "first.cf"), stands_by, "{}", room.log());
        // it waits for the first, which therefore does not wait for its end
        room.wait("the second stands by", || status(&room, "second.cf") == stands_by);
        room.must(&["first.cf", "shutdown"]);
        assert!(room.is_over("first.cf") && room.is_over("second.cf"), "{}", room.log());
        assert!(!room.log().contains("not waited for"), "{}", room.log());
    }
}

/// Who is told to leave the table to the next one is not the one who serves from then on.
#[test]
fn a_start_during_an_end_that_leaves_the_table_comes_after_it() {
    let room = family("", "");
    // its start takes as long as is wanted, and who executes it waits
    room.hold("-A 10.0.0.101:80");
    room.must(&["first.cf", "start"]);
    room.wait("the second", || room.log().contains("second.cf start"));
    let pid = room.pid("first.cf");
    room.kill("ALRM", "first.cf");
    room.wait("its last words", || room.log().contains("ends for a restart: its table stays"));
    thread::scope(|scope| {
        let start = scope.spawn(|| room.must(&["first.cf", "start"]));
        room.wait("the start", || room.log().matches("first.cf start").count() == 2);
        room.script("rm /run/hold");
        start.join().unwrap();
    });
    room.wait("the end of the old one", || {
        room.script(&format!("kill -0 {pid} 2>&1 || echo gone")).contains("gone")
    });
    assert_eq!(status(&room, "first.cf"), Some(0), "{}", room.log());
}
