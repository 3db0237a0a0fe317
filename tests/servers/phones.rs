//! kamailio, by datagrams and by TCP.

use std::net::SocketAddr;

use crate::battery::Battery;
use crate::check::{checked, must_be_up, probe, wait_until_up};
use crate::place::{Place, play};

const KAMAILIO: (&str, &str) = ("/usr/sbin/kamailio", "kamailio");

const CONFIG: &str = r#"#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=2
listen=udp:127.0.0.1:5060
listen=tcp:127.0.0.1:5060
listen=udp:[::1]:5060
listen=tcp:[::1]:5060
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
request_route {
    if ($rU == "busy") { sl_send_reply("503", "Service Unavailable"); exit; }
    if ($rU == "ghost") { exit; }
    if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }
    sl_send_reply("405", "Method Not Allowed");
}
"#;

fn start(place: &Place) {
    let config = place.write("kamailio.cfg", CONFIG);
    place.start(&format!("kamailio -DD -E -f {config} -Y /run -w /mnt/s -m 16 -M 4"));
}

#[test]
fn sip() {
    play("phones::sip", &[KAMAILIO], |place| {
        start(place);
        for udp in [true, false] {
            let protocol = if udp { "protocol=udp\n" } else { "" };
            let lines = |login: &str| format!("{protocol}service=sip\nlogin=\"{login}\"");
            let (at, right) = ("127.0.0.1:5060".parse::<SocketAddr>().unwrap(), lines("ping@example.org"));
            wait_until_up("kamailio", &probe(at, &right));
            must_be_up("whoever is meant", &probe(at, &format!("{protocol}service=sip")));
            must_be_up("IPv6", &probe("[::1]:5060".parse().unwrap(), &right));
            let busy = lines("busy@example.org");
            let outcome = checked(&probe(at, &busy));
            assert!(!outcome.up && outcome.text == "SIP/2.0 503 Service Unavailable", "{outcome:?}");
            let wrong = [("busy", busy.as_str())];
            Battery { place, right: &right, wrong: &wrong, at, udp, start: &start }.run();
        }
    });
}
