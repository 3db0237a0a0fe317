//! A pair of ours; the heartbeats of the first are watched while something around them stands still.

mod clocks;
mod disks;
mod logs;
mod memory;
mod names;
mod pauses;
mod records;
mod scripts;

use crate::lab::{self, Flavour, Lab, Node, logfile, missing, shell};
use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The longest anything may take on a busy machine.
const SOON: Duration = Duration::from_secs(90);
const DEADTIME: Duration = Duration::from_secs(2);
/// The longest silence that is no trouble: half of the dead time, and what the machine itself stood still.
const SILENCE: Duration = Duration::from_secs(1);

const HA_CF: &str = "\
logfile /var/log/ha-log
keepalive 200ms
warntime 1000ms
deadtime 2
initdead 4
bcast eth0
auto_failback off
node b1 b2
";
const HARESOURCES: &str = "b1 10.80.0.101/24/eth0\n";
const VIP: &str = "10.80.0.101";
/// Processes of a case's own that go on: the client of ha_logd that does not come back.
const CLIENTS: [&str; 2] = ["ha_logger", "sleep"];
/// As `heartbeat -r` does it.
const HANG_UP: &str = "kill -HUP $(cat /run/heartbeat.pid)";
const HEARTBEAT: &str = "/usr/libexec/heartbeat/heartbeat";

/// The pair, and whoever listens to the first node.
struct World {
    lab: Lab,
    sniffer: Sniffer,
    metronome: Metronome,
}

impl World {
    /// Configured, with more lines for the first node; nothing runs. `None` where the laboratory has no sniffer.
    fn new(name: &str, more: &str, haresources: &str) -> Option<Self> {
        Self::of(name, [Flavour::Ours; 2], more, haresources)
    }

    fn of(name: &str, flavours: [Flavour; 2], more: &str, haresources: &str) -> Option<Self> {
        let lab = Lab::new(name, flavours).unwrap();
        for node in lab.nodes() {
            let more = if node.index() == 1 { more } else { "" };
            node.configure(&format!("{HA_CF}{more}"), "auth 1\n1 sha1 x\n", haresources).unwrap();
        }
        let sniffer = Sniffer::start(&lab)?;
        Some(Self { lab, sniffer, metronome: Metronome::start() })
    }

    /// As [`World::new`], started and settled.
    fn running(name: &str, more: &str, haresources: &str) -> Option<Self> {
        let world = Self::new(name, more, haresources)?;
        world.lab.nodes().iter().for_each(|node| node.start().unwrap());
        world.settle();
        Some(world)
    }

    /// Both live, the address is at home, its start is told to the end, and nothing moves any more.
    fn settle(&self) {
        self.until("the pair is settled", || {
            let both =
                self.lab.nodes().iter().all(|n| n.log().contains("remote resource transition completed."));
            both && self.one().vips().contains(VIP) && self.one().log().contains("start finished rc=0")
        });
        self.lab.at_rest(DEADTIME, SOON, &CLIENTS, || ()).unwrap();
    }

    fn one(&self) -> &Node {
        self.lab.node(1)
    }

    fn two(&self) -> &Node {
        self.lab.node(2)
    }

    fn until(&self, what: &str, happened: impl FnMut() -> bool) {
        let held = lab::until(what, SOON, happened);
        held.unwrap_or_else(|failure| panic!("{}: {failure}\n{}", self.lab.name(), self.logs()));
    }

    /// While this happens the first node's heart beats, the second is content, and nothing moves.
    fn unharmed<T>(&self, what: &str, happening: impl FnOnce() -> T) -> T {
        let (began, mark) = (SystemTime::now(), self.two().log().len());
        let (pid, held) = (self.one().read("/run/heartbeat.pid"), self.one().vips());
        let result = happening();
        let gap = self.sniffer.longest_silence(began, || self.one().daemon_runs());
        let stall = self.metronome.longest_stall(began);
        let told = logfile::after(&self.two().log(), mark).to_owned();
        let name = self.lab.name();
        assert!(gap < SILENCE + stall, "{name}: {what}: b1 was silent for {gap:?}\n{}", self.logs());
        // b2's "Late heartbeat" may be its own lateness: the silence was judged on the wire.
        for trouble in ["b1: is dead", "Heartbeat restart on node b1"] {
            assert!(!told.contains(trouble), "{name}: {what}: {trouble}\n{}", self.logs());
        }
        assert_eq!(self.one().read("/run/heartbeat.pid"), pid, "{name}: {what}");
        assert!(self.one().daemon_runs(), "{name}: {what}\n{}", self.logs());
        assert_eq!(self.one().vips(), held, "{name}: {what}\n{}", self.logs());
        println!("{name}: {what}: longest silence {gap:?}; the machine itself stood still for {stall:?}");
        result
    }

    /// Longer than anybody would wait for a dead node.
    fn for_long(&self) {
        thread::sleep(2 * DEADTIME);
    }

    fn logs(&self) -> String {
        let last = |node: &Node| {
            let log = node.log();
            let lines: Vec<&str> = log.lines().rev().take(25).collect();
            lines.into_iter().rev().collect::<Vec<_>>().join("\n")
        };
        format!("{}\n---\n{}", last(self.one()), last(self.two()))
    }
}

/// Whoever hears the first node's datagrams on the wire, and when: the kernel's word for it.
struct Sniffer {
    program: Child,
    times: Arc<Mutex<Vec<Duration>>>,
}

impl Sniffer {
    fn start(lab: &Lab) -> Option<Self> {
        let mut command = lab.client().enter(&[]);
        command.args(["tcpdump", "-i", "eth0", "-n", "-tt", "-l", "--immediate-mode"]);
        command.arg("src host 10.80.0.1 and udp port 694").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut program = match fs::metadata("/usr/bin/tcpdump") {
            Ok(_) => command.spawn().unwrap(),
            Err(error) => {
                lab::cannot(format!("tcpdump: {error}"));
                return None;
            }
        };
        let times = Arc::new(Mutex::new(Vec::new()));
        let (output, heard) = (program.stdout.take().unwrap(), Arc::clone(&times));
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(at) = line.split(' ').next().and_then(|t| t.parse().ok()) {
                    heard.lock().unwrap().push(Duration::from_secs_f64(at));
                }
            }
        });
        Some(Self { program, times })
    }

    /// The longest time without a datagram, from then to now.
    fn longest_silence(&self, from: SystemTime, lives: impl Fn() -> bool) -> Duration {
        let (from, to) = (since_1970(from), since_1970(SystemTime::now()));
        // The sniffer may lag far behind the wire: once it tells of something later, all before has been told. A
        // node that says nothing more is judged by what there is.
        let told = || self.times.lock().unwrap().last().is_some_and(|at| *at > to);
        let _ = lab::until("a later heartbeat", SOON, || told() || !lives());
        let heard = self.times.lock().unwrap();
        let within = heard.iter().copied().filter(|at| *at > from && *at < to);
        let times: Vec<Duration> = [from].into_iter().chain(within).chain([to]).collect();
        times.windows(2).map(|pair| pair[1].saturating_sub(pair[0])).max().unwrap()
    }
}

fn since_1970(at: SystemTime) -> Duration {
    at.duration_since(UNIX_EPOCH).unwrap()
}

/// A thread with the pulse's priority that does nothing but look at the clock: when it comes late, nobody could have
/// been in time.
struct Metronome {
    /// When it came late, and by how much.
    late: Arc<Mutex<Vec<(SystemTime, Duration)>>>,
    over: Arc<AtomicBool>,
}

impl Metronome {
    fn start() -> Self {
        const BEAT: Duration = Duration::from_millis(20);
        let (late, over): (Arc<Mutex<Vec<_>>>, _) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let metronome = Self { late: Arc::clone(&late), over: Arc::clone(&over) };
        thread::spawn(move || {
            // Where that is not to be had, the pulse has no priority either.
            let _ = heartbeat::sys::realtime::raise_priority(1);
            while !over.load(Ordering::Relaxed) {
                let before = Instant::now();
                thread::sleep(BEAT);
                let lateness = before.elapsed().saturating_sub(BEAT);
                if lateness > BEAT {
                    late.lock().unwrap().push((SystemTime::now(), lateness));
                }
            }
        });
        metronome
    }

    fn longest_stall(&self, from: SystemTime) -> Duration {
        let late = self.late.lock().unwrap();
        late.iter().filter(|(at, _)| *at > from).map(|(_, by)| *by).max().unwrap_or_default()
    }
}

impl Drop for Metronome {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Drop for Sniffer {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// One thread of a node's daemon that does not run, as if a disk or a name server held it up.
struct Held(Pid);

impl Held {
    fn thread(node: &Node, name: &str) -> Self {
        let tasks = format!("/proc/{}/task", daemon(node));
        let named = |tid: &String| {
            fs::read_to_string(format!("{tasks}/{tid}/comm")).is_ok_and(|comm| comm.trim_end() == name)
        };
        let tids = fs::read_dir(&tasks).unwrap().flatten().map(|e| e.file_name().into_string().unwrap());
        let tid = tids.into_iter().find(named).unwrap_or_else(|| panic!("no thread {name}"));
        let tid = Pid::from_raw(tid.parse().unwrap());
        ptrace::attach(tid).unwrap();
        waitpid(tid, Some(WaitPidFlag::__WALL)).unwrap();
        Self(tid)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // An error says that it is gone.
        let _ = ptrace::detach(self.0, None);
    }
}

/// The process of a node's daemon, as this program numbers it.
fn daemon(node: &Node) -> u32 {
    let inside = node.read("/run/heartbeat.pid").trim().to_owned();
    let space = |pid: u32| fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let home = space(node.stage().init());
    let is_it = |pid: &u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let number = status.lines().find_map(|l| l.strip_prefix("NSpid:"));
        number.is_some_and(|n| n.split_whitespace().last() == Some(&inside)) && space(*pid) == home
    };
    let all = fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|e| e.file_name().to_str().and_then(|n| n.parse().ok()));
    pids.into_iter().find(is_it).unwrap_or_else(|| panic!("{}: no daemon", node.name()))
}
