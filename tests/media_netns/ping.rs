//! Ping nodes: real kernels answer, and others answer in their place.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};

use heartbeat::level::Level;
use heartbeat::media::{Buffer, ErrorLimiter, Ping, PingKind, PingSpec};
use socket2::{Domain, Protocol, Socket, Type};

use super::{PATIENCE, Peer, in_new_network, sh};

fn open(kind: PingKind, name: &str, peers: &[&str]) -> Ping {
    let peers = peers.iter().map(|peer| peer.parse().unwrap()).collect();
    Ping::open(&PingSpec { kind, name: name.to_owned(), peers }).unwrap()
}

fn single(peer: &str) -> Ping {
    open(PingKind::Ping, peer, &[peer])
}

/// What is there, once something is: how many packets, and the payloads handed out.
async fn received(ping: &mut Ping) -> (usize, Vec<Vec<u8>>) {
    let waiting = poll_fn(|context| ping.poll_readable(context));
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("{ping}: no answer")).unwrap();
    let mut seen = Vec::new();
    let each = |payload: &[u8]| {
        seen.push(payload.to_vec());
        true
    };
    let count = ping.drain(&mut Buffer::default(), each).unwrap();
    (count, seen)
}

async fn answers(ping: &mut Ping) -> Vec<Vec<u8>> {
    received(ping).await.1
}

/// An answer as a host at the other end of the cable would send it, genuine or not.
struct Impostor(Socket);

impl Impostor {
    fn at(peer: &Peer) -> Self {
        Self(peer.there(|| Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).unwrap()))
    }

    /// From whatever address: it is bound to one first.
    fn answers(&self, from: &str, pid: u32, sequence: u16, payload: &[u8]) {
        self.0.bind(&SocketAddr::new(from.parse().unwrap(), 0).into()).unwrap();
        let mut packet = vec![0, 0, 0, 0];
        packet.extend(((pid & 0xffff) as u16).to_ne_bytes());
        packet.extend(sequence.to_be_bytes());
        packet.extend(payload);
        let mut sum: u32 = packet
            .chunks(2)
            .map(|pair| {
                pair.first().map_or(0, |high| u32::from(*high) << 8)
                    | pair.get(1).map_or(0, |low| u32::from(*low))
            })
            .sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        packet.splice(2..4, (!(sum as u16)).to_be_bytes());
        let to: IpAddr = "10.0.0.1".parse().unwrap();
        self.0.send_to(&packet, &SocketAddr::new(to, 0).into()).unwrap();
    }
}

#[test]
fn a_kernel_answers_with_what_it_was_sent() {
    in_new_network("ping::a_kernel_answers_with_what_it_was_sent", async {
        let _peer = Peer::new(1);
        let large = vec![b'x'; 1400];
        for ping in [&mut single("10.0.0.2"), &mut open(PingKind::Ping6, "fd00::2", &["fd00::2"])] {
            for payload in [b"###\n".as_slice(), b"odd", &large] {
                ping.send(payload).unwrap();
                assert_eq!(answers(ping).await, [payload], "{ping}");
            }
        }
        assert_eq!(single("10.0.0.2").note().text, "glib: ping heartbeat started.");
        assert_eq!(
            open(PingKind::Group, "g", &["10.0.0.2"]).note().text,
            "glib: ping group heartbeat started."
        );
        assert_eq!(open(PingKind::Ping6, "g", &["fd00::2"]).note().text, "glib: ping heartbeat started.");
    });
}

#[test]
fn of_a_group_the_first_believed_answer_counts() {
    in_new_network("ping::of_a_group_the_first_believed_answer_counts", async {
        let peer = Peer::new(1);
        peer.sh("ip addr add 10.0.0.3/24 dev eth0");
        let mut group = open(PingKind::Group, "pg", &["10.0.0.2", "10.0.0.3"]);
        let mut seen = Vec::new();
        for round in 0..300_u32 {
            group.send(&round.to_be_bytes()).unwrap();
            while seen.len() <= round as usize {
                seen.extend(answers(&mut group).await);
            }
        }
        // The second answer to a question is there before the first one to the next.
        assert_eq!(seen, (0..300_u32).map(|round| round.to_be_bytes()).collect::<Vec<_>>());
        // A third member that does not answer changes nothing.
        let mut larger = open(PingKind::Group, "pg", &["10.0.0.9", "10.0.0.3", "10.0.0.2"]);
        larger.send(b"three").unwrap();
        assert_eq!(answers(&mut larger).await, [b"three"]);
    });
}

#[test]
fn a_refused_answer_leaves_room_for_a_genuine_one() {
    in_new_network("ping::a_refused_answer_leaves_room_for_a_genuine_one", async {
        let peer = Peer::new(1);
        peer.sh("sysctl -qw net.ipv4.icmp_echo_ignore_all=1");
        let impostor = Impostor::at(&peer);
        let mut group = open(PingKind::Group, "pg", &["10.0.0.2"]);
        group.send(b"true").unwrap();
        for payload in [b"forged".as_slice(), b"true", b"true"] {
            impostor.answers("10.0.0.2", std::process::id(), 0, payload);
        }
        let mut seen = Vec::new();
        poll_fn(|context| group.poll_readable(context)).await.unwrap();
        group
            .drain(&mut Buffer::default(), |payload| {
                seen.push(payload.to_vec());
                payload == b"true"
            })
            .unwrap();
        assert_eq!(seen, [b"forged".as_slice(), b"true"]);
    });
}

#[test]
fn a_group_listens_to_its_members_only() {
    in_new_network("ping::a_group_listens_to_its_members_only", async {
        let peer = Peer::new(1);
        peer.sh("sysctl -qw net.ipv4.icmp_echo_ignore_all=1; ip addr add 10.0.0.3/24 dev eth0");
        let impostor = Impostor::at(&peer);
        let mut group = open(PingKind::Group, "pg", &["10.0.0.2"]);
        let mut lone = single("10.0.0.2");
        impostor.answers("10.0.0.3", std::process::id(), 0, b"from elsewhere");
        impostor.answers("10.0.0.2", std::process::id(), 1, b"from here");
        let mut seen = answers(&mut lone).await;
        while seen.len() < 2 {
            seen.extend(answers(&mut lone).await);
        }
        assert_eq!(seen, [b"from elsewhere".as_slice(), b"from here"], "a single node takes both");
        assert_eq!(answers(&mut group).await, [b"from here"]);
    });
}

#[test]
fn the_pings_of_others_wake_nobody() {
    in_new_network("ping::the_pings_of_others_wake_nobody", async {
        let peer = Peer::new(1);
        let impostor = Impostor::at(&peer);
        let mut four = single("10.0.0.2");
        let mut six = open(PingKind::Ping6, "fd00::2", &["fd00::2"]);
        // Each ends only when its answer was there.
        sh("ping -c 3 -i 0.01 10.0.0.2 >/dev/null; ping -c 3 -i 0.01 fd00::2 >/dev/null");
        peer.sh("ping -c 3 -i 0.01 10.0.0.1 >/dev/null; ping -c 3 -i 0.01 fd00::1 >/dev/null");
        impostor.answers("10.0.0.2", std::process::id() + 1, 0, b"not ours");
        sh("ping -c 1 10.0.0.2 >/dev/null");
        for ping in [&mut four, &mut six] {
            ping.send(b"ours").unwrap();
            // All that came before would be there too.
            assert_eq!(received(ping).await, (1, vec![b"ours".to_vec()]), "{ping}");
        }
    });
}

#[test]
fn who_cannot_be_asked_is_reported_and_spares_the_others() {
    in_new_network("ping::who_cannot_be_asked_is_reported_and_spares_the_others", async {
        let _peer = Peer::new(1);
        let mut lost = single("192.0.2.1");
        let error = lost.send(b"x").unwrap_err();
        let lines = ErrorLimiter::default().failed(&lost.to_string(), lost.send_failure(&error));
        let wanted = [
            "glib: Error sending packet: Network is unreachable",
            "write_child: write failure on ping 192.0.2.1.: Network is unreachable",
        ];
        assert_eq!(lines.iter().map(|n| n.text.as_str()).collect::<Vec<_>>(), wanted);
        assert!(lines.iter().all(|n| n.level == Level::Error));
        let mut group = open(PingKind::Group, "pg", &["192.0.2.1", "10.0.0.2"]);
        assert_eq!(group.send(b"x").unwrap_err().kind(), io::ErrorKind::NetworkUnreachable);
        assert_eq!(answers(&mut group).await, [b"x"]);
    });
}

#[test]
fn a_flood_is_handed_out_in_portions() {
    in_new_network("ping::a_flood_is_handed_out_in_portions", async {
        let peer = Peer::new(1);
        let impostor = Impostor::at(&peer);
        let mut ping = single("10.0.0.2");
        for n in 0..150_u8 {
            impostor.answers("10.0.0.2", std::process::id(), u16::from(n), &[n]);
        }
        let (mut seen, mut turns) = (Vec::new(), 0);
        while seen.len() < 150 {
            let more = answers(&mut ping).await;
            assert!(more.len() <= 64);
            seen.extend(more);
            turns += 1;
        }
        assert!(turns >= 3);
        assert_eq!(seen.concat(), (0..150).collect::<Vec<u8>>());
    });
}
