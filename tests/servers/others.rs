//! Checks that speak no protocol of their own: a text and a line, a connection, an echo, a program.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use heartbeat::director::checks::run::run;

use crate::battery::Battery;
use crate::check::{checked, must_be_down, must_be_up, probe, runtime, wait_until_up, within};
use crate::leaks;
use crate::place::{HOME, Place, play};
use crate::strangers::deserted;
use crate::web::{NGINX, nginx};

const CONFIG: &str = "\
user www-data;
pid /run/nginx.pid;
error_log /mnt/s/nginx.log;
events { worker_connections 1024; }
http {
    access_log off;
    server { listen 80; listen [::]:80; return 200 'all is well'; }
}
";

/// Behind it nothing answers, and nothing says so.
const ROAD_TO_NOBODY: &str = "
ip link add road type veth peer name end
ip link set end up
ip address add 10.9.1.1/24 dev road
ip -6 address add fd09::1/64 dev road nodad
ip link set road arp off up
";

fn start(place: &Place) {
    nginx(place, CONFIG);
}

fn here() -> SocketAddr {
    "127.0.0.1:80".parse().unwrap()
}

#[test]
fn simpletcp() {
    play("others::simpletcp", &[NGINX], |place| {
        start(place);
        let right = "service=simpletcp\nrequest=\"GET / HTTP/1.0\\n\\n\"\nreceive=\"^all is w\\w+$\"";
        let wrong = [
            ("no such line", "service=simpletcp\nrequest=\"GET / HTTP/1.0\\n\\n\"\nreceive=\"^is well\""),
            ("not in two lines", "service=simpletcp\nrequest=\"GET / HTTP/1.0\\n\\n\"\nreceive=\"OK.*all\""),
            ("no such protocol", "service=simpletcp\nrequest=\"PING\\n\\n\"\nreceive=\"^all is well\""),
        ];
        wait_until_up("nginx", &probe(here(), right));
        must_be_up("IPv6", &probe("[::1]:80".parse().unwrap(), right));
        must_be_up("any line", &probe(here(), "service=simpletcp\nrequest=\"GET / HTTP/1.0\\n\\n\""));
        Battery { place, right, wrong: &wrong, at: here(), udp: false, start: &start }.run();
    });
}

#[test]
fn connect() {
    play("others::connect", &[NGINX], |place| {
        start(place);
        let good = probe(here(), "checktype=connect");
        wait_until_up("nginx", &good);
        must_be_up("IPv6", &probe("[::1]:80".parse().unwrap(), "checktype=connect"));
        let nobody = runtime().block_on(deserted(here().ip()));
        must_be_down("nobody", &probe(nobody, "checktype=connect"));
        place.script(ROAD_TO_NOBODY);
        let lost =
            within(Duration::from_millis(700), &probe("10.9.1.7:80".parse().unwrap(), "checktype=connect"));
        late(&lost);
        place.freeze();
        must_be_up("a connection is all that is wanted", &good);
        place.thaw();
        runtime().block_on(leaks::search(&[
            (good.clone(), true),
            (probe(nobody, "checktype=connect"), false),
            (within(Duration::from_millis(20), &lost), false),
        ]));
        place.stop();
        must_be_down("stopped", &good);
    });
}

fn late(lost: &heartbeat::director::checks::probe::Probe) {
    let begin = Instant::now();
    let outcome = checked(lost);
    assert!(!outcome.up && begin.elapsed() >= lost.timeout, "{outcome:?} after {:?}", begin.elapsed());
}

#[test]
fn ping() {
    play("others::ping", &[], |place| {
        place.script(ROAD_TO_NOBODY);
        place.script("ip route add unreachable 10.9.2.0/24");
        let check = |at: &str| probe(at.parse().unwrap(), "checktype=ping\ncheckcount=2");
        for at in ["127.0.0.1:0", "10.9.1.1:0", "[::1]:0", "[fd09::1]:0"] {
            must_be_up(at, &check(at));
        }
        must_be_up("connect by udp is a ping", &probe(here(), "protocol=udp\nchecktype=connect"));
        let lost = within(Duration::from_millis(400), &check("10.9.1.7:0"));
        let begin = Instant::now();
        assert!(!checked(&lost).up && begin.elapsed() >= lost.timeout * 2, "{:?}", begin.elapsed());
        let lost6 = within(Duration::from_millis(400), &check("[fd09::7]:0"));
        assert!(!checked(&lost6).up);
        let nowhere = checked(&check("10.9.2.1:0"));
        assert!(!nowhere.up, "{nowhere:?}");
        let deaf = place.script("echo 1 >/proc/sys/net/ipv4/icmp_echo_ignore_all");
        assert!(!checked(&within(Duration::from_millis(400), &check("127.0.0.1:0"))).up, "{deaf}");
        place.script("echo 0 >/proc/sys/net/ipv4/icmp_echo_ignore_all");
        runtime().block_on(leaks::search(&[
            (check("127.0.0.1:0"), true),
            (check("[::1]:0"), true),
            (check("10.9.2.1:0"), false),
            (within(Duration::from_millis(10), &check("10.9.1.7:0")), false),
        ]));
    });
}

/// What it is told decides; `$3` is the server's address, by which it is told what to do.
const PROGRAM: &str = r#"#!/bin/sh
case $3 in
10.0.0.1) exit 0 ;;
10.0.0.2) exit 1 ;;
10.0.0.3) exec sleep 1000 ;;
10.0.0.4) sleep 1000 & wait ;;
10.0.0.5) kill -KILL $$ ;;
10.0.0.6) sleep 0.05; exit 0 ;;
esac
"#;

#[test]
fn external() {
    play("others::external", &[], |place| {
        for (name, text) in
            [("check", PROGRAM), ("plain", PROGRAM), ("perl", "exit($ARGV[2] eq '10.0.0.1' ? 0 : 3);\n")]
        {
            let path = place.write(name, text);
            let mode = if name == "check" { 0o755 } else { 0o644 };
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let check = |server: &str, program: &str, kind: &str| {
            let at = format!("{server}:80").parse().unwrap();
            probe(at, &format!("checktype={kind}\ncheckcommand=\"{HOME}/{program}\""))
        };
        let of = |server: &str| check(server, "check", "external");
        must_be_up("yes", &of("10.0.0.1"));
        must_be_down("no", &of("10.0.0.2"));
        must_be_down("killed", &of("10.0.0.5"));
        must_be_down("no program", &check("10.0.0.1", "plain", "external"));
        must_be_up("Perl, yes", &check("10.0.0.1", "perl", "external-perl"));
        must_be_down("Perl, no", &check("10.0.0.2", "perl", "external-perl"));
        late(&within(Duration::from_millis(500), &of("10.0.0.3")));
        let short = Duration::from_millis(50);
        runtime().block_on(leaks::search(&[
            (of("10.0.0.1"), true),
            (of("10.0.0.2"), false),
            (of("10.0.0.5"), false),
            (of("10.0.0.6"), true),
            (check("10.0.0.1", "missing", "external"), false),
            (within(short, &of("10.0.0.3")), false),
            (within(short, &of("10.0.0.4")), false),
        ]));
        // a check that is given up halfway, as at a reload
        runtime().block_on(async {
            for _ in 0..50 {
                let given_up = tokio::time::timeout(short, run(&of("10.0.0.4"))).await;
                assert!(given_up.is_err(), "{given_up:?}");
            }
            place.empty().await;
        });
    });
}
