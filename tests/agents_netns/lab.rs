//! A network of one's own: each lab is a thread in a fresh network and mount namespace.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use socket2::{Domain, Protocol, Socket, Type};

/// Long enough for a busy machine, on which the kernel may tell of a link after many seconds only; shorter than an
/// announcement waits for a link.
pub(crate) const LONG: Duration = Duration::from_secs(40);

/// Where the reference's scripts are.
pub(crate) const REFERENCE: &str = "/etc/ha.d/resource.d";

/// Where ours are.
pub(crate) fn ours() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_IPaddr2")).parent().unwrap().to_owned()
}

/// Runs the body in a fresh lab, on a thread of its own, and returns what it returns; `None`, and
/// a printed reason, where namespaces are not to be had.
pub(crate) fn lab<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    std::thread::spawn(move || {
        if let Err(error) = unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS) {
            crate::skip::cannot(format_args!("no namespaces here: {error}"));
            return None;
        }
        sh(SETUP);
        until("the wires carry", LONG, || state("eth0") == "UP" && state("eth1") == "UP");
        Some(body())
    })
    .join()
    .unwrap()
}

const SETUP: &str = "
mount --make-rprivate / && mount -t tmpfs none /run && mkdir -p /run/resource-agents
ip link set lo up
ip link add eth0 type veth peer name p0
ip link set eth0 address 02:00:00:00:00:01
ip link add eth1 type veth peer name p1
ip link add down0 type veth peer name pd0
for i in eth0 p0 eth1 p1 pd0; do ip link set $i up; done
ip addr add 10.0.0.1/24 brd + dev eth0
ip addr add 192.168.5.1/25 brd + dev eth1
ip addr add fd00::1/64 dev eth0 nodad
";

/// A shell script that must succeed.
pub(crate) fn sh(script: &str) {
    let status = Command::new("sh").args(["-e", "-c", script]).status().unwrap();
    assert!(status.success(), "{script}");
}

/// The output of a command.
pub(crate) fn run(program: &Path, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).stdin(Stdio::null()).env_remove("HA_LOGFILE").output().unwrap()
}

/// Our agent: exit code and standard output.
pub(crate) fn agent(name: &str, arguments: &[&str]) -> (i32, String) {
    let output = run(&ours().join(name), arguments);
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

/// The operational state of an interface, in `ip`'s words.
pub(crate) fn state(nic: &str) -> String {
    let output = run(Path::new("ip"), &["-o", "link", "show", nic]);
    let text = String::from_utf8(output.stdout).unwrap();
    text.split(' ').skip_while(|w| *w != "state").nth(1).unwrap_or_default().to_owned()
}

/// The address table as people see it, without link-local addresses and table noise.
pub(crate) fn addresses() -> Vec<String> {
    let output = run(Path::new("ip"), &["-o", "addr", "show"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let keep = |l: &&str| !l.contains("inet6 fe80") && !l.contains("inet6 ::1");
    text.lines().filter(keep).map(|l| l.split('\\').next().unwrap_or(l).trim().to_owned()).collect()
}

/// Whether the table has the address in any form.
pub(crate) fn has(ip: &str) -> bool {
    addresses().iter().any(|l| l.contains(&format!(" {ip}/")) || l.contains(&format!(" {ip} peer")))
}

/// Waits until it is so; fails when it is not by then.
pub(crate) fn until(what: &str, limit: Duration, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + limit;
    while !so() {
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        std::thread::yield_now();
    }
}

/// What arrives at the far ends of the lab's wires. (A packet socket for one protocol sees
/// what is received, not what is sent.)
pub(crate) struct Capture(Socket);

impl Capture {
    pub(crate) fn open(ethertype: u16) -> Self {
        let protocol = Protocol::from(i32::from(ethertype.to_be()));
        Capture(Socket::new(Domain::PACKET, Type::RAW, Some(protocol)).unwrap())
    }

    /// What a machine sends itself counts too, and is there when the sender goes on.
    pub(crate) fn both_ways() -> Self {
        const ETH_P_ALL: u16 = 3;
        Self::open(ETH_P_ALL)
    }

    /// All that is there, without waiting.
    pub(crate) fn all(&self) -> Vec<Vec<u8>> {
        self.0.set_nonblocking(true).unwrap();
        let frame = || {
            let mut frame = vec![0; 2048];
            let length = (&self.0).read(&mut frame).ok()?;
            frame.truncate(length);
            Some(frame)
        };
        std::iter::from_fn(frame).collect()
    }

    /// The next frame, unless none comes in that time.
    pub(crate) fn next(&self, limit: Duration) -> Option<Vec<u8>> {
        self.0.set_read_timeout(Some(limit)).unwrap();
        let mut frame = vec![0; 2048];
        let length = (&self.0).read(&mut frame).ok()?;
        frame.truncate(length);
        Some(frame)
    }
}
