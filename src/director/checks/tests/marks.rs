//! What a probe makes of firewall marks, and of IPv6.

use std::net::Ipv6Addr;

use super::probe::{By, Way};
use super::*;

fn of(text: &str) -> Probe {
    let config = config(text);
    Probe::of(&config.virtuals[0], &config.virtuals[0].reals[0], false)
}

#[test]
fn a_mark_has_no_port_of_its_own() {
    let mark = |real: &str, lines: &str| of(&format!("virtual=7\n\treal={real} gate\n{lines}"));
    let Way::External(words) = mark("10.0.0.2:81", "\tchecktype=external\n\tcheckcommand=/x\n").way else {
        panic!("external")
    };
    // recorded from the reference
    assert_eq!(words, ["/x", "7", "0", "10.0.0.2", "81"]);
    assert_eq!(mark("10.0.0.2", "\tservice=http\n").at.port(), 80);
    assert_eq!(mark("10.0.0.2:81", "\tservice=http\n").at.port(), 81);
    assert_eq!(mark("10.0.0.2:81", "\tservice=http\n\tcheckport=82\n").at.port(), 82);
    assert_eq!(mark("10.0.0.2", "\tchecktype=connect\n\tcheckport=83\n").at.port(), 83);
    assert_eq!(mark("10.0.0.2", "\tchecktype=connect\n\tcheckport=83\n").way, Way::Connect);
    let dns = mark("10.0.0.2", "\tservice=dns\n\trequest=\"a\"\n\treceive=\"b\"\n");
    assert!(matches!(dns.way, Way::Dns { udp: true, .. }), "the reference asks by UDP");
    assert!(matches!(mark("10.0.0.2", "\tservice=sip\n").way, Way::Talk { by: By::Tcp, .. }));
    assert_eq!(mark("10.0.0.2", "").way, Way::Trusted, "no service is known");
}

/// By UDP nothing can be connected to: as in the reference who is only to be connected to is up. Pings are for those
/// who are asked nothing else.
#[test]
fn between_its_negotiations_a_server_by_udp_is_up() {
    let between = |lines: &str| {
        let text =
            format!("virtual=10.0.0.100:53\n\tprotocol=udp\n\treal=127.0.0.1:1 masq\n\tchecktype={lines}");
        let config = config(&text);
        Probe::of(&config.virtuals[0], &config.virtuals[0].reals[0], true)
    };
    for service in ["dns\n\trequest=\"a\"\n\treceive=\"b\"", "sip", "none"] {
        let probe = between(&format!("3\n\tservice={service}\n"));
        assert_eq!((&probe.way, checked(&probe)), (&Way::Trusted, Outcome::up("-")), "{service}");
    }
    assert!(matches!(between("connect\n").way, Way::Ping(_)));
    assert_eq!(local(1, "\tservice=none\n"), Outcome::up("-"), "the monitor file is told");
    assert_eq!(local(1, "\tchecktype=on\n"), Outcome::up(""), "and here it is not");
}

#[test]
fn ports_and_services_of_ipv6() {
    let text = "virtual6=[2001:db8::1]:443\n\treal6=[2001:db8::2] masq\n\tchecktype=";
    let Way::External(words) = of(&format!("{text}external\n\tcheckcommand=/x\n")).way else {
        panic!("external")
    };
    assert_eq!(words, ["/x", "[2001:db8::1]", "443", "[2001:db8::2]", "0"]);
    let Way::Http(page) = of(&format!("{text}negotiate\n")).way else { panic!("https") };
    assert_eq!((page.host.as_str(), page.secure), ("[2001:db8::2]", true));
}

/// A server at `::1`, or none where there is no IPv6.
fn server6(manner: Manner) -> Option<Server> {
    match TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) {
        Ok(listener) => Some(serve(listener, manner)),
        Err(why) => {
            println!("SKIPPED: no IPv6 here: {why}");
            None
        }
    }
}

fn local6(port: u16, lines: &str) -> Outcome {
    checked(&of(&format!("virtual6=[2001:db8::1]:80\n\treal6=[::1]:{port} masq\n\tchecktimeout=2\n{lines}")))
}

#[test]
fn servers_are_checked_by_ipv6() {
    let Some(page) = server6(|stream| answering(stream, http::OK)) else { return };
    assert_eq!(local6(page.port, "\treceive=\"well\"\n"), Outcome::up("200 OK"));
    let asked = page.heard.recv().unwrap();
    assert!(asked.starts_with("GET / HTTP/1.1\r\nHost: [::1]\r\n"), "{asked}");
    assert!(local6(page.port, "\tchecktype=connect\n").up);
    let Some(files) = server6(lines::ftp) else { return };
    let check = "\tservice=ftp\n\tlogin=\"anonymous\"\n\trequest=\"welcome.msg\"\n\treceive=\"a test\"\n";
    assert_eq!(local6(files.port, check), Outcome::up("-"));
}
