//! Media that talk over real interfaces: two nodes, each in a network namespace of its own, joined by
//! cables. Each test runs in a process of its own that has left the host's network behind.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use std::collections::BTreeMap;
use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use heartbeat::level::Level;
use heartbeat::media::{self, Buffer, Cause, ErrorLimiter, Medium, Spec};
use nix::sched::{CloneFlags, setns};

#[path = "media_netns/ping.rs"]
mod ping;
#[path = "media_netns/serial.rs"]
mod serial;
#[path = "lab/skip.rs"]
mod skip;

const INSIDE: &str = "HEARTBEAT_TEST_INSIDE_NETNS";

/// Runs the body in a new network namespace: this very test, started anew under `unshare`. An
/// unprivileged user gets a user namespace around it.
fn in_new_network(test: &str, body: impl Future<Output = ()>) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(body);
    }
    let flags: &[&str] = if nix::unistd::geteuid().is_root() { &["-n"] } else { &["-U", "-r", "-n"] };
    if !Command::new("unshare").args(flags).arg("true").status().is_ok_and(|s| s.success()) {
        return skip::cannot("no network namespaces here");
    }
    let mut inner = Command::new("unshare");
    inner
        .args(flags)
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1");
    assert!(inner.status().unwrap().success(), "{test} failed inside");
}

fn sh(script: &str) {
    assert!(Command::new("sh").args(["-ec", script]).status().unwrap().success(), "{script}");
}

/// The other node: a process that does nothing in a network namespace of its own.
struct Peer(Child, File);

impl Peer {
    /// Connects both nodes by `cables`: eth0 to eth0 and so on, 10.N.0.1 here, 10.N.0.2 there.
    fn new(cables: usize) -> Self {
        let child = Command::new("unshare").args(["-n", "sleep", "60"]).stdin(Stdio::null()).spawn().unwrap();
        let here = std::fs::read_link("/proc/thread-self/ns/net").unwrap();
        let there = format!("/proc/{}/ns/net", child.id());
        while std::fs::read_link(&there).unwrap() == here {
            std::thread::sleep(Duration::from_millis(5));
        }
        let (peer, namespace) = (child.id(), File::open(there).unwrap());
        let peer_of = Self(child, namespace);
        sh("ip link set lo up");
        peer_of.sh("ip link set lo up");
        for n in 0..cables {
            sh(&format!("ip link add eth{n} type veth peer name eth{n} netns {peer}"));
            sh(&address(n, 1));
            peer_of.sh(&address(n, 2));
        }
        for n in 0..cables {
            sh(&ready(n));
            peer_of.sh(&ready(n));
        }
        peer_of
    }

    /// Does something on that node; its sockets stay there.
    fn there<T>(&self, what: impl FnOnce() -> T) -> T {
        let here = File::open("/proc/thread-self/ns/net").unwrap();
        setns(&self.1, CloneFlags::CLONE_NEWNET).unwrap();
        let result = what();
        setns(here, CloneFlags::CLONE_NEWNET).unwrap();
        result
    }

    fn sh(&self, script: &str) {
        self.there(|| sh(script));
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn address(n: usize, node: u8) -> String {
    format!(
        "ip link set eth{n} addrgenmode none; ip addr add 10.{n}.0.{node}/24 brd 10.{n}.0.255 dev eth{n}; ip -6 addr add fd0{n}::{node}/64 dev eth{n} nodad; \
         ip -6 addr add fe80::{node}/64 dev eth{n} nodad; ip link set eth{n} up"
    )
}

/// Waits until the system has taken note that both ends are up: before that IPv6 goes nowhere.
fn ready(n: usize) -> String {
    format!(
        "until ip link show dev eth{n} | grep -q 'state UP' && ! ip -6 addr show dev eth{n} tentative | grep -q inet6; \
         do sleep 0.05; done"
    )
}

fn bcast(iface: &str) -> Spec {
    Spec::Bcast { iface: iface.into(), port: 694 }
}

fn ucast(iface: &str, peer: [u8; 4]) -> Spec {
    Spec::Ucast { iface: iface.into(), peer: peer.into(), port: 694 }
}

fn mcast(iface: &str, looped: bool) -> Spec {
    Spec::Mcast { iface: iface.into(), group: Ipv4Addr::new(239, 1, 2, 3), port: 694, ttl: 1, looped }
}

fn mcast6(iface: &str) -> Spec {
    Spec::Mcast6 {
        iface: iface.into(),
        group: "ff02::694".parse().unwrap(),
        port: 694,
        hops: 1,
        looped: false,
    }
}

fn ucast6(iface: &str, peer: &str) -> Spec {
    Spec::Ucast6 { iface: iface.into(), peer: peer.parse::<Ipv6Addr>().unwrap(), port: 694 }
}

fn open(spec: &Spec) -> Medium {
    media::open(spec).unwrap_or_else(|e| panic!("{e}"))
}

/// As a message begins: anything else the listening sockets do not take.
fn framed(text: &str) -> Vec<u8> {
    [b"###\n", text.as_bytes()].concat()
}

/// Nothing more comes after a silence of this length.
const QUIET: Duration = Duration::from_millis(150);
/// So long the first datagram is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// What arrives, by medium: from the first datagram until it is quiet.
async fn arrivals(media: &[Medium]) -> BTreeMap<(&str, Vec<u8>), usize> {
    let (mut buffer, mut seen) = (Buffer::default(), BTreeMap::new());
    let (began, mut heard) = (Instant::now(), Instant::now());
    while began.elapsed() < PATIENCE && (seen.is_empty() || heard.elapsed() < QUIET) {
        for medium in media {
            let each = |bytes: &[u8]| *seen.entry((medium.name(), bytes.to_vec())).or_default() += 1;
            if medium.drain(&mut buffer, each).unwrap() > 0 {
                heard = Instant::now();
            }
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    seen
}

/// Sends one datagram each way; it must arrive, and only on that link.
async fn talk(here: &Medium, there: &Medium) {
    for (from, to) in [(here, there), (there, here)] {
        let datagram = framed(&format!("hello over {}", from.description()));
        from.send(&datagram).unwrap_or_else(|e| panic!("{}: {e}", from.description()));
        let seen = arrivals(std::slice::from_ref(to)).await;
        assert_eq!(seen.into_keys().collect::<Vec<_>>(), [(to.name(), datagram)], "{}", from.description());
    }
}

#[test]
fn each_kind_reaches_the_peer() {
    in_new_network("each_kind_reaches_the_peer", async {
        let peer = Peer::new(1);
        let pairs = [
            (ucast("eth0", [10, 0, 0, 2]), ucast("eth0", [10, 0, 0, 1])),
            (mcast("eth0", false), mcast("eth0", false)),
            (mcast6("eth0"), mcast6("eth0")),
            (ucast6("eth0", "fd00::2"), ucast6("eth0", "fd00::1")),
            (ucast6("eth0", "fe80::2"), ucast6("eth0", "fe80::1")),
        ];
        for (here, there) in pairs {
            let (here, there) = (open(&here), peer.there(|| open(&there)));
            talk(&here, &there).await;
        }
    });
}

#[test]
fn a_broadcast_reaches_the_peer_and_its_sender() {
    in_new_network("a_broadcast_reaches_the_peer_and_its_sender", async {
        let peer = Peer::new(1);
        let here = [open(&bcast("eth0"))];
        let there = [peer.there(|| open(&bcast("eth0")))];
        assert_eq!(here[0].destination().to_string(), "10.0.0.255:694");
        let largest = framed(&"x".repeat(65_503));
        for datagram in [b"###\n".to_vec(), largest] {
            here[0].send(&datagram).unwrap();
            let wanted: Vec<_> = vec![("eth0", datagram)];
            assert_eq!(arrivals(&there).await.into_keys().collect::<Vec<_>>(), wanted);
            assert_eq!(arrivals(&here).await.into_keys().collect::<Vec<_>>(), wanted);
        }
    });
}

#[test]
fn all_kinds_share_an_interface_and_a_port() {
    in_new_network("all_kinds_share_an_interface_and_a_port", async {
        let peer = Peer::new(1);
        let specs = |other: u8, own: u8| {
            [
                bcast("eth0"),
                ucast("eth0", [10, 0, 0, other]),
                ucast("eth0", [10, 0, 0, own]),
                mcast("eth0", false),
                mcast6("eth0"),
                ucast6("eth0", &format!("fd00::{other}")),
            ]
        };
        let here: Vec<_> = specs(2, 1).iter().map(open).collect();
        let there: Vec<_> = peer.there(|| specs(1, 2).iter().map(open).collect());
        for (n, medium) in here.iter().enumerate().filter(|(n, _)| *n != 2) {
            let datagram = framed(&format!("number {n}"));
            medium.send(&datagram).unwrap();
            let seen = arrivals(&there).await;
            assert_eq!(
                seen.keys().collect::<Vec<_>>(),
                [&("eth0", datagram.clone())],
                "{}",
                medium.description()
            );
            if n != 0 {
                assert_eq!(seen.into_values().collect::<Vec<_>>(), [1], "{}", medium.description());
            }
        }
    });
}

#[test]
fn links_are_not_confused() {
    in_new_network("links_are_not_confused", async {
        let peer = Peer::new(2);
        let specs = |other: u8| {
            ["eth0", "eth1"].into_iter().enumerate().flat_map(move |(n, iface)| {
                [
                    bcast(iface),
                    mcast(iface, true),
                    ucast(iface, [10, n as u8, 0, other]),
                    mcast6(iface),
                    ucast6(iface, &format!("fe80::{other}")),
                ]
            })
        };
        let here: Vec<_> = specs(2).map(|spec| open(&spec)).collect();
        let there: Vec<_> = peer.there(|| specs(1).map(|spec| open(&spec)).collect());
        for medium in &here {
            let datagram = framed(medium.description());
            medium.send(&datagram).unwrap();
            let links: Vec<_> = arrivals(&there).await.into_keys().collect();
            assert_eq!(links, [(medium.name(), datagram.clone())], "{}", medium.description());
            arrivals(&here).await.into_keys().for_each(|(link, _)| assert_eq!(link, medium.name()));
        }
    });
}

#[test]
fn a_burst_is_handed_out_in_portions() {
    in_new_network("a_burst_is_handed_out_in_portions", async {
        let peer = Peer::new(1);
        let here = open(&ucast("eth0", [10, 0, 0, 2]));
        let there = peer.there(|| open(&ucast("eth0", [10, 0, 0, 1])));
        for n in 0..150u8 {
            here.send(&[b"###\n".as_slice(), &[n]].concat()).unwrap();
        }
        let (mut buffer, mut seen, mut turns) = (Buffer::default(), Vec::new(), 0);
        while seen.len() < 150 {
            let before = seen.len();
            there.receive(&mut buffer, |bytes| seen.push(bytes[4])).await.unwrap();
            assert!(seen.len() - before <= 64);
            turns += 1;
        }
        assert!(turns >= 3);
        assert_eq!(seen, (0..150).collect::<Vec<u8>>());
    });
}

#[test]
fn a_lost_interface_is_reported_and_reopened() {
    in_new_network("a_lost_interface_is_reported_and_reopened", async {
        let peer = Peer::new(1);
        let here = open(&bcast("eth0"));
        let mut limiter = ErrorLimiter::default();
        sh("ip link set eth0 down");
        let error = here.send(b"x").unwrap_err();
        let lines = limiter.failed(here.description(), here.send_failure(1, &error));
        let wanted = [
            "glib: bcast_write: Unable to send HBcomm packet eth0 10.0.0.255:694 len=1 [-1]: Network is unreachable",
            "write_child: write failure on bcast eth0.: Network is unreachable",
        ];
        assert_eq!(lines.iter().map(|n| n.text.as_str()).collect::<Vec<_>>(), wanted);
        assert!(lines.iter().all(|n| n.level == Level::Error));
        sh("ip link set eth0 up");
        here.send(b"x").unwrap();
        sh("ip link del eth0");
        assert!(here.send(b"x").is_err());
        assert!(matches!(media::open(&bcast("eth0")).unwrap_err().cause, Cause::NoInterface));
        sh(&format!("ip link add eth0 type veth peer name eth0 netns {}; {}", peer.0.id(), address(0, 1)));
        peer.sh(&address(0, 2));
        assert!(here.send(b"x").is_err(), "the old sockets stay dead");
        let here = open(&bcast("eth0"));
        let there = peer.there(|| open(&bcast("eth0")));
        here.send(&framed("back")).unwrap();
        assert_eq!(arrivals(&[there]).await.into_keys().collect::<Vec<_>>(), [("eth0", framed("back"))]);
    });
}

#[test]
fn what_cannot_be_opened_says_why() {
    in_new_network("what_cannot_be_opened_says_why", async {
        let _peer = Peer::new(1);
        let refused = |spec: &Spec| media::open(spec).unwrap_err();
        assert_eq!(refused(&bcast("eth9")).note().text, "glib: IP interface [eth9] does not exist");
        assert_eq!(
            refused(&ucast("eth9", [10, 0, 0, 2])).note().text,
            "glib: ucast: interface [eth9] does not exist"
        );
        let odd = Spec::Mcast {
            iface: "eth0".into(),
            group: Ipv4Addr::new(10, 0, 0, 1),
            port: 694,
            ttl: 1,
            looped: false,
        };
        assert!(matches!(refused(&odd).cause, Cause::BadGroup(_)));
        sh("ip link add bare0 type veth peer name bare1; ip link set bare0 up");
        assert!(matches!(refused(&bcast("bare0")).cause, Cause::NoAddress));
        assert_eq!(refused(&mcast("bare0", false)).retry().unwrap().times, 120);
        let taken = std::net::UdpSocket::bind("0.0.0.0:694").unwrap();
        let error = refused(&bcast("eth0"));
        assert!(matches!(error.cause, Cause::PortTaken));
        let mut notes = Vec::new();
        let patient = bcast("eth0");
        let patient = media::open_patiently(&patient, |note| notes.push(note.text));
        let free = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            drop(taken);
        };
        let (opened, ()) = tokio::join!(patient, free);
        assert!(opened.is_ok());
        assert_eq!(notes, ["glib: Error binding socket (Address already in use). Retrying."]);
    });
}

/// As those of bonds and of VLANs on them.
#[test]
fn an_interface_of_any_name_will_do() {
    in_new_network("an_interface_of_any_name_will_do", async {
        let peer = Peer::new(1);
        for name in ["bond0.4094", "br-lan", "a23456789012345"] {
            sh(&format!("ip link set eth0 down; ip link set eth0 name {name}; ip link set {name} up"));
            sh(&ready(0).replace("eth0", name));
            for spec in [bcast, |iface: &str| mcast(iface, false), |iface: &str| ucast(iface, [10, 0, 0, 2])]
            {
                let here = open(&spec(name));
                let there = peer.there(|| open(&bcast("eth0")));
                here.send(&framed("hello")).unwrap();
                assert_eq!(here.name(), name);
                assert!(media::face(here.spec()).is_some());
                if here.kind() != media::Kind::Mcast {
                    let seen = arrivals(std::slice::from_ref(&there)).await;
                    assert_eq!(seen.into_keys().collect::<Vec<_>>(), [("eth0", framed("hello"))]);
                }
            }
            sh(&format!("ip link set {name} down; ip link set {name} name eth0; ip link set eth0 up"));
        }
    });
}

#[test]
fn without_a_broadcast_address_all_hosts_are_meant() {
    in_new_network("without_a_broadcast_address_all_hosts_are_meant", async {
        let peer = Peer::new(1);
        sh("ip addr flush dev eth0; ip addr add 10.0.0.1/24 dev eth0");
        let here = open(&bcast("eth0"));
        assert_eq!(here.destination().to_string(), "255.255.255.255:694");
        let there = peer.there(|| open(&bcast("eth0")));
        talk(&here, &there).await;
    });
}

#[test]
fn the_log_lines_are_those_of_the_reference() {
    in_new_network("the_log_lines_are_those_of_the_reference", async {
        let _peer = Peer::new(1);
        let texts = |spec: &Spec| open(spec).notes().into_iter().map(|n| n.text).collect::<Vec<_>>();
        assert_eq!(
            texts(&bcast("eth0")),
            [
                "glib: UDP Broadcast heartbeat started on port 694 (694) interface eth0",
                "glib: UDP Broadcast heartbeat closed on port 694 interface eth0 - Status: 1",
            ]
        );
        assert_eq!(
            texts(&mcast("eth0", false)),
            [
                "glib: UDP multicast heartbeat started for group 239.1.2.3 port 694 interface eth0 (ttl=1 loop=0)"
            ]
        );
        assert_eq!(
            texts(&mcast6("eth0")),
            ["glib: UDP multicast heartbeat started for [ff02::694]:694 on interface eth0 (hops=1 loop=0)"]
        );
        let last = |spec: &Spec| texts(spec).pop().unwrap();
        assert_eq!(
            last(&ucast("eth0", [10, 0, 0, 2])),
            "glib: ucast: started on port 694 interface eth0 to 10.0.0.2"
        );
        assert_eq!(
            last(&ucast6("eth0", "fd00::2")),
            "glib: ucast6: heartbeat started for [fd00::2]:694 on interface eth0"
        );
    });
}
