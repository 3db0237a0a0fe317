//! nsd: names by datagrams and by TCP.

use std::net::SocketAddr;

use crate::battery::Battery;
use crate::check::{must_be_down, must_be_up, probe, wait_until_up};
use crate::place::{Place, play};

const NSD: (&str, &str) = ("/usr/sbin/nsd", "nsd");

const CONFIG: &str = "\
server:
  ip-address: 127.0.0.1
  ip-address: ::1
  username: nsd
  zonesdir: /mnt/s
  database: \"\"
  pidfile: /run/nsd.pid
  xfrdfile: \"\"
  zonelistfile: /mnt/s/zone.list
  rrl-ratelimit: 0
  server-count: 1
  tcp-count: 200
remote-control:
  control-enable: no
zone:
  name: example.org
  zonefile: forward
zone:
  name: 9.9.10.in-addr.arpa
  zonefile: reverse
zone:
  name: 0.0.0.0.0.0.0.0.0.0.0.0.9.0.d.f.ip6.arpa
  zonefile: reverse6
";

/// `many` does not fit into one datagram.
fn start(place: &Place) {
    let head = "$TTL 60\n@ SOA ns.example.org. x.example.org. 1 60 60 60 60\n NS ns.example.org.\n";
    let many: String = (1..=200).map(|n| format!("many A 10.8.8.{n}\n")).collect();
    let forward =
        "ns A 127.0.0.1\nwww A 10.9.9.7\n A 10.9.9.8\nalias CNAME other\nother CNAME www\nsix AAAA fd09::7\n";
    let own = "short A 10.9.9.9\n";
    place.write("forward", &format!("{head}{forward}{own}{many}"));
    place.write("reverse", &format!("{head}7 PTR www.example.org.\n"));
    place.write("reverse6", &format!("{head}7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR six.example.org.\n"));
    let config = place.write("nsd.conf", CONFIG);
    place.start(&format!("nsd -d -c {config}"));
}

fn check(at: SocketAddr, udp: bool, lines: &str) -> heartbeat::director::checks::probe::Probe {
    let protocol = if udp { "udp" } else { "tcp" };
    probe(at, &format!("protocol={protocol}\nservice=dns\n{lines}"))
}

#[test]
fn dns() {
    play("names::dns", &[NSD], |place| {
        start(place);
        for at in ["127.0.0.1:53", "[::1]:53"].map(|at| at.parse::<SocketAddr>().unwrap()) {
            wait_until_up("nsd", &check(at, true, "request=\"www.example.org\"\nreceive=\"10.9.9.7\""));
            for udp in [true, false] {
                answers(at, udp);
            }
        }
        let at: SocketAddr = "127.0.0.1:53".parse().unwrap();
        let many = "request=\"many.example.org\"\nreceive=\"^10.8.8.200$\"";
        must_be_up("a large answer", &check(at, false, many));
        must_be_up("a large answer, first asked for by datagram", &check(at, true, many));
        for udp in [true, false] {
            let protocol = if udp { "udp" } else { "tcp" };
            let lines = |rest: &str| format!("protocol={protocol}\nservice=dns\n{rest}");
            let right = lines("request=\"www.example.org\"\nreceive=\"^10.9.9.8$\"");
            let wrong = [
                ("another address", lines("request=\"www.example.org\"\nreceive=\"10.9.9.6\"")),
                ("no such name", lines("request=\"nobody.example.org\"\nreceive=\".\"")),
                ("a foreign zone", lines("request=\"www.example.net\"\nreceive=\".\"")),
            ];
            let wrong: Vec<_> = wrong.iter().map(|(what, lines)| (*what, lines.as_str())).collect();
            Battery { place, right: &right, wrong: &wrong, at, udp, start: &start }.run();
        }
    });
}

fn answers(at: SocketAddr, udp: bool) {
    for (what, lines) in [
        ("two names further", "request=\"alias.example.org\"\nreceive=\"10.9.9.7\""),
        ("in capitals", "request=\"WWW.Example.ORG\"\nreceive=\"10.9.9.7\""),
        ("with its last dot", "request=\"www.example.org.\"\nreceive=\"10.9.9.7\""),
        ("the name of an address", "request=\"10.9.9.7\"\nreceive=\"^www.example.org$\""),
        ("the name of an IPv6 address", "request=\"fd09::7\"\nreceive=\"^six.example.org$\""),
    ] {
        must_be_up(what, &check(at, udp, lines));
    }
    for (what, lines) in [
        ("no address of this kind", "request=\"six.example.org\"\nreceive=\".\""),
        ("no name for this address", "request=\"10.9.9.6\"\nreceive=\".\""),
        ("nothing is expected", "request=\"www.example.org\""),
        ("nothing is asked", "receive=\".\""),
    ] {
        must_be_down(what, &check(at, udp, lines));
    }
}
