//! How ipfail starts and ends, beside the real one: both sign on to a daemon that refuses one thing or
//! another, and must ask the same, complain of the same and end alike. And the end of a real daemon.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test program a panic is a failure that points at its line"
)]

mod lab;

use heartbeat::api::frame::{Reader, frame};
use heartbeat::wire::Message;
use lab::{Flavour, Lab, missing};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);
const REAL: &str = "/usr/libexec/heartbeat/ipfail";
const OURS: &str = "/usr/libexec/heartbeat/ipfail-ours";
const LOG: &str = "/var/log/ipfail";

/// One run: what it asked for, its exit code, its complaints.
type Run = (Vec<String>, Option<i32>, Vec<String>);

/// What the daemon does.
#[derive(Clone, Copy, Debug)]
enum Daemon {
    Refuses(&'static str),
    HasAutoFailback(&'static str),
    HasNoAutoFailback,
    /// Sends this signal when everything is answered.
    Sends(Signal),
}

/// The requests of one client and the answers to them, until it goes or says nothing for long.
fn serve(listener: &UnixListener, daemon: Daemon) -> Vec<String> {
    let mut wanted = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
    let patience = PollTimeout::try_from(SOON).unwrap();
    assert_eq!(poll(&mut wanted, patience).unwrap(), 1, "nobody signs on");
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let pid = getsockopt(&stream, PeerCredentials).unwrap().pid();
    let (mut reader, mut asked, mut bytes) = (Reader::new(), Vec::new(), [0; 4096]);
    loop {
        while let Some(request) = reader.take().unwrap() {
            let words = ["reqtype", "pname", "fmask", "signal"].map(|f| request.text(f).unwrap_or_default());
            asked.push(words.join(" ").trim_end().to_owned());
            answer(&mut stream, words, daemon);
            // Who is refused this, the last thing it asks, ends by itself: there may be nobody left to send anything to.
            if words[0] == "setsignal" && !matches!(daemon, Daemon::Refuses("setsignal")) {
                let signal = if let Daemon::Sends(signal) = daemon { signal } else { Signal::SIGTERM };
                kill(nix::unistd::Pid::from_raw(pid), signal).unwrap();
            }
        }
        match stream.read(&mut bytes) {
            Ok(n) if n > 0 => reader.feed(bytes.get(..n).unwrap()),
            _ => return asked,
        }
    }
}

fn answer(stream: &mut UnixStream, [kind, name, ..]: [&str; 4], daemon: Daemon) {
    let reply = Message::of("hbapi-resp").with("reqtype", kind);
    if matches!(daemon, Daemon::Refuses(what) if what == kind) {
        return send(stream, reply.with("result", "badreq"));
    }
    let reply = match kind {
        "signon" => reply.with("deadtime", "1388").with("keepalive", "3e8").with("node", "b1"),
        "getrsc" => reply.with("rsc_hold", "local"),
        "getparm" if name == "coreroot" => reply.with("pvalue", "/var/lib/heartbeat/cores"),
        "getparm" => match daemon {
            Daemon::HasNoAutoFailback => reply,
            Daemon::HasAutoFailback(value) => reply.with("pvalue", value),
            _ => reply.with("pvalue", "on"),
        },
        "nodelist" => {
            for (node, kind, status) in
                [("b1", "normal", "active"), ("10.0.0.9", "ping", "ping"), ("b2", "normal", "active")]
            {
                let item = reply.clone().with("node", node).with("nodetype", kind).with("st", status);
                send(stream, item.with("result", if node == "b2" { "OK" } else { "ok/more" }));
            }
            return;
        }
        "signoff" => return,
        _ => reply,
    };
    send(stream, reply.with("result", "OK"));
}

fn send(stream: &mut UnixStream, message: Message) {
    // an error says that the client is gone
    let _ = stream.write_all(&frame(&message).unwrap());
}

fn run(node: &lab::Node, program: &str, daemon: Daemon) -> Run {
    let socket = node.stage().path("/run/heartbeat/register");
    let _ = std::fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).unwrap();
    node.write(LOG, "", 0o644).unwrap();
    std::thread::scope(|scope| {
        let served = scope.spawn(|| serve(&listener, daemon));
        let output = node.run(&["env", &format!("HA_logfile={LOG}"), &format!("HA_LOGFILE={LOG}"), program]);
        (served.join().unwrap(), output.unwrap().status.code(), complaints(node))
    })
}

/// The errors in the log, without the reason given for one: its words are the library's.
fn complaints(node: &lab::Node) -> Vec<String> {
    let log = node.read(LOG);
    let errors = log.lines().filter_map(|line| line.split_once("ERROR: "));
    errors.map(|(_, text)| text.to_owned()).filter(|text| !text.starts_with("REASON")).collect()
}

/// A node with both programs, or the reason why there is none.
fn place() -> Option<Lab> {
    if missing(&[Flavour::Reference]) {
        return None;
    }
    let lab = Lab::new("ipfail-start", [Flavour::Reference; 2]).unwrap();
    lab.node(1).copy(env!("CARGO_BIN_EXE_ipfail"), OURS).unwrap();
    Some(lab)
}

#[test]
fn both_ask_the_same_and_end_alike() {
    let Some(lab) = place() else { return };
    let node = lab.node(1);
    let mut cases = vec![
        Daemon::HasNoAutoFailback,
        Daemon::Sends(Signal::SIGTERM),
        Daemon::Sends(Signal::SIGINT),
        Daemon::Sends(Signal::SIGHUP),
        Daemon::Sends(Signal::SIGUSR1),
    ];
    cases.extend(["signon", "getrsc", "getparm", "setfilter", "nodelist", "setsignal"].map(Daemon::Refuses));
    let words = ["on", "off", "YES", "n", "True", "0", "legacy", "LEGACY", "maybe", "2", "", " on", "t", "f"];
    cases.extend(words.map(Daemon::HasAutoFailback));
    for case in cases {
        let (real, ours) = (run(node, REAL, case), run(node, OURS, case));
        assert_eq!(ours, real, "{case:?} (ours first)");
    }
}

#[test]
fn without_a_daemon_both_end_with_one() {
    let Some(lab) = place() else { return };
    let ends = [REAL, OURS].map(|program| {
        lab.node(1).write(LOG, "", 0o644).unwrap();
        let output =
            lab.node(1).run(&["env", &format!("HA_logfile={LOG}"), &format!("HA_LOGFILE={LOG}"), program]);
        (output.unwrap().status.code(), complaints(lab.node(1)))
    });
    assert_eq!(ends[0], (Some(1), vec!["Cannot sign on with heartbeat".to_owned()]));
    assert_eq!(ends[1], ends[0]);
}

#[test]
fn it_does_not_outlive_its_daemon() {
    let Some(lab) = place() else { return };
    let node = lab.node(1);
    let ha_cf = format!(
        "logfile /var/log/ha-log\nlogfacility none\nkeepalive 1\ndeadtime 5\ninitdead 6\nbcast eth1\n\
         auto_failback off\nnode b1 b2\nping 10.80.0.9\nrespawn hacluster {OURS}\napiauth ipfail uid=hacluster\n"
    );
    node.configure(&ha_cf, "auth 1\n1 sha1 x\n", "b1 10.80.0.101/24/eth0\n").unwrap();
    node.start().unwrap();
    let runs = || node.processes().iter().any(|name| name == "ipfail-ours");
    let until = |what: &str, wanted: bool| {
        let met = || if runs() == wanted { Ok(()) } else { Err(format!("{:?}", node.processes())) };
        lab::wait_until(what, SOON, met).unwrap_or_else(|failure| panic!("{failure}\n{}", node.log()));
    };
    until("ipfail is started", true);
    // A job of 3.0.6 that is under way when the daemon is killed waits for ever for a reader of the FIFO, and holds what
    // it has inherited: the clients' connections.
    node.wait_for_log("mach_down takeover complete.", 0, SOON).unwrap();
    lab::until("it has its address", SOON, || !node.vips().is_empty()).unwrap();
    lab.at_rest(Duration::from_secs(1), SOON, &["ipfail-ours"], || ()).unwrap();
    node.kill_daemon().unwrap();
    until("ipfail ends with the daemon", false);
}
