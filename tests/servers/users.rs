//! freeradius.

use std::net::SocketAddr;

use crate::battery::Battery;
use crate::check::{must_be_late, must_be_up, probe, wait_until_up, within};
use crate::place::{Place, play};
use std::time::Duration;

const RADIUS: (&str, &str) = ("/usr/sbin/freeradius", "freeradius");

const CONFIG: &str = "\
prefix = /usr
libdir = /usr/lib/freeradius
name = radiusd
raddbdir = /mnt/s/raddb
logdir = /var/log
run_dir = /run
pidfile = /run/radiusd.pid
max_requests = 16384
security {
  user = freerad
  group = freerad
  allow_core_dumps = no
  reject_delay = 0
}
thread pool {
  start_servers = 2
  max_servers = 4
  min_spare_servers = 1
  max_spare_servers = 3
}
log {
  destination = stdout
}
client local {
  ipaddr = 127.0.0.1
  secret = TopSecret
}
client local6 {
  ipv6addr = ::1
  secret = TopSecret
}
modules {
  pap {
  }
  files {
    usersfile = /mnt/s/raddb/users
  }
}
server default {
  listen {
    type = auth
    ipaddr = *
    port = 1812
  }
  listen {
    type = auth
    ipv6addr = ::
    port = 1812
  }
  authorize {
    files
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
  }
}
";

const LONG: &str = "a long password of more than sixteen bytes";

fn start(place: &Place) {
    let users = format!("tester Cleartext-Password := \"se cret\"\nlong Cleartext-Password := \"{LONG}\"\n");
    place.write("raddb/users", &users);
    place.write("raddb/radiusd.conf", CONFIG);
    place.start("freeradius -f -d /mnt/s/raddb -l stdout");
}

#[test]
fn radius() {
    play("users::radius", &[RADIUS], |place| {
        start(place);
        let at: SocketAddr = "127.0.0.1:1812".parse().unwrap();
        let lines = |login: &str, passwd: &str, secret: &str| {
            let user = format!("login=\"{login}\"\npasswd=\"{passwd}\"\nsecret=\"{secret}\"");
            format!("protocol=udp\nservice=radius\n{user}")
        };
        let right = lines("tester", "se cret", "TopSecret");
        wait_until_up("freeradius", &within(Duration::from_secs(1), &probe(at, &right)));
        must_be_up("a long password", &probe(at, &lines("long", LONG, "TopSecret")));
        must_be_up("IPv6", &probe("[::1]:1812".parse().unwrap(), &right));
        // It does answer, but in a way that anybody could.
        let stranger = lines("tester", "se cret", "NotTopSecret");
        must_be_late("another secret", &within(Duration::from_secs(1), &probe(at, &stranger)));
        let wrong = [
            ("a wrong password", lines("tester", "secret", "TopSecret")),
            ("no such user", lines("nobody", "x", "TopSecret")),
        ];
        let wrong: Vec<_> = wrong.iter().map(|(what, lines)| (*what, lines.as_str())).collect();
        Battery { place, right: &right, wrong: &wrong, at, udp: true, start: &start }.run();
    });
}
