//! The reference's recorded runs, event by event as their `events.md` tells.

use std::env;

use nix::sys::signal::Signal;

use crate::director::farm::Mode;
use crate::director::room::{CONFIG, LOG};
use crate::director::{Program, beside_each_other};
use crate::lab::{Failure, bail};
use crate::play::Play;

type Script = fn(&mut Play) -> Result<(), Failure>;
type Recording = (&'static str, &'static [&'static str], Script);

const ALL: [Recording; 12] = [
    ("01", &["172.16.103.3", "172.16.103.4"], tutorial_a),
    ("02", &["192.168.200.102", "192.168.200.103"], tutorial_b),
    ("03", &["192.168.1.2", "192.168.1.3", "192.168.1.4"], tutorial_c),
    ("04", &["10.1.0.1", "10.1.0.2"], quiescent),
    ("05", &["10.2.0.1", "10.2.0.2", "10.2.0.3"], autoreload),
    ("06", &["10.3.0.1", "10.3.0.2"], broken_file),
    ("07", &["10.4.0.1", "10.4.0.2", "10.4.0.3", "10.4.0.4"], existing_table),
    ("08", &["10.5.0.1", "10.5.0.2", "10.5.0.3", "10.5.0.9", "10.5.0.10", "10.5.0.11"], ports_and_marks),
    ("09", &["10.6.0.1", "10.6.0.2", "10.6.0.3"], check_types),
    ("10", &["10.7.0.1", "10.7.0.2"], maintenance),
    ("11", &["10.8.0.1", "10.8.0.2"], fork),
    ("12", &["2001:db8:0:1::4", "2001:db8:0:1::6"], ipv6),
];

/// In CI the reference plays only this one, which shows that the others can be believed: it takes the guest a second
/// of its one processor to start it, and a tenth for each `ipvsadm` that it runs.
const CANARY: &str = "01";
/// So many are played beside each other: they mostly wait, but the reference does so the less.
const BESIDE: [(Program, usize); 2] = [(Program::Ours, 12), (Program::Reference, 3)];

/// All of them, each in a room of its own.
pub(crate) fn all() {
    let only = env::var("DIRECTOR_ONLY").ok();
    let chosen = |number: &str| only.as_ref().is_none_or(|only| only.contains(number));
    let whose = env::var("DIRECTOR_PROGRAMS").unwrap_or_default();
    let mut failures: Vec<Failure> = Vec::new();
    for (program, beside) in
        BESIDE.into_iter().filter(|(program, _)| whose.is_empty() || whose == program.to_string())
    {
        let canary = program == Program::Reference && whose.is_empty() && only.is_none();
        let wanted = ALL.iter().filter(|(n, ..)| chosen(n) && (!canary || *n == CANARY));
        failures.extend(beside_each_other(&wanted.collect::<Vec<_>>(), beside, |recording| {
            run(program, recording)
        }));
    }
    failures.iter().for_each(|failure| eprintln!("FAILED: {failure}"));
    assert!(failures.is_empty(), "{} went wrong", failures.len());
}

fn run(program: Program, (number, servers, script): &Recording) -> Result<(), Failure> {
    let mut play = Play::new(number, program, servers)?;
    script(&mut play)?;
    println!("{number}, {program}: as recorded");
    Ok(())
}

fn tutorial_a(play: &mut Play) -> Result<(), Failure> {
    let (one, two) = ("172.16.103.3:80", "172.16.103.4:80");
    play.up(one, "OK")?;
    play.up(two, "OK")?;
    play.room.start()?;
    play.same(1)?;
    play.fails(one)?;
    play.same(2)?;
    play.up(two, "well")?;
    play.same(3)?;
    play.up(one, "OK")?;
    play.same(4)?;
    play.up(two, "OK")?;
    play.same(5)?;
    play.room.director("reload")?;
    play.same(6)?;
    play.room.stop()?;
    play.same(7)
}

fn tutorial_b(play: &mut Play) -> Result<(), Failure> {
    let (one, two, page) = ("192.168.200.102:80", "192.168.200.103:80", "webserverisworking");
    play.set(one, Mode::page(503, ""))?;
    play.set(two, Mode::Refuse)?;
    play.room.start()?;
    play.same(1)?;
    play.up(one, page)?;
    play.same(2)?;
    play.up(two, page)?;
    play.same(3)?;
    play.set(one, Mode::Close)?;
    play.same(4)?;
    play.up(one, page)?;
    play.same(5)?;
    play.room.stop()?;
    play.same(6)
}

fn tutorial_c(play: &mut Play) -> Result<(), Failure> {
    let [two, three, four] = ["192.168.1.2:80", "192.168.1.3:80", "192.168.1.4:80"];
    play.room.append("/etc/hosts", "192.168.1.10 vip\n")?;
    for at in [two, three, four] {
        play.up(at, "<html>It works</html>")?;
    }
    play.room.start()?;
    play.same(1)?;
    play.up(three, "it says HTTP/1.1 200 OK")?;
    play.same(2)?;
    play.up(two, "it says HTTP/1x1 200 OK")?;
    play.same(3)?;
    play.set(three, Mode::page(404, ""))?;
    play.same(4)?;
    play.room.stop()?;
    play.same(5)
}

fn quiescent(play: &mut Play) -> Result<(), Failure> {
    let (one, two) = ("10.1.0.1:80", "10.1.0.2:80");
    play.up(one, "")?;
    play.up(two, "")?;
    play.room.start()?;
    play.same(1)?;
    play.set(one, Mode::Once { status: 500, then: Box::new(Mode::page(200, "")) })?;
    play.same(2)?;
    play.fails(one)?;
    play.same(3)?;
    play.fails(two)?;
    play.same(4)?;
    play.up(two, "")?;
    play.same(5)?;
    play.room.ipvsadm("-d -t 10.1.0.100:80 -r 10.1.0.1:80")?;
    play.same(6)?;
    play.up(one, "")?;
    play.same(7)?;
    play.room.stop()?;
    play.same(8)
}

const SECOND_VIRTUAL: &str = "virtual=10.2.0.101:80
        real=10.2.0.1:80 gate 4
        real=10.2.0.2:80 gate
        service=http
        receive=\"OK\"
";

fn autoreload(play: &mut Play) -> Result<(), Failure> {
    for at in ["10.2.0.1:80", "10.2.0.2:80", "10.2.0.3:80"] {
        play.up(at, "OK")?;
    }
    play.room.start()?;
    play.same(1)?;
    play.edit("real=10.2.0.1:80 gate\n", "real=10.2.0.1:80 gate 4\n")?;
    play.same(2)?;
    play.edit("        service=http\n", "        real=10.2.0.3:80 gate\n        service=http\n")?;
    play.same(3)?;
    play.edit("        real=10.2.0.2:80 gate\n", "")?;
    play.same(4)?;
    play.edit("        scheduler=rr\n", "        scheduler=wlc\n        persistent=60\n")?;
    play.same(5)?;
    play.edit("real=10.2.0.3:80 gate\n", "real=10.2.0.3:80 ipip\n")?;
    play.same(6)?;
    play.append(SECOND_VIRTUAL)?;
    play.same(7)?;
    play.fails("10.2.0.1:80")?;
    play.same(8)?;
    play.append("# comment\n")?;
    play.same(9)?;
    play.up("10.2.0.1:80", "OK")?;
    play.same(10)?;
    without_first_virtual(play)?;
    play.same(11)?;
    // the same words, written a second later
    play.save()?;
    play.same(12)?;
    play.room.stop()?;
    play.same(13)
}

fn without_first_virtual(play: &mut Play) -> Result<(), Failure> {
    let text = play.room.read(CONFIG);
    let Some((from, to)) = text.find("virtual=").zip(text.rfind("virtual=")) else {
        bail!("no virtual service")
    };
    let first = text.get(from..to).unwrap_or_default().to_owned();
    play.edit(&first, "")
}

fn broken_file(play: &mut Play) -> Result<(), Failure> {
    let (one, two) = ("10.3.0.1:80", "10.3.0.2:80");
    play.room.write(
        "/etc/ha.d/cb.sh",
        &format!("#!/bin/sh\necho \"callback called with: $*\" >>{LOG}\n"),
        0o755,
    )?;
    play.up(one, "OK")?;
    play.up(two, "OK")?;
    play.room.start()?;
    play.same(1)?;
    play.edit("real=10.3.0.1:80 gate\n", "real=10.3.0.1:80 gate 9\n")?;
    play.same(2)?;
    play.room.signal(Signal::SIGHUP)?;
    play.same(3)?;
    play.append("quiescent=maybe\n")?;
    play.room.signal(Signal::SIGHUP)?;
    play.same(4)?;
    play.fails(one)?;
    play.same(5)?;
    play.up(one, "OK")?;
    play.same(6)?;
    play.edit("quiescent=maybe\n", "")?;
    play.edit("checkinterval", "quiescent=maybe\ncheckinterval")?;
    play.room.signal(Signal::SIGHUP)?;
    play.same(7)?;
    play.fails(two)?;
    play.mended(8, 9)?;
    play.edit("quiescent=maybe\n", "")?;
    play.room.signal(Signal::SIGHUP)?;
    play.same(9)?;
    play.room.remove(CONFIG)?;
    play.same(10)?;
    play.save()?;
    play.same(11)?;
    play.room.signal(Signal::SIGTERM)?;
    play.room.ended()?;
    play.same(12)?;
    let log = play.room.read(LOG);
    if !log.contains(&format!("callback called with: {CONFIG}\n")) {
        bail!("the callback was not called:\n{log}");
    }
    Ok(())
}

const BY_HAND: [&str; 8] = [
    "-A -t 10.4.0.100:80 -s wlc",
    "-a -t 10.4.0.100:80 -r 10.4.0.1:80 -g -w 1",
    "-a -t 10.4.0.100:80 -r 10.4.0.2:80 -g -w 1",
    "-a -t 10.4.0.100:80 -r 10.4.0.3:80 -g -w 0",
    "-a -t 10.4.0.100:80 -r 10.4.0.9:80 -g -w 1",
    "-a -t 10.4.0.100:80 -r 127.0.0.1:80 -g -w 1",
    "-A -t 10.4.0.200:80 -s rr",
    "-a -t 10.4.0.200:80 -r 10.4.0.1:80 -g -w 1",
];

fn existing_table(play: &mut Play) -> Result<(), Failure> {
    for words in BY_HAND {
        play.room.ipvsadm(words)?;
    }
    for at in ["10.4.0.1:80", "10.4.0.2:80", "10.4.0.3:80"] {
        play.up(at, "OK")?;
    }
    play.room.start()?;
    play.same(1)?;
    play.room.stop()?;
    play.same(2)?;
    play.set("10.4.0.1:80", Mode::Refuse)?;
    play.room.start()?;
    play.same(3)?;
    play.room.ipvsadm("-D -t 10.4.0.100:80")?;
    // ours reads the table back and corrects it
    play.mended(4, 3)?;
    play.up("10.4.0.1:80", "OK")?;
    play.mended(5, 6)?;
    play.room.director("reload")?;
    play.same(6)
}

fn ports_and_marks(play: &mut Play) -> Result<(), Failure> {
    let marked = ["10.5.0.9:81", "10.5.0.10:81", "10.5.0.11:81"];
    for at in ["10.5.0.1:8080", "10.5.0.2:8080"].iter().chain(&marked) {
        play.up(at, "OK")?;
    }
    play.up("10.5.0.3:8080", "special")?;
    play.room.start()?;
    play.same(1)?;
    play.room.director("reload")?;
    play.same(2)?;
    play.fails("10.5.0.2:8080")?;
    play.same(3)?;
    play.fails(marked[1])?;
    play.same(4)?;
    play.fails(marked[0])?;
    play.fails(marked[2])?;
    play.same(5)?;
    play.up(marked[0], "OK")?;
    play.same(6)?;
    play.up("10.5.0.2:8080", "OK")?;
    play.same(7)?;
    play.room.stop()?;
    play.same(8)
}

const EXTERNAL: &str = "#!/bin/sh\ntest -e \"/etc/ha.d/ext-ok-$3\"\n";
const EXTERNAL_PERL: &str = "exit 3 unless @ARGV == 4;\nexit(-e \"/etc/ha.d/ext-ok-$ARGV[2]\" ? 0 : 1);\n";

fn check_types(play: &mut Play) -> Result<(), Failure> {
    play.room.write("/etc/ha.d/ext.sh", EXTERNAL, 0o755)?;
    play.room.write("/etc/ha.d/ext.pl", EXTERNAL_PERL, 0o755)?;
    play.room.write("/etc/ha.d/ext-ok-10.6.0.1", "", 0o644)?;
    play.up("10.6.0.1:80", "")?;
    play.up("10.6.0.2:80", "")?;
    play.room.start()?;
    play.same(1)?;
    play.room.write("/etc/ha.d/ext-ok-10.6.0.2", "", 0o644)?;
    play.room.remove("/etc/ha.d/ext-ok-10.6.0.1")?;
    play.same(2)?;
    play.fails("10.6.0.2:80")?;
    play.same(3)?;
    play.room.stop()?;
    play.same(4)
}

fn maintenance(play: &mut Play) -> Result<(), Failure> {
    let (one, two) = ("10.7.0.1:80", "10.7.0.2:80");
    play.room.append("/etc/hosts", "10.7.0.2 rs2.example.com\n")?;
    play.room.must(&["mkdir", "/etc/ha.d/maint"])?;
    play.room.write(
        "/etc/ha.d/fb.sh",
        &format!("#!/bin/sh\necho \"fallback command: $*\" >>{LOG}\n"),
        0o755,
    )?;
    play.set("127.0.0.1:25", Mode::Mail)?;
    play.up(one, "OK")?;
    play.up(two, "OK")?;
    play.room.start()?;
    play.same(1)?;
    play.room.write("/etc/ha.d/maint/10.7.0.1:80", "", 0o644)?;
    play.same(2)?;
    play.room.write("/etc/ha.d/maint/rs2", "", 0o644)?;
    play.same(3)?;
    play.room.ipvsadm("-d -t 10.7.0.100:80 -r 10.7.0.2:80")?;
    play.same(4)?;
    play.room.remove("/etc/ha.d/maint/10.7.0.1:80")?;
    play.room.remove("/etc/ha.d/maint/rs2")?;
    play.same(5)?;
    play.set(one, Mode::page(404, ""))?;
    play.same(6)?;
    play.up(one, "not what is wanted")?;
    play.same(7)?;
    play.room.stop()?;
    play.same(8)?;
    told(play)
}

/// By e-mail, and by the fallback command.
fn told(play: &Play) -> Result<(), Failure> {
    let mails = play.room.farm.mails("127.0.0.1:25".parse().unwrap());
    let log = play.room.read(LOG);
    // how often somebody is reminded depends on how fast the guest is
    let (reminders, events): (Vec<&str>, Vec<&str>) =
        mails.iter().map(String::as_str).partition(|mail| mail.starts_with("[Web Site] Inaccessible "));
    let recorded = [
        "[Web Site] Purged real server (stop): 10.7.0.2:80 (10.7.0.100:80)",
        "[Web Site] Quiescent real server: 10.7.0.1:80 (10.7.0.100:80) (Weight set to 0)",
        "[Web Site] Quiescent real server: 10.7.0.1:80 (10.7.0.100:80) (Weight set to 0)",
        "[Web Site] Quiescent real server: 10.7.0.2:80 (10.7.0.100:80) (Weight set to 0)",
        "[Web Site] Quiescent real server: 10.7.0.2:80 (10.7.0.100:80) (Weight set to 0)",
        "[Web Site] Restored real server: 10.7.0.1:80 (10.7.0.100:80) (Weight set to 1)",
        "[Web Site] Restored real server: 10.7.0.2:80 (10.7.0.100:80) (Weight set to 1)",
    ];
    let reminder = "[Web Site] Inaccessible real server: 10.7.0.1:80 (10.7.0.100:80)";
    if events != recorded || !reminders.contains(&reminder) {
        bail!("these are not the recorded mails: {mails:#?}\n{log}");
    }
    for verb in ["start", "stop"] {
        if !log.contains(&format!("fallback command: {verb} 10.7.0.100:80 tcp\n")) {
            bail!("the fallback command was not run with {verb}:\n{log}");
        }
    }
    Ok(())
}

fn fork(play: &mut Play) -> Result<(), Failure> {
    let (one, two) = ("10.8.0.1:80", "10.8.0.2:80");
    play.up(one, "OK")?;
    play.up(two, "OK")?;
    play.room.start()?;
    play.same(1)?;
    play.fails(two)?;
    play.same(2)?;
    let killed = play.room.kill_one("ldirectord tcp:10.8.0.100:80");
    if play.program() == Program::Reference && !killed {
        bail!("no child was found");
    }
    play.same(3)?;
    play.up(two, "OK")?;
    play.same(4)?;
    play.room.director("reload")?;
    play.same(5)?;
    play.fails(one)?;
    play.same(6)?;
    play.room.stop()?;
    play.same(7)
}

fn ipv6(play: &mut Play) -> Result<(), Failure> {
    let (four, six) = ("[2001:db8:0:1::4]:119", "[2001:db8:0:1::6]:119");
    let greets = |play: &Play, at: &str, text: &str| play.set(at, Mode::Greeting(format!("{text}\r\n")));
    greets(play, four, "200 hi")?;
    greets(play, six, "200 hi")?;
    play.room.start()?;
    play.same(1)?;
    greets(play, four, "400 no")?;
    play.same(2)?;
    greets(play, six, "502 no")?;
    play.same(3)?;
    play.room.director("reload")?;
    play.same(4)?;
    greets(play, four, "200 hi")?;
    play.same(5)?;
    play.room.stop()?;
    play.same(6)
}
