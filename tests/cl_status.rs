//! cl_status beside the one of 3.0.6, on our daemons and on those of 3.0.6: all four say the same, in
//! every state a daemon can be in.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test program a panic is a failure that points at its line"
)]

mod lab;

use lab::{Flavour, Lab, Node, missing, wait_until};
use std::time::Duration;

/// For a busy machine.
const SOON: Duration = Duration::from_secs(120);
/// Debian's, taken from outside: a node of ours has our own in its place.
const THEIRS: &str = "/usr/local/bin/theirs/cl_status";
const OURS: &str = "/usr/local/bin/ours/cl_status";

/// A ping node that answers, one that does not, between the nodes: the order must show.
const HA_CF: &str = "\
logfile /var/log/ha-log
logfacility none
keepalive 200ms
deadtime 3
initdead 5
bcast eth0
bcast eth1
auto_failback off
node b1
ping 10.80.0.9
node b2
ping 10.80.0.77
respawn hacluster /usr/libexec/heartbeat/ipfail
";

/// A pair of the reference and a pair of ours, in the same state.
struct Pairs([Lab; 2]);

impl Pairs {
    fn new(name: &str) -> Option<Self> {
        if missing(&[Flavour::Reference]) {
            return None;
        }
        let pairs = Self([Flavour::Reference, Flavour::Ours].map(|whose| {
            let lab = Lab::new(&format!("{name}-{whose}"), [whose; 2]).unwrap();
            for node in lab.nodes() {
                node.configure(HA_CF, "auth 1\n1 sha1 x\n", "").unwrap();
                install(node, "/usr/bin/cl_status", THEIRS);
                install(node, env!("CARGO_BIN_EXE_cl_status"), OURS);
            }
            lab
        }));
        Some(pairs)
    }

    /// The same on this node of both pairs, side by side in time.
    fn on<T: Send>(&self, index: usize, act: impl Fn(&Node) -> T + Sync) -> [T; 2] {
        let act = &act;
        std::thread::scope(|scope| {
            let running = self.0.each_ref().map(|lab| scope.spawn(move || act(lab.node(index))));
            running.map(|thread| thread.join().unwrap())
        })
    }

    fn start(&self) {
        self.on(1, |node| node.start().unwrap());
        self.on(2, |node| node.start().unwrap());
        for index in [1, 2] {
            self.on(index, |node| {
                for other in ["b1", "b2"] {
                    until_says(node, &format!("nodestatus {other}"), "active\n");
                    until_says(node, &format!("clientstatus {other} ipfail 3000"), "online\n");
                }
                until_says(node, "nodestatus 10.80.0.9", "ping\n");
                until_says(node, "nodestatus 10.80.0.77", "dead\n");
            });
        }
    }

    /// What both programs say of both daemons. Fails where the four differ three times in a row: once
    /// may be a change in a cluster between two of them, or a busy machine.
    fn alike(&self, user: &str, mut cases: Vec<Vec<String>>) -> Vec<Said> {
        let mut first = None;
        for round in 1.. {
            let four = self.on(1, |node| side_by_side(node, user, &cases));
            let four: Vec<_> = four.into_iter().flatten().collect();
            let said_of = |at: usize| four.iter().map(|said| &said[at]).collect::<Vec<_>>();
            let differ = |at: &usize| said_of(*at).iter().any(|said| *said != &four[0][*at]);
            let differing: Vec<_> = (0..cases.len()).filter(differ).collect();
            if round == 3 {
                for at in &differing {
                    eprintln!("cl_status {:?}", cases[*at]);
                    for (who, said) in std::iter::zip(WHO, said_of(*at)) {
                        eprintln!("  {who} {said:?}");
                    }
                }
                assert!(differing.is_empty(), "{} cases differ", differing.len());
            }
            let first = first.get_or_insert(four[0].clone());
            if differing.is_empty() {
                return std::mem::take(first);
            }
            cases = differing.iter().map(|at| cases[*at].clone()).collect();
        }
        unreachable!("three rounds at most")
    }
}

/// The order in which [`Pairs::alike`] hears them.
const WHO: [&str; 4] = ["theirs on 3.0.6", "ours on 3.0.6  ", "theirs on ours ", "ours on ours   "];

/// As Debian installs its own: with the group that may reach the daemon.
fn install(node: &Node, program: &str, to: &str) {
    sh(node, &format!("mkdir -p $(dirname {to})"));
    node.copy(program, to).unwrap();
    sh(node, &format!("chgrp haclient {to} && chmod 2555 {to}"));
}

fn sh(node: &Node, script: &str) -> String {
    node.must(&["sh", "-c", script]).unwrap()
}

/// Waits until Debian's program says so.
fn until_says(node: &Node, arguments: &str, wanted: &str) {
    let says = || {
        let said = node.run(&["sh", "-c", &format!("{THEIRS} {arguments}")]).unwrap();
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        if said == wanted { Ok(()) } else { Err(said) }
    };
    wait_until(&format!("{}: {arguments}", node.name()), SOON, says).unwrap();
}

/// What a program did: standard output, standard error, exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    out: String,
    err: String,
    code: String,
}

/// Both programs, at the same time: they wait for the daemon most of the time.
fn side_by_side(node: &Node, user: &str, cases: &[Vec<String>]) -> [Vec<Said>; 2] {
    std::thread::scope(|scope| {
        let running = [THEIRS, OURS].map(|program| scope.spawn(move || run_all(node, user, program, cases)));
        running.map(|thread| thread.join().unwrap())
    })
}

/// Runs one program with each list of arguments, one after the other, in a shell as `user`.
fn run_all(node: &Node, user: &str, program: &str, cases: &[Vec<String>]) -> Vec<Said> {
    let quoted = |word: &String| format!("'{}'", word.replace('\'', r"'\''"));
    let mut script = String::from("d=$(mktemp -d)\n");
    for case in cases {
        let words: Vec<_> = case.iter().map(quoted).collect();
        script += &format!(
            "{program} {} >$d/out 2>$d/err </dev/null; code=$?; \
             printf '\\036'; cat $d/out; printf '\\037'; cat $d/err; printf '\\037%s' $code\n",
            words.join(" ")
        );
    }
    let file = format!("/run/cases{}", program.replace('/', "-"));
    node.write(&file, &script, 0o644).unwrap();
    let shell = format!("setpriv --reuid {user} --regid {user} --clear-groups sh {file}");
    let shell = if user == "root" {
        format!("sh {file}")
    } else {
        shell.replace("--regid nobody", "--regid nogroup")
    };
    let output = node.run(&["sh", "-c", &shell]).unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said: Vec<Said> = text.split('\u{1e}').skip(1).map(parse).collect();
    assert_eq!(said.len(), cases.len(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn parse(text: &str) -> Said {
    let mut parts = text.split('\u{1f}');
    let mut next = || parts.next().unwrap().to_owned();
    let (out, err, code) = (next(), next(), next());
    Said { out, err: err.split_inclusive('\n').map(unstamped).collect(), code }
}

/// A line of the log without its date and pid, if these have the form they should have.
fn unstamped(line: &str) -> String {
    let (head, rest) = line.split_at_checked(15).unwrap_or(("", line));
    let shape: String = head.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let dated = months.iter().any(|month| shape == format!("{month} 99 99:99:99"));
    let after_pid = |rest: &str| {
        let (pid, text) = rest.strip_prefix(" b1 cl_status: [")?.split_once("]: ")?;
        pid.bytes().all(|b| b.is_ascii_digit()).then(|| format!("DATE b1 cl_status: [PID]: {text}"))
    };
    after_pid(rest).filter(|_| dated).unwrap_or_else(|| line.to_owned())
}

fn lines(text: &str) -> Vec<Vec<String>> {
    text.lines().map(|line| line.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect()).collect()
}

const COMMANDS: [&str; 12] = [
    "hbstatus",
    "listnodes",
    "nodestatus",
    "nodeweight",
    "nodesite",
    "nodetype",
    "listhblinks",
    "hblinkstatus",
    "clientstatus",
    "rscstatus",
    "hbparameter",
    "test",
];

/// Each sub-command as it is meant, with every subset and order of its options and some of others.
fn meant() -> Vec<Vec<String>> {
    let options = [
        "",
        "-m",
        "-v",
        "-n",
        "-p",
        "-mv",
        "-vm",
        "-mn",
        "-mp",
        "-np",
        "-pn",
        "-vn",
        "-vp",
        "-mvnp",
        "-m -v",
        "-m -p -n -v",
        "-h",
        "-x",
        "-mx",
        "-xv",
        "--",
        "-",
        "-m --",
        "-- -m",
        "--help",
        "-:",
        "-?",
    ];
    let mut cases = lines(
        "\n-h\n-h hbstatus\n-m\n-m hbstatus\n--help\nfoo\nhbs\nHBSTATUS\n-- hbstatus\n-\nparameter -p keepalive\ncl_status",
    );
    for command in COMMANDS {
        let words: &[&str] = match command {
            "nodestatus" | "nodeweight" | "nodesite" | "nodetype" | "listhblinks" => {
                &["", "b1", "b2", "B2", "10.80.0.9", "10.80.0.77", "10.80.0.1", "nobody", "b1 b2"]
            }
            "hblinkstatus" => &[
                "",
                "b1",
                "b1 eth0",
                "b2 eth1",
                "b2 eth7",
                "B1 ETH0",
                "10.80.0.9 10.80.0.9",
                "10.80.0.9 eth0",
                "10.80.0.77 10.80.0.77",
                "nobody eth0",
                "b1 eth0 eth1",
            ],
            "clientstatus" => &["", "b1", "b1 ipfail 3000", "b2 nothing 3000 x"],
            "hbparameter" => &["", "keepalive", "-p keepalive", "-pdeadtime"],
            _ => &["", "extra"],
        };
        // every word with the options that matter to it, every option with the first words
        for (at, options) in options.into_iter().enumerate() {
            let words = if at < 3 { words } else { words.get(..2).unwrap_or(words) };
            cases.extend(words.iter().flat_map(|words| lines(&format!("{command} {options} {words}"))));
        }
    }
    for name in [
        "keepalive",
        "deadtime",
        "warntime",
        "initdead",
        "node",
        "ping",
        "bcast",
        "udpport",
        "logfile",
        "logfacility",
        "auto_failback",
        "hbversion",
        "pacemaker",
        "crm",
        "nothing",
        "KEEPALIVE",
        "respawn",
    ] {
        cases.extend(lines(&format!(
            "hbparameter -p {name}\nhbparameter -mp {name}\nhbparameter -p x -p {name} -m"
        )));
    }
    cases.extend(lines(
        "clientstatus b1 ipfail 3000\nclientstatus b2 ipfail 3000\nclientstatus b2 nothing 3000\nclientstatus b1 nothing 3000\n\
         clientstatus 10.80.0.9 ipfail\nclientstatus 10.80.0.77 ipfail\nclientstatus nobody ipfail 100\n\
         clientstatus B1 ipfail 3000\nclientstatus b2 ipfail 3000x\nclientstatus b1 ipfail -- -1\nclientstatus -m b2 ipfail +3000",
    ));
    cases.push(vec![String::new()]);
    for command in COMMANDS {
        cases.push(vec![command.into(), String::new()]);
        cases.push(vec![command.into(), "a b".into(), "c=d".into()]);
    }
    cases.push(vec!["hbparameter".into(), "-p".into(), String::new()]);
    cases
}

/// Argument lists from a grammar that is a little wider than the real one.
fn at_random(seed: u64, count: usize) -> Vec<Vec<String>> {
    let mut dice = fastrand::Rng::with_seed(seed);
    let words = [
        "b1",
        "b2",
        "B1",
        "10.80.0.9",
        "10.80.0.77",
        "nobody",
        "eth0",
        "eth1",
        "ipfail",
        "3000",
        "keepalive",
        "",
        " b1",
        "-",
        "--",
        "-m",
        "-v",
        "-n",
        "-p",
        "-mv",
        "-pn",
        "-mp",
        "-pkeepalive",
        "-vvm",
        "-x",
        "-mxv",
        "-é",
        "ä=ö",
        "(1)b1",
        "b1>>>",
        "-0",
        "--m",
    ];
    let mut list = || {
        let mut case = vec![match dice.u8(0..20) {
            0 => dice.choice(words).unwrap().to_owned(),
            _ => dice.choice(COMMANDS).unwrap().to_owned(),
        }];
        let others = dice.usize(0..6);
        case.extend((0..others).map(|_| dice.choice(words).unwrap().to_owned()));
        // a third word of clientstatus is how many ms it waits: too little is a matter of luck
        if case.first().is_some_and(|name| name == "clientstatus") {
            case.extend(["b1", "x", "3000"].map(str::to_owned));
            case.retain(|word| {
                word.starts_with('-') || ["clientstatus", "b1", "x", "3000"].contains(&&**word)
            });
        }
        case
    };
    (0..count).map(|_| list()).collect()
}

fn codes(said: &[Said]) -> std::collections::BTreeSet<&str> {
    said.iter().map(|s| &*s.code).collect()
}

#[test]
fn beside_pairs_that_live_then_lose_one_then_both() {
    let Some(pairs) = Pairs::new("cl-status") else { return };
    pairs.start();
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(3);
    let said = pairs.alike("root", meant());
    assert_eq!(codes(&said), ["0", "1", "11", "13"].into(), "the cases reach every exit code");
    pairs.alike("root", at_random(seed, 300));
    // weight and site are not what they were
    pairs.on(1, |node| {
        sh(node, "/usr/share/heartbeat/hb_setweight b2 77; /usr/share/heartbeat/hb_setsite b2 here");
        until_says(node, "nodeweight b2", "77\n");
        until_says(node, "nodesite b2", "here\n");
    });
    let changed = "nodeweight b2\nnodeweight -m b2\nnodesite b2\nnodesite -m b2\nnodesite b1";
    let said = pairs.alike("root", lines(changed));
    assert_eq!((&*said[0].out, &*said[2].out), ("77\n", "here\n"));
    let few = lines("hbstatus\nhbstatus -v\nnodestatus b1\nlistnodes -v\nrscstatus");
    who_may_ask(&pairs, &few);

    pairs.on(2, |node| node.stop().unwrap());
    pairs.on(1, |node| until_says(node, "nodestatus b2", "dead\n"));
    let about_b2 =
        |case: &Vec<String>| case.iter().any(|word| word == "b2" || word == "-mv" || word == "clientstatus");
    let said = pairs.alike("root", meant().into_iter().filter(about_b2).collect());
    assert!(said.iter().any(|said| said.out == "The cluster node b2 is dead\n" && said.code == "1"));

    // a daemon that hangs: five seconds
    pairs.on(1, |node| sh(node, "kill -STOP $(cat /run/heartbeat.pid)"));
    let said = pairs.alike("root", lines("nodestatus b1\nhbstatus\nhbstatus -mv\nfoo"));
    assert_eq!(codes(&said), ["11", "12"].into(), "{said:?}");
    pairs.on(1, |node| sh(node, "kill -CONT $(cat /run/heartbeat.pid)"));

    pairs.on(1, |node| node.stop().unwrap());
    let said = pairs.alike("root", meant().into_iter().step_by(5).collect());
    assert_eq!(codes(&said), ["0", "1", "11"].into());
    pairs.on(1, |node| sh(node, "rm -f /run/heartbeat/register"));
    pairs.alike("root", few);
}

/// By its group an ordinary user gets in; without it it does not: by the directory, then by the daemon.
fn who_may_ask(pairs: &Pairs, few: &[Vec<String>]) {
    let said = pairs.alike("nobody", few.to_vec());
    assert!(said.iter().all(|said| said.code == "0"), "{said:?}");
    let both = format!("{THEIRS} {OURS}");
    pairs.on(1, |node| sh(node, &format!("chgrp root {both}; chmod 555 {both}")));
    for mode in ["750", "755"] {
        pairs.on(1, |node| sh(node, &format!("chmod {mode} /run/heartbeat")));
        let said = pairs.alike("nobody", few.to_vec());
        assert!(said.iter().skip(2).all(|said| said.code == "1" && !said.err.is_empty()), "{said:?}");
    }
    pairs.on(1, |node| {
        sh(node, &format!("chmod 750 /run/heartbeat; chgrp haclient {both}; chmod 2555 {both}"))
    });
}

#[test]
fn nobody_waits_for_it_for_ever_and_a_closed_pipe_is_no_crash() {
    let lab = Lab::new("cl-status-pipe", [Flavour::Ours; 2]).unwrap();
    let script = "cl_status -h | true; cl_status -h >&-; cl_status hbstatus >&- 2>&-; echo $?";
    assert_eq!(sh(lab.node(1), script).trim(), "1");
}
