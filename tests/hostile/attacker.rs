//! The stranger: a process in the client's place that listens, remembers, and fires. It is told what to do on
//! its standard input, a line a command, and says how many datagrams it has sent.

use crate::bytes::{Kind, datagram};
use crate::lab::Lab;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

const ROLE: &str = "HEARTBEAT_TEST_ATTACKER";
const PORT: u16 = 694;
/// Longer than anybody waits for anything: such a flood is told to end.
const ENDLESS: Duration = Duration::from_secs(3600);
/// The word for it.
const ENOUGH: &str = "enough";
/// Before an answer on standard output, among what the test harness prints there.
const MARK: &str = "sent ";
/// Different datagrams of a flood.
const MAGAZINE: usize = 5000;
/// More than that is not remembered.
const LONGEST_TAPE: usize = 4000;

/// The process, as the test sees it.
pub(crate) struct Attacker {
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// A flood that goes on until it has had its time or is told to end.
pub(crate) struct Flood<'a>(&'a mut Attacker);

impl Attacker {
    /// Starts this program once more, in the client's place.
    pub(crate) fn start(lab: &Lab, test: &str, target: &str) -> Self {
        let mut command = lab.client().command(std::env::current_exe().unwrap().to_str().unwrap());
        command.args([test, "--exact", "--nocapture", "--include-ignored"]).env(ROLE, target);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (orders, answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, orders, answers }
    }

    /// Listens to the pair.
    pub(crate) fn record(&mut self, how_long: Duration) {
        self.order(&format!("record {}", how_long.as_millis()));
        assert!(self.answer() > 0, "nothing was heard");
    }

    /// Fires so many of a kind; says how many left.
    pub(crate) fn fire(&mut self, kind: Kind, count: usize) -> u64 {
        self.order(&format!("fire {kind:?} {count}"));
        self.answer()
    }

    /// Fires everything there is, as fast as it goes. When this comes back the first has been fired.
    pub(crate) fn flood(&mut self, how_long: Duration) -> Flood<'_> {
        self.order(&format!("flood {}", how_long.as_millis()));
        assert!(self.answer() > 0, "nothing was fired");
        Flood(self)
    }

    /// The same without an end.
    pub(crate) fn endless_flood(&mut self) -> Flood<'_> {
        self.flood(ENDLESS)
    }

    fn order(&mut self, line: &str) {
        writeln!(self.orders.as_ref().unwrap(), "{line}").unwrap();
    }

    fn answer(&mut self) -> u64 {
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the attacker is gone");
            if let Some((_, number)) = line.split_once(MARK) {
                return number.trim().parse().unwrap();
            }
        }
    }
}

impl Flood<'_> {
    /// Its end; says how many datagrams left.
    pub(crate) fn wait(self) -> u64 {
        self.0.answer()
    }

    /// Ends it; it went on until now.
    pub(crate) fn end(self) {
        self.0.order(ENOUGH);
        assert!(self.0.answer() > 0, "the flood had dried up");
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        // Without orders it ends; an error says that it is gone already.
        drop(self.orders.take());
        let _ = std::io::copy(&mut self.answers, &mut std::io::sink());
        let _ = self.child.wait();
    }
}

/// Whether this process is the attacker.
pub(crate) fn is_this() -> bool {
    std::env::var_os(ROLE).is_some()
}

/// The attacker's life.
pub(crate) fn obey() {
    let target: Ipv4Addr = std::env::var(ROLE).unwrap().parse().unwrap();
    let mut gun = Gun::new(target);
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let number = || words.last().unwrap().parse().unwrap();
        let sent = match words[0] {
            "record" => gun.record(Duration::from_millis(number())),
            "fire" => gun.fire(Kind::named(words[1]).unwrap(), number()),
            "flood" => gun.flood(Duration::from_millis(number())),
            ENOUGH => continue,
            other => panic!("{other}"),
        };
        println!("{MARK}{sent}");
    }
}

/// Whether there is something on standard input, be it its end.
fn is_ordered() -> bool {
    let input = std::io::stdin();
    let mut wanted = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
    poll(&mut wanted, PollTimeout::ZERO).unwrap() > 0
}

struct Gun {
    tape: Vec<Vec<u8>>,
    ear: UdpSocket,
    plain: UdpSocket,
    raw: Socket,
    target: SocketAddrV4,
    chance: fastrand::Rng,
}

impl Gun {
    fn new(target: Ipv4Addr) -> Self {
        let ear = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).unwrap();
        let plain = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
        plain.set_broadcast(true).unwrap();
        let raw = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255))).unwrap();
        raw.set_broadcast(true).unwrap();
        let target = SocketAddrV4::new(target, PORT);
        Self { tape: Vec::new(), ear, plain, raw, target, chance: fastrand::Rng::with_seed(7) }
    }

    /// What the nodes say; what this process said itself comes from another address.
    fn record(&mut self, how_long: Duration) -> u64 {
        let (until, mut buffer) = (Instant::now() + how_long, vec![0; 65536]);
        let mut heard = 0;
        while let Some(rest) = until.checked_duration_since(Instant::now()).filter(|rest| !rest.is_zero()) {
            self.ear.set_read_timeout(Some(rest)).unwrap();
            let Ok((length, from)) = self.ear.recv_from(&mut buffer) else { break };
            if from.ip() != Ipv4Addr::new(10, 80, 0, 9) && self.tape.len() < LONGEST_TAPE {
                self.tape.push(buffer[..length].to_vec());
                heard += 1;
            }
        }
        heard
    }

    fn fire(&mut self, kind: Kind, count: u64) -> u64 {
        let shots = (0..count).map(|_| {
            let bytes = datagram(kind, &self.tape, &mut self.chance);
            u64::from(self.shoot(kind, &bytes))
        });
        shots.sum()
    }

    /// As fast as it goes, until another order comes: what is fired was made before. The first shots are told of.
    fn flood(&mut self, how_long: Duration) -> u64 {
        let magazine: Vec<(Kind, Vec<u8>)> = (0..MAGAZINE).map(|_| self.round()).collect();
        let (until, mut sent) = (Instant::now() + how_long, 0);
        while Instant::now() < until && !is_ordered() {
            let told = sent > 0;
            for _ in 0..64 {
                let Some((kind, bytes)) = self.chance.choice(&magazine) else { return sent };
                sent += u64::from(self.shoot(*kind, bytes));
            }
            if !told && sent > 0 {
                println!("{MARK}{sent}");
            }
        }
        sent
    }

    /// One of any kind. A large one takes the time of many.
    fn round(&mut self) -> (Kind, Vec<u8>) {
        let kind = self.chance.choice(Kind::ALL).unwrap_or(Kind::Noise);
        let kind = if kind == Kind::Oversize && self.chance.u8(..) > 5 { Kind::Replayed } else { kind };
        (kind, datagram(kind, &self.tape, &mut self.chance))
    }

    /// Whether it left.
    fn shoot(&self, kind: Kind, bytes: &[u8]) -> bool {
        if kind != Kind::Spoofed {
            return self.plain.send_to(bytes, self.target).is_ok();
        }
        let source = Ipv4Addr::new(10, 80, 0, 1 + (bytes.len() % 2) as u8);
        let packet = ip_packet(source, *self.target.ip(), bytes);
        self.raw.send_to(&packet, &SockAddr::from(self.target)).is_ok()
    }
}

/// An IPv4 packet with a UDP datagram; the kernel fills in the length and the sum of the header.
fn ip_packet(source: Ipv4Addr, target: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0];
    packet.extend(source.octets());
    packet.extend(target.octets());
    let length = u16::try_from(payload.len() + 8).unwrap_or(u16::MAX);
    for word in [PORT, PORT, length, 0] {
        packet.extend(word.to_be_bytes());
    }
    packet.extend(payload);
    packet
}
