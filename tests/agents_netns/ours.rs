//! What we promise beyond the reference, in a lab.

use std::path::Path;
use std::time::Duration;

use super::lab::{Capture, LONG, addresses, agent, has, lab, ours, run, sh, state, until};
use super::many::announced_in_full;

const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;

/// Operation and addresses of an ARP frame about that address.
pub(crate) fn arp_of(frame: &[u8], ip: [u8; 4]) -> Option<u8> {
    (frame.get(28..32) == Some(&ip) && frame.get(38..42) == Some(&ip)).then(|| frame[21])
}

#[test]
fn neighbours_are_told_at_once_and_again() {
    lab(|| {
        let (wire, sent) = (Capture::open(ARP), Capture::both_ways());
        assert_eq!(agent("IPaddr2", &["10.0.0.50", "start"]).0, 0);
        let told: Vec<u8> = sent.all().iter().filter_map(|frame| arp_of(frame, [10, 0, 0, 50])).collect();
        assert!(
            told.contains(&1) && told.contains(&2),
            "the first pair was out before start returned: {told:?}"
        );
        let mut forms = Vec::new();
        while forms.len() < 10 {
            let frame = wire.next(LONG).expect("ten frames");
            forms.extend(arp_of(&frame, [10, 0, 0, 50]));
        }
        assert_eq!(forms, [1, 2, 1, 2, 1, 2, 1, 2, 1, 2], "five pairs of request and reply");
        let file = Path::new("/run/resource-agents/send_arp-10.0.0.50");
        until("the helper tidies up", LONG, || !file.exists());
        assert_eq!(wire.next(Duration::from_millis(300)), None);
    });
}

/// A link on which nothing is sent yet: a helper waits there.
fn without_carrier() {
    sh("ip link set pd0 down; ip link set down0 up");
    // A young link may call itself "unknown" for a while, and unknown counts as working.
    until("the kernel knows", LONG, || state("down0") == "LOWERLAYERDOWN");
}

#[test]
fn a_link_that_comes_up_late_is_waited_for() {
    lab(|| {
        without_carrier();
        let wire = Capture::open(ARP);
        let file = Path::new("/run/resource-agents/send_arp-10.0.0.71");
        assert_eq!(agent("IPaddr2", &["10.0.0.71/24/down0", "start"]).0, 0);
        // Longer than the whole schedule of four fifths of a second.
        assert_eq!(wire.next(Duration::from_millis(1500)), None);
        assert!(file.exists(), "the helper is still there");
        sh("ip link set pd0 up");
        until("the kernel knows", LONG, || state("down0") == "UP");
        let mut forms = Vec::new();
        while forms.len() < 10 {
            let frame = wire.next(LONG).unwrap_or_else(|| panic!("ten frames, not {forms:?}"));
            forms.extend(arp_of(&frame, [10, 0, 0, 71]));
        }
        until("the helper tidies up", LONG, || !file.exists());
    });
}

#[test]
fn start_returns_though_the_helper_lives() {
    lab(|| {
        without_carrier();
        // Reads both pipes to their end: a helper that inherited one would keep us until its own end.
        assert_eq!(agent("IPaddr", &["10.0.0.50/24/down0", "start"]), (0, "INFO:  Success\n".to_owned()));
        assert!(Path::new("/run/resource-agents/send_arp-10.0.0.50").exists());
        assert_eq!(agent("IPaddr", &["10.0.0.50", "stop"]).0, 0);
    });
}

#[test]
fn nothing_is_announced_after_stop() {
    lab(|| {
        let wire = Capture::open(ARP);
        agent("IPaddr2", &["10.0.0.50", "start"]);
        agent("IPaddr2", &["10.0.0.50", "stop"]);
        while wire.next(Duration::from_millis(1)).is_some() {}
        assert_eq!(wire.next(Duration::from_millis(500)), None);
    });
}

#[test]
fn on_two_interfaces_each_is_announced_in_full() {
    lab(|| {
        let wire = Capture::open(ARP);
        assert_eq!(agent("IPaddr2", &["10.0.0.50/24/eth0", "start"]).0, 0);
        assert_eq!(agent("IPaddr2", &["10.0.0.50/24/eth1", "start"]).0, 0);
        assert_eq!(agent("IPaddr2", &["10.0.0.50/24/eth1", "stop"]).0, 0);
        announced_in_full(&wire, [10, 0, 0, 50]);
        let names =
            || std::fs::read_dir("/run/resource-agents").unwrap().map(|file| file.unwrap().file_name());
        let none = || !names().any(|name| name.to_string_lossy().starts_with("send_arp"));
        until("the helpers tidy up", LONG, none);
    });
}

#[test]
fn the_helper_gives_up_when_the_address_is_gone() {
    lab(|| {
        without_carrier();
        agent("IPaddr", &["10.0.0.50/24/down0", "start"]);
        let file = Path::new("/run/resource-agents/send_arp-10.0.0.50");
        assert!(file.exists());
        sh("ip addr del 10.0.0.50/24 dev down0");
        // It would have waited for the link for longer than we do.
        until("the helper has gone", LONG, || !file.exists());
    });
}

#[test]
fn secondaries_survive_their_primary() {
    lab(|| {
        for ip in ["10.8.0.1", "10.8.0.2", "10.8.0.3"] {
            assert_eq!(agent("IPaddr2", &[&format!("{ip}/24/eth1"), "start"]).0, 0);
        }
        assert_eq!(agent("IPaddr2", &["10.8.0.1/24/eth1", "stop"]).0, 0);
        assert!(!has("10.8.0.1") && has("10.8.0.2") && has("10.8.0.3"), "{:?}", addresses());
    });
}

#[test]
fn a_lost_link_is_no_lost_address() {
    lab(|| {
        agent("IPaddr2", &["10.0.0.72", "start"]);
        sh("ip link set eth0 down");
        let stopped = agent("IPaddr2", &["10.0.0.72", "status"]);
        assert_eq!(
            stopped,
            (0, "INFO:  Running OK\n".to_owned()),
            "no route leads to it, and yet we hold it"
        );
        assert_eq!(agent("IPaddr2", &["10.0.0.72", "stop"]).0, 0);
        assert!(!has("10.0.0.72"));
    });
}

#[test]
fn stop_removes_whatever_the_prefix() {
    lab(|| {
        agent("IPaddr2", &["10.0.0.52", "start"]);
        sh("ip addr add 10.0.0.9/25 dev eth0");
        assert_eq!(agent("IPaddr2", &["10.0.0.52", "status"]).0, 0);
        assert_eq!(agent("IPaddr2", &["10.0.0.52", "stop"]).0, 0);
        assert!(!has("10.0.0.52"), "{:?}", addresses());
    });
}

#[test]
fn both_ends_of_a_point_to_point_link_are_its_own() {
    lab(|| {
        sh("ip addr add 10.77.0.1 peer 10.77.0.2 dev eth1");
        for ip in ["10.77.0.1", "10.77.0.2"] {
            assert_eq!(agent("IPaddr2", &[&format!("{ip}/32/eth1"), "status"]).0, 7, "{ip}");
            assert_eq!(agent("IPaddr2", &[&format!("{ip}/32/eth1"), "stop"]).0, 0);
            assert_eq!(agent("IPaddr", &[ip, "stop"]).0, 0);
        }
        assert!(has("10.77.0.1"));
    });
}

#[test]
fn without_the_capability_it_fails_and_says_why() {
    lab(|| {
        let setpriv = Path::new("setpriv");
        let bound = ["--bounding-set", "-net_admin,-net_raw", "--inh-caps", "-net_admin,-net_raw"];
        for (name, operation, ip) in [
            ("IPaddr2", "start", "10.0.0.95"),
            ("IPaddr2", "stop", "10.0.0.1"),
            ("IPaddr", "start", "10.0.0.96"),
        ] {
            let program = ours().join(name);
            let output = run(setpriv, &[&bound[..], &[program.to_str().unwrap(), ip, operation]].concat());
            assert_eq!(output.status.code(), Some(1), "{name} {ip} {operation}");
            assert_eq!(output.stdout, b"ERROR:  Generic error\n");
            let log = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(log.contains("errno 1") && log.contains(ip), "{log}");
        }
    });
}

#[test]
fn many_at_once_do_not_disturb_each_other() {
    lab(|| {
        let all = |operation: &str| {
            let children: Vec<_> = (100..130)
                .map(|n| {
                    std::process::Command::new(ours().join("IPaddr"))
                        .args([format!("10.8.0.{n}/24/eth1"), operation.to_owned()])
                        .stdout(std::process::Stdio::null())
                        .stderr(std::process::Stdio::null())
                        .spawn()
                        .unwrap()
                })
                .collect();
            for mut child in children {
                assert!(child.wait().unwrap().success());
            }
        };
        all("start");
        let mut labels: Vec<_> = addresses()
            .iter()
            .filter(|l| l.contains(" 10.8.0."))
            .filter_map(|l| l.split(' ').next_back().map(str::to_owned))
            .collect();
        labels.sort();
        labels.dedup();
        assert_eq!(labels.len(), 30, "each its own label: {labels:?}");
        all("stop");
        assert!(!addresses().iter().any(|l| l.contains(" 10.8.0.")), "{:?}", addresses());
    });
}

#[test]
fn ipv6_is_usable_at_once_and_advertised() {
    lab(|| {
        let wire = Capture::open(IPV6);
        assert_eq!(agent("IPv6addr", &["fd00::50", "start"]), (0, "INFO:  Success\n".to_owned()));
        let line = addresses().into_iter().find(|l| l.contains("fd00::50/64")).expect("it is there");
        assert!(line.contains("nodad") && !line.contains("tentative"), "{line}");
        let target: std::net::Ipv6Addr = "fd00::50".parse().unwrap();
        let is_ours = |f: &[u8]| f.get(54) == Some(&136) && f.get(62..78) == Some(&target.octets());
        let frame = std::iter::from_fn(|| wire.next(LONG)).find(|f| is_ours(f)).expect("an advertisement");
        assert_eq!(frame[58], 0x20, "override, neither router nor solicited");
        assert_eq!(frame[38..54], "ff02::1".parse::<std::net::Ipv6Addr>().unwrap().octets());
        assert_eq!(frame[80..86], [2, 0, 0, 0, 0, 1]);
        assert_eq!(agent("IPv6addr", &["fd00::50", "status"]).1, "INFO:  Running OK\n");
        assert_eq!(agent("IPv6addr", &["fd00::50", "stop"]).1, "INFO:  Success\n");
        assert!(!has("fd00::50"));
    });
}

#[test]
fn other_kinds_of_links() {
    lab(|| {
        for kind in ["macvlan", "ipvlan", "vlan id 7", "bridge", "bond", "dummy"] {
            let parent = if kind == "bridge" || kind == "bond" || kind == "dummy" { "" } else { "link eth0" };
            let command = format!("ip link add {parent} name t0 type {kind} 2>/dev/null");
            if !run(Path::new("sh"), &["-c", &command]).status.success() {
                println!("skipped: this kernel has no {kind}");
                continue;
            }
            assert_eq!(agent("IPaddr2", &["10.9.0.5/24/t0:x", "start"]).0, 0, "{kind}");
            assert!(
                addresses().iter().any(|l| l.contains("10.9.0.5/24") && l.ends_with("t0:x")),
                "{kind}: {:?}",
                addresses()
            );
            assert_eq!(agent("IPaddr2", &["10.9.0.5/24/t0:x", "stop"]).0, 0, "{kind}");
            sh("ip link del t0");
        }
    });
}

#[test]
fn sendarp_announces_what_it_has_not() {
    lab(|| {
        let wire = Capture::open(ARP);
        assert_eq!(agent("SendArp", &["10.0.0.50/eth0", "start"]).0, 0);
        let mut forms = Vec::new();
        while forms.len() < 10 {
            forms.extend(arp_of(&wire.next(LONG).expect("ten frames"), [10, 0, 0, 50]));
        }
        assert!(!has("10.0.0.50"));
    });
}
