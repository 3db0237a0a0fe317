//! Beside `ipvsadm` and a real kernel: what they said to each other, recorded by `tests/vectors/ipvs/capture`.

use proptest::prelude::*;

use super::*;
use crate::director::table::*;
use crate::netlink::frame::frames;

const RECORD: &str = include_str!("../../../../tests/vectors/ipvs/ipvsadm.txt");

/// The number of the family in the recorded kernel.
const FAMILY: u16 = 0x1c;

/// What one command of ipvsadm sent and got.
struct Exchange {
    said: Vec<Vec<u8>>,
    heard: Vec<Vec<u8>>,
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn exchange(command: &str) -> Exchange {
    let head = format!("# ipvsadm {command}");
    let lines =
        RECORD.lines().skip_while(|line| *line != head).skip(1).take_while(|line| !line.starts_with('#'));
    let mut found = Exchange { said: Vec::new(), heard: Vec::new() };
    for line in lines {
        match line.split_at(2) {
            ("> ", hex) => found.said.push(bytes(hex)),
            (_, hex) => found.heard.push(bytes(hex)),
        }
    }
    assert!(!found.said.is_empty(), "not recorded: {command}");
    found
}

/// Without what differs each time: the number of the request and the port of the sender.
fn plain(mut request: Vec<u8>) -> Vec<u8> {
    request[8..16].fill(0);
    request
}

fn same(command: &str, ours: Vec<u8>) {
    let theirs = exchange(command).said.into_iter().map(plain).collect::<Vec<_>>();
    assert_eq!(theirs, [plain(ours)], "{command}");
}

fn at(text: &str) -> std::net::SocketAddr {
    text.parse().unwrap()
}

fn tcp(text: &str) -> ServiceId {
    ServiceId::address(Protocol::Tcp, at(text))
}

fn udp(text: &str) -> ServiceId {
    ServiceId::address(Protocol::Udp, at(text))
}

fn mark(mark: u32, family: Family) -> ServiceId {
    ServiceId::Mark { mark, family }
}

fn scheduled(scheduler: &str) -> Service {
    Service { scheduler: scheduler.to_owned(), ..Service::default() }
}

fn persistent(scheduler: &str, timeout: u32, netmask: Netmask) -> Service {
    Service { persistence: Some(Persistence { timeout, netmask }), ..scheduled(scheduler) }
}

fn weighing(forward: Forward, weight: u32) -> Dest {
    Dest { forward, weight, ..Dest::default() }
}

/// Each recorded change, as a command of ipvsadm and as ours.
fn changes() -> Vec<(&'static str, Op)> {
    let web = tcp("10.0.0.100:80");
    let single = Netmask::V4([255; 4].into());
    let gue = Dest { tunnel: Tunnel::Gue { port: 6080, flags: 1 }, ..weighing(Forward::Tunnel, 65_535) };
    let gre = Dest { tunnel: Tunnel::Gre { flags: 0 }, ..weighing(Forward::Tunnel, 1) };
    let flagged = |s: &str, flags| Service { flags: SchedFlags(flags), ..scheduled(s) };
    let limited = |weight, upper, lower| Dest { upper, lower, ..weighing(Forward::Route, weight) };
    vec![
        ("-A -t 10.0.0.100:80 -s rr", Op::AddService(web, scheduled("rr"))),
        (
            "-a -t 10.0.0.100:80 -r 127.0.0.1:80 -g -w 3 -x 100 -y 50",
            Op::AddDest(web, at("127.0.0.1:80"), limited(3, 100, 50)),
        ),
        (
            "-a -t 10.0.0.100:80 -r 10.0.0.7:8080 -m -w 0",
            Op::AddDest(web, at("10.0.0.7:8080"), weighing(Forward::Masq, 0)),
        ),
        (
            "-a -t 10.0.0.100:80 -r 10.0.0.8:80 -i -w 2",
            Op::AddDest(web, at("10.0.0.8:80"), weighing(Forward::Tunnel, 2)),
        ),
        (
            "-a -t 10.0.0.100:80 -r 10.0.0.9:80 -i -w 65535 --tun-type gue --tun-port 6080 --tun-csum",
            Op::AddDest(web, at("10.0.0.9:80"), gue),
        ),
        (
            "-a -t 10.0.0.100:80 -r 10.0.0.10:80 -i --tun-type gre --tun-nocsum",
            Op::AddDest(web, at("10.0.0.10:80"), gre),
        ),
        (
            "-e -t 10.0.0.100:80 -r 10.0.0.8:80 -g -w 7 -x 2 -y 1",
            Op::EditDest(web, at("10.0.0.8:80"), limited(7, 2, 1)),
        ),
        (
            "-A -u 10.0.0.100:53 -s wrr -o",
            Op::AddService(udp("10.0.0.100:53"), Service { one_packet: true, ..scheduled("wrr") }),
        ),
        (
            "-A -f 7 -s wrr -p 600 -M 255.255.255.0",
            Op::AddService(
                mark(7, Family::V4),
                persistent("wrr", 600, Netmask::V4([255, 255, 255, 0].into())),
            ),
        ),
        (
            "-a -f 7 -r 10.5.0.9:0 -m -w 1",
            Op::AddDest(mark(7, Family::V4), at("10.5.0.9:0"), weighing(Forward::Masq, 1)),
        ),
        ("-A -f 9 -6 -s sh -b sh-fallback,sh-port", Op::AddService(mark(9, Family::V6), flagged("sh", 3))),
        (
            "-a -f 9 -6 -r [2001:db8::7]:0 -g -w 1",
            Op::AddDest(mark(9, Family::V6), at("[2001:db8::7]:0"), weighing(Forward::Route, 1)),
        ),
        (
            "-A -t [2001:db8::5]:119 -s wlc -p 60 -M 64",
            Op::AddService(tcp("[2001:db8::5]:119"), persistent("wlc", 60, Netmask::V6(64))),
        ),
        (
            "-a -t [2001:db8::5]:119 -r [2001:db8:0:1::4]:1119 -m -w 1",
            Op::AddDest(tcp("[2001:db8::5]:119"), at("[2001:db8:0:1::4]:1119"), weighing(Forward::Masq, 1)),
        ),
        (
            "-A -t 10.0.0.101:21 -s mh -b flag-3 -p",
            Op::AddService(
                tcp("10.0.0.101:21"),
                Service { flags: SchedFlags(4), ..persistent("mh", 360, single) },
            ),
        ),
        (
            "-E -t 10.0.0.101:21 -s wlc -p 100",
            Op::EditService(tcp("10.0.0.101:21"), persistent("wlc", 100, single)),
        ),
        (
            "-A -u 10.0.0.100:5060 -s rr -p 60 --pe sip",
            Op::AddService(
                udp("10.0.0.100:5060"),
                Service { engine: Some("sip".to_owned()), ..persistent("rr", 60, single) },
            ),
        ),
        ("-d -t 10.0.0.100:80 -r 10.0.0.7:8080", Op::DelDest(web, at("10.0.0.7:8080"))),
        ("-d -f 9 -6 -r [2001:db8::7]:0", Op::DelDest(mark(9, Family::V6), at("[2001:db8::7]:0"))),
        ("-D -t 10.0.0.100:80", Op::DelService(web)),
        ("-D -f 9 -6", Op::DelService(mark(9, Family::V6))),
        ("-D -u 10.0.0.100:53", Op::DelService(udp("10.0.0.100:53"))),
        ("-D -t [2001:db8::5]:119", Op::DelService(tcp("[2001:db8::5]:119"))),
    ]
}

#[test]
fn changes_are_said_as_ipvsadm_says_them() {
    for (command, op) in changes() {
        same(command, change(FAMILY, &op));
    }
}

#[test]
fn sync_daemons_and_timeouts_are_said_as_ipvsadm_says_them() {
    let master = SyncDaemon {
        role: Role::Master,
        interface: "sync0".to_owned(),
        sync_id: 7,
        max_length: 0,
        group: None,
        port: 0,
        ttl: 0,
    };
    let group = "224.0.0.90".parse().ok();
    let backup = SyncDaemon {
        role: Role::Backup,
        sync_id: 8,
        max_length: 1400,
        group,
        port: 8849,
        ttl: 2,
        ..master.clone()
    };
    same("--start-daemon master --mcast-interface sync0 --syncid 7", start_daemon(FAMILY, &master));
    let long = "--start-daemon backup --mcast-interface sync0 --syncid 8 --mcast-group 224.0.0.90 \
                --mcast-port 8849 --mcast-ttl 2 --sync-maxlen 1400";
    same(long, start_daemon(FAMILY, &backup));
    same("--stop-daemon master", stop_daemon(FAMILY, Role::Master));
    same("--stop-daemon backup", stop_daemon(FAMILY, Role::Backup));
    same("--set 900 120 300", set_timeouts(FAMILY, &Timeouts { tcp: 900, tcp_fin: 120, udp: 300 }));
    same("-Z", zero(FAMILY, None));
    same("-Z -t 10.0.0.100:80", zero(FAMILY, Some(&tcp("10.0.0.100:80"))));
    let heard = exchange("-L --daemon").heard;
    let running: Vec<SyncDaemon> = heard.iter().flat_map(|d| frames(d)).filter_map(daemon).collect();
    let filled =
        SyncDaemon { max_length: 1472, group: "224.0.0.81".parse().ok(), port: 8848, ttl: 1, ..master };
    assert_eq!(running, [filled, backup]);
}

#[test]
fn a_listing_gives_back_what_was_put_in() {
    let Exchange { said, heard } = exchange("-L -n");
    let mut wanted = Table::default();
    for (command, op) in changes() {
        // what was taken out again was taken out after the listing
        if !command.starts_with("-d") && !command.starts_with("-D") {
            wanted.apply(&op).unwrap();
        }
    }
    for (id, dest) in [(udp("10.0.0.100:53"), "10.0.0.9:53"), (tcp("10.0.0.100:8080"), "127.0.0.1:9")] {
        wanted.entries.entry(id).or_insert_with(|| Entry { service: scheduled("rr"), ..Entry::default() });
        wanted.apply(&Op::AddDest(id, at(dest), weighing(Forward::Masq, 1))).unwrap();
    }
    let mut listed = Table::default();
    let mut requests = said.iter().map(|r| plain(r.clone()));
    assert_eq!(requests.next(), Some(plain(get_info(FAMILY))));
    assert_eq!(requests.next(), Some(plain(list_services(FAMILY))));
    // ipvsadm opens a socket for each question: number and port together tell them apart
    let answers = |request: &[u8]| {
        let mark = request[8..16].to_vec();
        heard.iter().filter(move |d| d[8..16] == mark).flat_map(|d| frames(d))
    };
    let services = answers(&said[1]).filter_map(service);
    for (id, service) in services {
        // ipvsadm sorts before it asks on
        let ours = plain(list_dests(FAMILY, &id));
        let request =
            said.iter().find(|r| plain(r.to_vec()) == ours).unwrap_or_else(|| panic!("not asked: {id}"));
        let rows = answers(request).filter_map(|f| dest(f, id.family()));
        let dests = rows.map(|row| (row.at, row.dest)).collect();
        listed.entries.insert(id, Entry { service, dests, ..Entry::default() });
    }
    assert_eq!(listed, wanted);
}

#[test]
fn the_kernel_tells_version_timeouts_and_counters() {
    let first = |command: &str| exchange(command).heard.remove(0);
    let told = first("-L -n");
    let version = frames(&told).find_map(info);
    assert_eq!(version, Some(Info { version: (1, 2, 1), connections: 4096 }));
    let heard = exchange("-L --timeout").heard;
    let found = heard.iter().flat_map(|d| frames(d)).find_map(timeouts);
    assert_eq!(found, Some(Timeouts { tcp: 900, tcp_fin: 120, udp: 300 }));
    let heard = exchange("-L -n").heard;
    let through = heard.iter().flat_map(|d| frames(d)).find_map(|f| {
        let (id, _) = service(f)?;
        (id == tcp("10.0.0.100:8080")).then(|| counted(f))?
    });
    // one SYN to a closed port, and its RST
    let one = Counters { connections: 1, packets_in: 1, packets_out: 1, bytes_in: 60, bytes_out: 40 };
    assert_eq!(through, Some(one));
    let mut servers = heard.iter().flat_map(|d| frames(d)).filter_map(|f| dest_counters(f, Family::V4));
    let server = servers.find(|s| s.at == at("127.0.0.1:9")).unwrap();
    assert_eq!((server.through, server.connected.active, server.connected.inactive), (one, 0, 1));
}

proptest! {
    /// Whatever comes from the socket: no panic.
    #[test]
    fn answers_of_any_bytes_are_read(noise in proptest::collection::vec(any::<u8>(), 0..80), which in 0usize..200, at in 0usize..300) {
        let heard: Vec<Vec<u8>> =
            RECORD.lines().filter_map(|line| line.strip_prefix("< ")).map(bytes).collect();
        let mut datagram = heard[which % heard.len()].clone();
        let at = at % datagram.len();
        datagram.splice(at..(at + noise.len()).min(datagram.len()), noise.iter().copied());
        for frame in frames(&datagram).chain(frames(&noise)).take(1000) {
            let _ = (service(frame), counted(frame), dest(frame, Family::V6), dest_counters(frame, Family::V4));
            let _ = (info(frame), daemon(frame), timeouts(frame), family(frame), frame.verdict(), frame.is_torn());
        }
    }
}
