//! A daemon of a few lines at the other end of the socket.

use super::*;
use crate::api::frame::{Reader, frame};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread::JoinHandle;

const WELCOME: [(&str, &str); 6] = [
    ("deadtime", "bb8"),
    ("keepalive", "1f4"),
    ("node", "b1"),
    ("hbversion", "3.0.6 (node: x)"),
    ("pacemaker", "false"),
    ("logfacility", "-1"),
];

/// The daemon's end of a connection.
struct Served {
    socket: UnixStream,
    reader: Reader,
}

impl Served {
    fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.reader.take().unwrap() {
                return Some(message);
            }
            let mut buffer = [0; 4096];
            match self.socket.read(&mut buffer).unwrap() {
                0 => return None,
                n => self.reader.feed(&buffer[..n]),
            }
        }
    }

    fn say(&mut self, message: &Message) {
        self.socket.write_all(&frame(message).unwrap()).unwrap();
    }

    /// Waits for a request, and answers it.
    fn answer(&mut self, kind: &str, fields: &[(&str, &str)], result: &str) -> Message {
        let request = self.next().unwrap();
        assert_eq!(request.text("reqtype"), Some(kind));
        self.say(&reply(kind, fields, result));
        request
    }

    fn welcome(&mut self) -> Message {
        self.answer("signon", &WELCOME, "OK")
    }
}

fn reply(kind: &str, fields: &[(&str, &str)], result: &str) -> Message {
    let reply = Message::of("hbapi-resp").with("reqtype", kind);
    fields.iter().fold(reply, |reply, (name, value)| reply.with(name, value)).with("result", result)
}

/// A daemon that plays a part for one client, and what the client makes of it.
fn with_daemon<T: Send + 'static>(
    part: impl FnOnce(&mut Served) -> T + Send + 'static,
    client: impl FnOnce(&Path),
) -> T {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("register");
    let listener = UnixListener::bind(&path).unwrap();
    let daemon: JoinHandle<T> = std::thread::spawn(move || {
        let socket = listener.accept().unwrap().0;
        part(&mut Served { socket, reader: Reader::new() })
    });
    client(&path);
    daemon.join().unwrap()
}

const LONG: Option<Duration> = Some(Duration::from_secs(60));
const SHORT: Option<Duration> = Some(Duration::from_millis(50));

#[test]
fn a_named_client_says_who_it_is_and_learns_whom_it_speaks_to() {
    let request = with_daemon(
        |daemon| {
            let request = daemon.next().unwrap();
            // its own join comes first
            daemon.say(&Message::of("hbapi-clstat").with("st", "join"));
            daemon.say(&reply("signon", &WELCOME, "OK"));
            request
        },
        |path| {
            let mut client = Client::sign_on_at(path, Some("ipfail"), LONG).unwrap();
            let hello = client.hello();
            assert_eq!(hello.node, "b1");
            assert_eq!(
                (hello.deadtime, hello.keepalive),
                (Duration::from_secs(3), Duration::from_millis(500))
            );
            let join = client.receive(LONG).unwrap().unwrap();
            assert_eq!(join.text("st"), Some("join"));
        },
    );
    let names: Vec<_> = request.fields().iter().map(|f| String::from_utf8_lossy(&f.name)).collect();
    assert_eq!(names, ["t", "reqtype", "dest", "pid", "from_id", "uid", "gid"]);
    assert_eq!(request.text("from_id"), Some("ipfail"));
    assert_eq!(request.text("pid"), Some(&*std::process::id().to_string()));
}

#[test]
fn messages_between_question_and_answer_are_kept_in_order_and_stale_answers_are_not() {
    with_daemon(
        |daemon| {
            let signon = daemon.welcome();
            assert_eq!(signon.text("from_id"), signon.text("pid"));
            let walk = daemon.next().unwrap();
            assert_eq!((walk.text("reqtype"), walk.text("node")), (Some("iflist"), Some("b2")));
            daemon.say(&reply("getparm", &[("pvalue", "stale")], "OK"));
            daemon.say(&Message::of("status").with("n", "1"));
            daemon.say(&reply("iflist", &[("ifname", "eth0")], "ok/more"));
            daemon.say(&Message::of("status").with("n", "2"));
            daemon.say(&reply("iflist", &[("ifname", "eth1")], "OK"));
            daemon.answer("getparm", &[("pvalue", "x")], "OK");
            assert_eq!(daemon.next().unwrap().text("reqtype"), Some("signoff"));
            assert_eq!(daemon.next(), None);
        },
        |path| {
            let mut client = Client::sign_on_at(path, None, LONG).unwrap();
            let links = client.walk("iflist", &[("node", "b2")]).unwrap();
            let names: Vec<_> = links.iter().map(|link| link.text("ifname").unwrap()).collect();
            assert_eq!(names, ["eth0", "eth1"]);
            let value = client.ask("getparm", &[("pname", "y")]).unwrap();
            assert_eq!(value.text("pvalue"), Some("x"));
            for n in ["1", "2"] {
                assert_eq!(client.receive(LONG).unwrap().unwrap().text("n"), Some(n));
            }
            assert_eq!(client.receive(Some(Duration::ZERO)).unwrap(), None);
            client.sign_off();
        },
    );
}

#[test]
fn a_refusal_tells_why_and_the_client_goes_on() {
    with_daemon(
        |daemon| {
            daemon.welcome();
            daemon.answer("nodestatus", &[("info", "EINVAL")], "badreq");
            daemon.answer("nodestatus", &[("st", "dead")], "OK");
        },
        |path| {
            let mut client = Client::sign_on_at(path, None, LONG).unwrap();
            let refused = client.ask("nodestatus", &[("node", "nobody")]).unwrap_err();
            assert!(
                matches!(&refused, ClientError::BadRequest { info: Some(info), .. } if info == "EINVAL"),
                "{refused:?}"
            );
            assert_eq!(client.ask("nodestatus", &[("node", "b2")]).unwrap().text("st"), Some("dead"));
        },
    );
}

#[test]
fn a_refused_sign_on_tells_why() {
    with_daemon(
        |daemon| daemon.answer("signon", &[("info", "client failed authorization")], "badreq"),
        |path| {
            let refused = Client::sign_on_at(path, Some("x"), LONG).unwrap_err();
            assert_eq!(refused.to_string(), "heartbeat refused signon: client failed authorization");
        },
    );
}

#[test]
fn the_status_of_a_client_comes_from_near_or_far_or_never() {
    with_daemon(
        |daemon| {
            daemon.welcome();
            daemon.answer("clientstatus", &[("subt", "respond-cstatus"), ("cs", "online")], "OK");
            daemon.next().unwrap();
            daemon.say(&Message::of("ifstat"));
            daemon.say(&Message::of("respond-cstatus").with("cs", "offline"));
            daemon.answer("clientstatus", &[("info", "EINVAL")], "badreq");
            daemon.next()
        },
        |path| {
            let mut client = Client::sign_on_at(path, None, LONG).unwrap();
            let long = Duration::from_secs(60);
            assert_eq!(client.client_status("b1", "x", long).unwrap(), "online");
            assert_eq!(client.client_status("b2", "x", long).unwrap(), "offline");
            let never = client.client_status("nobody", "x", Duration::from_millis(50)).unwrap_err();
            assert_eq!(never.to_string(), "No timely response.");
            assert_eq!(client.receive(SHORT).unwrap().unwrap().kind(), Some("ifstat"));
        },
    );
}

#[test]
fn no_daemon_a_silent_one_and_one_that_goes() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = Client::sign_on_at(&dir.path().join("none"), None, LONG).unwrap_err();
    assert!(matches!(nowhere, ClientError::NoDaemon(_)), "{nowhere:?}");
    with_daemon(
        |daemon| while daemon.next().is_some() {},
        |path| {
            let silent = Client::sign_on_at(path, None, SHORT).unwrap_err();
            assert!(matches!(silent, ClientError::TimedOut), "{silent:?}");
        },
    );
    with_daemon(
        |daemon| {
            daemon.welcome();
            daemon.next();
        },
        |path| {
            let mut client = Client::sign_on_at(path, None, LONG).unwrap();
            let gone = client.ask("getrsc", &[]).unwrap_err();
            assert!(matches!(gone, ClientError::Closed), "{gone:?}");
            assert!(matches!(client.receive(None), Err(ClientError::Closed)));
        },
    );
}

#[test]
fn a_daemon_that_does_not_read_makes_nobody_wait_for_ever() {
    with_daemon(
        |daemon| {
            daemon.welcome();
            // its end is the client's
            std::io::copy(&mut daemon.socket, &mut std::io::sink()).unwrap()
        },
        |path| {
            let mut client = Client::sign_on_at(path, Some("x"), LONG).unwrap();
            client.send(&Message::of("x").with("text", &"x".repeat(200_000))).unwrap();
        },
    );
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("register");
    let _listener = UnixListener::bind(&path).unwrap();
    let mut connection = Connection::open(&path, deadline(LONG)).unwrap();
    let message = Message::of("x").with("text", &"x".repeat(200_000));
    let full = (0..1000).find_map(|_| connection.write(&message, deadline(SHORT)).err());
    assert!(matches!(full, Some(ClientError::TimedOut)), "{full:?}");
}

#[test]
fn a_full_queue_of_a_listener_makes_nobody_wait_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("register");
    let listener = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    listener.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
    listener.listen(1).unwrap();
    let mut waiting = Vec::new();
    let full = (0..10).find_map(|_| match Connection::open(&path, deadline(SHORT)) {
        Ok(connection) => {
            waiting.push(connection);
            None
        }
        Err(error) => Some(error),
    });
    let Some(ClientError::NoDaemon(error)) = full else { panic!("{full:?}") };
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}
