//! leafnode, which wants an inetd: a few lines of Python are one.

use std::net::SocketAddr;

use crate::battery::Battery;
use crate::check::{checked, must_be_up, probe, wait_until_up};
use crate::place::{Place, play};

const LEAFNODE: (&str, &str) = ("/usr/sbin/leafnode", "leafnode");
const PYTHON: (&str, &str) = ("/usr/bin/python3", "python3");

const INETD: &str = r#"
import os, signal, socket
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
listener = socket.create_server(("::", 119), family=socket.AF_INET6, backlog=200, dualstack_ipv6=True)
while True:
    connection, _ = listener.accept()
    if os.fork() == 0:
        for number in (0, 1):
            os.dup2(connection.fileno(), number)
        os.execv("/usr/sbin/leafnode", ["leafnode"])
    connection.close()
"#;

fn start(place: &Place) {
    place.write("/etc/news/leafnode/config", "server = localhost\nexpire = 20\n");
    let inetd = place.write("inetd.py", INETD);
    place.start(&format!("python3 {inetd}"));
}

#[test]
fn nntp() {
    play("news::nntp", &[LEAFNODE, PYTHON], |place| {
        start(place);
        let at: SocketAddr = "127.0.0.1:119".parse().unwrap();
        let good = probe(at, "service=nntp");
        wait_until_up("leafnode", &good);
        must_be_up("IPv6", &probe("[::1]:119".parse().unwrap(), "service=nntp"));
        // It serves nobody while it does not know what it is called.
        place.script("hostname nobody; cp /etc/hosts hosts; echo 127.0.0.1 localhost >/etc/hosts");
        let nameless = checked(&good);
        assert!(!nameless.up && nameless.text.starts_with("503 "), "{nameless:?}");
        place.script("hostname news.heartbeat-rs.net; cp hosts /etc/hosts");
        Battery { place, right: "service=nntp", wrong: &[], at, udp: false, start: &start }.run();
    });
}
