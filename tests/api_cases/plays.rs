//! What clients do, play by play. What they see goes into the transcript.

use super::player::tell;
use super::raw::{Raw, framed, here, me, message, shown};
use super::{hostile, pair};
use std::process::Command;

/// By name.
pub(super) const PLAYS: [(&str, fn()); 20] = [
    ("sign-on", sign_on),
    ("foreigner", foreigner),
    ("crowd", crowd),
    ("second", second),
    ("requests", requests),
    ("bytes", bytes),
    ("signals", signals),
    ("messages", messages),
    ("filters", filters),
    ("meet", pair::meet),
    ("never-reads", hostile::never_reads),
    ("garbage", hostile::garbage),
    ("killers", hostile::killers),
    ("in-sequence", hostile::in_sequence),
    ("at-once", hostile::at_once),
    ("strangers", hostile::strangers),
    ("flood", hostile::flood),
    ("giants", hostile::giants),
    ("usurper", hostile::usurper),
    ("too-many", hostile::too_many),
];

/// Signs on in one way; what came of it, and off again.
fn attempt(title: &str, changed: &[(&str, &str)]) {
    let mut raw = Raw::connect();
    raw.sign_on(changed);
    let mut said = raw.until_reply("signon");
    if said.last().is_some_and(|line| line.contains("result=OK")) {
        raw.ask("reqtype=signoff");
    }
    // to the end of the connection
    while let Some(message) = raw.next() {
        said.push(shown(&message));
    }
    tell([format!("# {title}")].into_iter().chain(said));
}

fn sign_on() {
    let (me, longer) = (me(), format!("{}x", me()));
    let cases: &[(&str, &[(&str, &str)])] = &[
        ("as usual", &[]),
        ("named", &[("from_id", "tester")]),
        ("no such process", &[("pid", "4194399")]),
        ("pid 0", &[("pid", "0")]),
        ("pid below 0", &[("pid", "-5")]),
        ("pid of another, casual", &[("pid", "1"), ("from_id", "1")]),
        ("pid of another, named", &[("pid", "1"), ("from_id", "tester")]),
        ("pid of another, unknown name", &[("pid", "1"), ("from_id", "foo")]),
        ("pid with more behind it", &[("pid", &longer)]),
        ("name that begins with the pid", &[("from_id", &longer)]),
        ("no name", &[("from_id", "")]),
        ("number of another as name", &[("from_id", "12")]),
        ("unknown name", &[("from_id", "foo")]),
        ("name of the default", &[("from_id", "default")]),
        ("name of the anonymous", &[("from_id", "anon")]),
        ("no uid", &[("uid", "")]),
        ("no gid", &[("gid", "")]),
        ("neither", &[("uid", ""), ("gid", ""), ("from_id", "tester")]),
        ("uid is a word", &[("uid", "root")]),
        ("gid is a word", &[("gid", "root")]),
        ("uid with more behind it", &[("uid", "0x")]),
        ("uid of another", &[("uid", "5")]),
        ("gid of another, named", &[("gid", "5"), ("from_id", "tester")]),
        ("uid below 0", &[("uid", "-1")]),
        ("not in the group", &[("from_id", "gidder")]),
        ("not the user", &[("from_id", "ipfail")]),
        ("no destination", &[("dest", "")]),
        ("other destination", &[("dest", "elsewhere")]),
    ];
    for (title, changed) in cases {
        attempt(title, changed);
    }
    nothing_first(&me);
}

/// What is no sign-on is not answered, and costs nothing.
fn nothing_first(me: &str) {
    tell(["# something else first".to_owned()]);
    let mut raw = Raw::connect();
    raw.ask("reqtype=nodelist");
    for words in ["t=foo", "x=foo", "", "t=hbapi-req"] {
        raw.send(&message(words));
    }
    raw.sign_on(&[("from_id", me)]);
    tell(raw.until_reply("signon"));
    raw.sign_on(&[]);
    tell(raw.until_reply("signon"));
}

/// As another user, for names that are and are not for it.
fn foreigner() {
    attempt("casual", &[]);
    for name in ["tester", "gidder", "nobody", "ccm"] {
        attempt(name, &[("from_id", name)]);
    }
    attempt("as root", &[("uid", "0")]);
    let mut raw = Raw::connect();
    raw.sign_on(&[]);
    if raw.until_reply("signon").iter().any(|line| line.contains("result=OK")) {
        for mask in ["1", "2", "3f", "20", "0"] {
            raw.ask(&format!("reqtype=setfilter fmask={mask}"));
            tell([format!("# filter {mask}")].into_iter().chain(raw.said()));
        }
    }
}

/// Two processes with each other's names and numbers.
fn crowd() {
    let mut raw = Raw::signed_on("tester");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "api_cases::player::player", "--ignored", "--nocapture"])
        .env("API_PLAY", "second")
        .env("API_FIRST", me())
        .output()
        .unwrap();
    println!("{}", String::from_utf8(output.stdout).unwrap().replace(&me(), "FIRST"));
    tell(raw.said());
}

fn second() {
    attempt("a name that is taken", &[("from_id", "tester")]);
    let first = std::env::var("API_FIRST").unwrap();
    let mut raw = Raw::signed_on(&me());
    let me = me();
    for (title, words) in [
        ("pid of the other", format!("pid={first} from_id={me}")),
        ("name of the other", format!("pid={me} from_id=tester")),
        ("only the name of the other", "from_id=tester".to_owned()),
        ("no such pid, name of the other", "pid=4194399 from_id=tester".to_owned()),
        ("nobody at all", "pid=4194399 from_id=somebody".to_owned()),
        ("no pid", format!("from_id={me}")),
        ("no name", format!("pid={me}")),
        ("no such pid, own name", format!("pid=4194399 from_id={me}")),
        ("neither", String::new()),
    ] {
        raw.send(&message(&format!("t=hbapi-req reqtype=nodestatus node={} {words}", here())));
        tell([format!("# {title}")].into_iter().chain(raw.said()));
    }
    raw.send(&message("t=whatever"));
    tell(["# a message for the cluster".to_owned()].into_iter().chain(raw.until_reply("nothing")));
}

fn requests() {
    let mut raw = Raw::signed_on(&me());
    let own = here();
    let other = if own == "b1" { "b2" } else { "b1" };
    let mut asked = Vec::new();
    for request in ["nodestatus", "nodeweight", "nodesite", "nodetype", "iflist"] {
        for node in ["OWN", "OTHER", "ALSO", "zz", ""] {
            asked.push(format!("{request} node={node}"));
        }
        asked.push(request.to_owned());
    }
    asked.extend(OTHERS.iter().map(|words| (*words).to_owned()));
    for words in asked {
        let real = words.replace("OWN", &own).replace("OTHER", other).replace("ALSO", &own.to_uppercase());
        let who = if words.ends_with("no-name") { String::new() } else { format!(" from_id={}", me()) };
        raw.ask(&format!("reqtype={real}{who}").replace("PID", &me()));
        tell([format!("# {words}")].into_iter().chain(raw.said()));
    }
    raw.ask("reqtype=signoff");
    tell(raw.until_reply("nothing"));
}

/// Requests with good arguments, bad ones and none.
const OTHERS: &[&str] = &[
    "nodelist",
    "nodelist-end",
    "numnodes",
    "numnodes foo=bar",
    "NUMNODES",
    "iflist-end",
    "ifstatus node=OWN ifname=eth0",
    "ifstatus node=OTHER ifname=eth0",
    "ifstatus node=ALSO ifname=eth0",
    "ifstatus node=OWN ifname=eth9",
    "ifstatus node=OWN ifname=",
    "ifstatus node=OWN",
    "ifstatus ifname=eth0",
    "ifstatus node=zz ifname=eth0",
    "clientstatus node=OWN cn=tester",
    "clientstatus node=OWN cn=PID",
    "clientstatus node=OWN cn=",
    "clientstatus node=OWN",
    "clientstatus cn=tester",
    "clientstatus",
    "clientstatus node=OTHER cn=tester",
    "clientstatus node=OWN cn=tester by=no-name",
    "nodestatus node=OWN by=no-name",
    "clientstatus node=zz cn=tester",
    "getparm pname=keepalive",
    "getparm pname=deadtime",
    "getparm pname=deadping",
    "getparm pname=initdead",
    "getparm pname=warntime",
    "getparm pname=hopfudge",
    "getparm pname=udpport",
    "getparm pname=baud",
    "getparm pname=auto_failback",
    "getparm pname=logfacility",
    "getparm pname=logfile",
    "getparm pname=debug",
    "getparm pname=msgfmt",
    "getparm pname=pacemaker",
    "getparm pname=crm",
    "getparm pname=cluster",
    "getparm pname=realtime",
    "getparm pname=compression",
    "getparm pname=uuidfrom",
    "getparm pname=coredumps",
    "getparm pname=hbversion",
    "getparm pname=HBVERSION",
    "getparm pname=node",
    "getparm pname=bcast",
    "getparm pname=apiauth",
    "getparm pname=watchdog",
    "getparm pname=nosuchthing",
    "getparm pname=",
    "getparm",
    "getrsc",
    "getrsc x=y",
    "getuuid queryname=OWN",
    "getuuid queryname=OTHER",
    "getuuid queryname=ALSO",
    "getuuid queryname=zz",
    "getuuid queryname=",
    "getuuid",
    "getnodename",
    "getnodename queryuuid=text",
    "setfilter fmask=1",
    "setfilter fmask=0",
    "setfilter fmask=40",
    "setfilter fmask=zz",
    "setfilter fmask=",
    "setfilter",
    "setfilter fmask=1z",
    "setsignal signal=0",
    "setsignal signal=9",
    "setsignal signal=19",
    "setsignal signal=32",
    "setsignal signal=-1",
    "setsignal signal=abc",
    "setsignal signal=",
    "setsignal",
    "set_sendqlen sendqlen=64",
    "set_sendqlen sendqlen=0",
    "set_sendqlen sendqlen=-1",
    "set_sendqlen sendqlen=abc",
    "set_sendqlen",
    "signon",
    "foo",
    "",
];

fn bytes() {
    let mut raw = Raw::signed_on(&me());
    let me = me();
    let question = format!(">>>\nt=hbapi-req\nreqtype=getrsc\npid={me}\n<<<\n\0").into_bytes();
    let netstring: String = ["t=hbapi-req".to_owned(), "reqtype=getrsc".to_owned(), format!("pid={me}")]
        .iter()
        .map(|field| format!("{}:(0){field},", field.len() + 3))
        .collect();
    let netstring = format!("###\n{netstring}%%%\n\0").into_bytes();
    for (title, bytes) in [
        ("as usual", framed(&question)),
        ("without the last byte", framed(question.strip_suffix(b"\0").unwrap())),
        ("as netstrings", framed(&netstring)),
        ("as netstrings without the last byte", framed(netstring.strip_suffix(b"\0").unwrap())),
        ("nothing", framed(b"")),
        ("only the last byte", framed(b"\0")),
        ("garbage", framed(b"garbage\0")),
        ("a netstring too long", framed(b"###\n9:(0)t=x,%%%\n\0")),
        ("a netstring too short", framed(b"###\n5:(0)t=x,%%%\n\0")),
        ("three at once", framed(&question).repeat(3)),
    ] {
        raw.bytes(&bytes);
        tell([format!("# {title}")].into_iter().chain(raw.said()));
    }
    framed(&question).iter().for_each(|byte| raw.bytes(&[*byte]));
    tell(["# byte by byte".to_owned()].into_iter().chain(raw.said()));
}

/// A signal with each message, once asked for.
fn signals() {
    // whoever runs this blocks the signal
    let pending = || {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let mask = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).unwrap();
        u64::from_str_radix(mask.trim(), 16).unwrap() & (1 << 9) != 0
    };
    let mut raw = Raw::signed_on(&me());
    tell([format!("none before: {}", !pending())]);
    raw.ask("reqtype=setsignal signal=10");
    tell(raw.said());
    super::until_true("the signal", pending);
    tell(["it came".to_owned()]);
}

fn messages() {
    let mut raw = Raw::signed_on("tester");
    for words in [
        "t=mytype foo=bar",
        "t=mytype dest=OWN",
        "t=mytype dest=OTHER",
        "t=mytype dest=zz",
        "t=mytype src=zz from_id=other to_id=someone client_gen=77 seq=5 ttl=1 hg=1",
        "t=hbapi-resp x=1",
        "t=hbapi-clstat st=leave",
        "t=",
        "foo=bar",
        "t=num_ping_nodes num_ping=1",
    ] {
        let own = here();
        let other = if own == "b1" { "b2" } else { "b1" };
        raw.send(&message(&words.replace("OWN", &own).replace("OTHER", other)));
        tell([format!("# {words}")].into_iter().chain(raw.said()));
    }
    tell(["# a casual one hears nothing of it".to_owned()]);
    drop(raw);
    let mut raw = Raw::signed_on("tester");
    tell(["# signs off".to_owned()]);
    raw.ask("reqtype=signoff");
    tell(raw.until_reply("nothing"));
}

fn filters() {
    let mut raw = Raw::signed_on("tester");
    raw.ask("reqtype=setfilter fmask=10");
    tell(raw.said());
    raw.ask("reqtype=nodestatus node=zz");
    tell(raw.said());
    raw.send(&message("t=mytype to=myself"));
    tell(raw.said());
    raw.ask("reqtype=signoff");
    tell(raw.until_reply("nothing"));
}
