//! The same verbs in the same states, with ours and with the reference: exit codes and words.

use super::room::{Room, no_reference};
use super::{BOTH, WEB};

const VERBS: [&str; 7] = ["status", "stop", "reload", "force-reload", "try-restart", "start", "restart"];

#[test]
fn says_and_returns_what_the_reference_does() {
    if let Some(reason) = no_reference() {
        return crate::lab::cannot(reason);
    }
    let [reference, ours] = std::thread::scope(|scope| {
        [false, true].map(|ours| scope.spawn(move || course(&Room::new(ours)))).map(|t| t.join().unwrap())
    });
    // for whoever wonders: cargo test --test ldirectord -- --nocapture
    eprintln!("{}", reference.join("\n"));
    assert!(reference.len() > 50, "{}", reference.len());
    let other = reference.iter().zip(&ours).filter(|(reference, ours)| reference != ours);
    let other: Vec<String> =
        other.map(|(reference, ours)| format!("reference: {reference}\nours: {ours}")).collect();
    assert!(other.is_empty(), "{}", other.join("\n\n"));
    assert_eq!(reference.len(), ours.len());
}

#[test]
fn who_cannot_write_its_pid_says_so() {
    let room = Room::new(true);
    room.write("/etc/ha.d/web.cf", WEB);
    room.script("mkdir /run/ldirectord.web.cf.pid");
    let output = room.ldirectord(&["web.cf", "start"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.starts_with("Can not open /var/run/ldirectord.web.cf.pid: "), "{told}");
}

/// Nobody is down because the machine is busy.
fn web() -> String {
    WEB.replace("checktimeout=5", "checktimeout=60")
}

/// The same in either room; the answers without what differs between runs.
struct Course<'a> {
    room: &'a Room,
    answers: Vec<String>,
}

fn course(room: &Room) -> Vec<String> {
    let mut course = Course { room, answers: Vec::new() };
    course.nonsense();
    course.stopped();
    course.running();
    course.stale();
    course.children();
    course.answers
}

impl Course<'_> {
    fn ask(&mut self, state: &str, words: &[&str]) {
        let output = self.room.ldirectord(words);
        let text = |bytes: &[u8]| alike(&String::from_utf8_lossy(bytes));
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        // how it is to be used is told in words of our own
        let stdout = if stdout.starts_with("Usage:\n    ldirectord [-d|--debug]") {
            "usage".to_owned()
        } else {
            stdout
        };
        let line = format!(
            "{state}: {words:?}: exit {:?}\nstdout: {stdout}\nstderr: {stderr}",
            output.status.code()
        );
        self.answers.push(line);
    }

    fn see(&mut self, what: String) {
        self.answers.push(what);
    }

    /// The pid file and the table go, in whatever order.
    fn end(&self) {
        self.room.wait("the end", || self.room.is_over("web.cf") && self.room.rows().is_empty());
    }

    fn nonsense(&mut self) {
        for words in [
            &[][..],
            &["frob"],
            &["--foo", "start"],
            &["-x", "start"],
            &["--deb", "status"],
            &["a.cf", "frob"],
        ] {
            self.ask("nonsense", words);
        }
        for verb in VERBS {
            self.ask("no file", &["nothere.cf", verb]);
        }
        self.room.write("/etc/ha.d/bad.cf", "quiescent=maybe\nvirtual=10.0.0.100:80\n");
        self.room.write("/etc/ha.d/odd.cf", "checkcount=3\nnonsense=1\n");
        // stop and status work with a broken file: ours only (ldirectord.md 15, 1)
        for verb in ["start", "reload", "restart", "try-restart", "force-reload"] {
            self.ask("broken file", &["bad.cf", verb]);
        }
        self.ask("broken file", &["odd.cf", "start"]);
    }

    fn stopped(&mut self) {
        self.room.write("/etc/ha.d/ldirectord.cf", &web());
        self.room.write("/etc/ha.d/conf/web.cf", &web());
        for verb in ["status", "stop", "reload", "force-reload", "try-restart"] {
            self.ask("stopped", &[verb]);
            self.ask("stopped", &["web.cf", verb]);
            self.ask("stopped", &["conf/web.cf", verb]);
            self.ask("stopped", &["/etc/ha.d/conf/web.cf", verb, "and", "more"]);
        }
    }

    fn running(&mut self) {
        self.ask("stopped", &["web.cf", "start"]);
        self.room.wait_for(BOTH);
        self.see(self.room.table());
        // who is just about to run a check is called so, too
        self.see(self.room.script("ps -eo args | grep -o '/usr/sbin/ldirectord web.cf start$' | sort -u"));
        self.see(self.room.script("stat -c '%n %a' /run/ldirectord.web.cf.pid; cat /run/ldirectord.web.cf.pid | sed s/[0-9]/N/g | cut -c1; wc -l < /run/ldirectord.web.cf.pid"));
        for verb in ["status", "start", "reload", "force-reload", "status"] {
            self.ask("running", &["web.cf", verb]);
        }
        self.ask("another instance", &["status"]);
        self.room.write("/run/down-10.0.0.1", "");
        self.room.wait_for("10.0.0.100:80: 10.0.0.2:80/1");
        self.room.write("/run/down-10.0.0.2", "");
        self.room.wait_for("10.0.0.100:80: 127.0.0.1:80/1");
        self.room.script("rm /run/down-*");
        self.room.wait_for(BOTH);
        self.ask("running", &["web.cf", "try-restart"]);
        self.room.wait_for(BOTH);
        self.ask("restarted", &["web.cf", "restart"]);
        self.room.wait_for(BOTH);
        self.ask("restarted", &["web.cf", "status"]);
        self.ask("running", &["web.cf", "stop"]);
        self.end();
        self.ask("stopped", &["web.cf", "status"]);
        self.ask("stopped", &["web.cf", "restart"]);
        self.room.wait_for(BOTH);
        self.ask("running", &["web.cf", "stop"]);
        self.end();
    }

    fn stale(&mut self) {
        for (state, text) in [("empty pid file", ""), ("stale pid file", "999999\n"), ("odd pid file", "x\n")]
        {
            self.room.write("/run/ldirectord.web.cf.pid", text);
            for verb in ["status", "stop", "reload", "try-restart", "status"] {
                self.ask(state, &["web.cf", verb]);
            }
            self.see(format!("{:?}", self.room.read("/run/ldirectord.web.cf.pid")));
        }
        self.ask("stale pid file", &["web.cf", "start"]);
        self.room.wait_for(BOTH);
        self.ask("started", &["web.cf", "status"]);
        self.ask("started", &["web.cf", "stop"]);
        self.end();
    }

    /// An instance that ours is told to run.
    fn children(&mut self) {
        self.room.write("/etc/ha.d/first.cf", &format!("execute=second.cf\n{}", web()));
        self.room.write("/etc/ha.d/second.cf", &web().replace("10.0.0.100", "10.0.0.101"));
        self.ask("stopped", &["first.cf", "start"]);
        let both = format!("{BOTH} {}", BOTH.replace("0.100", "0.101"));
        self.room.wait_for(&both);
        self.room.wait("its pid", || !self.room.pid("second.cf").is_empty());
        self.ask("with a child", &["first.cf", "status"]);
        self.ask("with a child", &["first.cf", "stop"]);
        self.room.wait("the end", || self.room.is_over("first.cf") && self.room.is_over("second.cf"));
        self.room.wait_for("");
        self.ask("with a child", &["first.cf", "status"]);
    }
}

/// Numbers of processes differ; where a mistake stands is told by ours in more words, on lines of their own; perl has
/// something to say of an empty pid file.
fn alike(text: &str) -> String {
    let own =
        |line: &&str| line.starts_with("    /etc/ha.d/") || line.contains(" at /usr/sbin/ldirectord line ");
    let lines = text.lines().filter(|line| !own(line));
    let line = |line: &str| {
        let mut out = String::new();
        for c in line.chars() {
            let c = if c.is_ascii_digit() { 'N' } else { c };
            if !(c == 'N' && out.ends_with('N')) {
                out.push(c);
            }
        }
        out + "\n"
    };
    lines.map(line).collect()
}
