//! Reload and restart under load: two hundred requests a second come through the director, and long connections beside
//! them. None of them may notice.
//!
//! ```text
//!   client 10.10.0.9 ── 10.10.0.1, .100  director  10.11.0.1 ── servers 10.11.0.11, .12
//! ```

use std::collections::BTreeMap;
use std::env;
use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{interval, sleep, timeout};

use crate::director::Program;
use crate::director::farm::{Farm, Mode};
use crate::director::room::{CONFIG, LOG, PATIENCE, Room};
use crate::lab::stage::Stage;
use crate::lab::{Failure, bail, wait_until};

const PAUSE: Duration = Duration::from_millis(5);
/// A client takes so long to say what it wants: twenty are always in the middle of it.
const THOUGHT: Duration = Duration::from_millis(100);
/// A request that takes longer has failed.
const LIMIT: Duration = Duration::from_secs(10);
/// Connections that last all the time, and how often each says something.
const LONG: usize = 20;
const WORD: Duration = Duration::from_millis(250);
/// So many requests belong to each thing that is done.
const REQUESTS: usize = 150;

const CF: &str = "\
checkinterval=1
checktimeout=5
virtual=10.10.0.100:80
        real=10.11.0.11:80 masq
        real=10.11.0.12:80 masq
        fallback=127.0.0.1:80 gate
        service=http
        request=\"index.html\"
        receive=\"OK\"
        scheduler=rr
virtual=10.10.0.100:81
        real=10.11.0.11:81 masq
        real=10.11.0.12:81 masq
        checktype=connect
        scheduler=rr
";

pub(crate) fn all() {
    let program = match env::var("DIRECTOR_PROGRAMS").as_deref() {
        Ok("reference") => Program::Reference,
        _ => Program::Ours,
    };
    under_load(program).unwrap_or_else(|failure| panic!("{failure}"));
}

/// Client, director, servers.
struct Net {
    room: Room,
    client: Stage,
    _farm: Farm,
    _servers: Stage,
}

fn build(program: Program) -> Result<Net, Failure> {
    let room = Room::new("load", program, &[])?;
    let (client, servers) = (Stage::outermost("hostname client")?, Stage::outermost("hostname servers")?);
    let cables = format!(
        "set -e\nip link add eth0 netns {c} type veth peer name eth0 netns {d}\n\
         ip link add eth0 netns {s} type veth peer name eth1 netns {d}\n",
        c = client.init(),
        d = room.stage.init(),
        s = servers.init()
    );
    let made = std::process::Command::new("sh").args(["-c", &cables]).output()?;
    if !made.status.success() {
        bail!("{}", String::from_utf8_lossy(&made.stderr));
    }
    let up =
        |stage: &Stage, script: &str| stage.script(&[], &format!("set -e\nip link set lo up\n{script}\n"));
    up(&client, "ip addr add 10.10.0.9/24 dev eth0; ip link set eth0 up")?;
    up(
        &room.stage,
        "ip addr add 10.10.0.1/24 dev eth0; ip addr add 10.10.0.100/32 dev eth0; ip link set eth0 up
         ip addr add 10.11.0.1/24 dev eth1; ip link set eth1 up; echo 1 >/proc/sys/net/ipv4/ip_forward",
    )?;
    up(
        &servers,
        "ip addr add 10.11.0.11/24 dev eth0; ip addr add 10.11.0.12/24 dev eth0; ip link set eth0 up
         ip route add default via 10.11.0.1",
    )?;
    let farm = Farm::on(&servers)?;
    for host in ["10.11.0.11", "10.11.0.12"] {
        for port in [80, 82] {
            farm.set(format!("{host}:{port}").parse().unwrap(), Mode::page(200, "OK"));
        }
        farm.set(format!("{host}:81").parse().unwrap(), Mode::Echo);
    }
    Ok(Net { room, client, _farm: farm, _servers: servers })
}

/// What the client has seen so far.
#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    words: AtomicUsize,
    failures: Mutex<BTreeMap<String, usize>>,
    stop: AtomicBool,
}

impl Seen {
    fn failed(&self, what: &str, error: impl std::fmt::Display) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures.entry(format!("{what}: {error}")).or_default() += 1;
    }
}

/// The client's thread: it lives in the client's network until it is told to stop.
fn load(client: &Stage, seen: &Arc<Seen>) -> Result<JoinHandle<()>, Failure> {
    let place = File::open(format!("/proc/{}/ns/net", client.init()))?;
    let seen = Arc::clone(seen);
    Ok(thread::spawn(move || {
        setns(&place, CloneFlags::CLONE_NEWNET).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(ask_and_ask(seen));
    }))
}

async fn ask_and_ask(seen: Arc<Seen>) {
    let mut tasks: Vec<_> = (0..LONG).map(|_| tokio::spawn(long(Arc::clone(&seen)))).collect();
    let mut beat = interval(PAUSE);
    while !seen.stop.load(Ordering::Relaxed) {
        beat.tick().await;
        tasks.push(tokio::spawn(short(Arc::clone(&seen))));
    }
    for task in tasks {
        task.await.unwrap();
    }
}

async fn short(seen: Arc<Seen>) {
    match timeout(LIMIT, request()).await {
        Ok(Ok(answer)) if answer.ends_with("\r\n\r\nOK") => {
            let _ = seen.answered.fetch_add(1, Ordering::Relaxed);
        }
        Ok(Ok(answer)) => seen.failed("another answer", answer),
        Ok(Err(error)) => seen.failed("request", error),
        Err(late) => seen.failed("request", late),
    }
}

async fn request() -> io::Result<String> {
    let mut stream = TcpStream::connect("10.10.0.100:80").await?;
    sleep(THOUGHT).await;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

async fn long(seen: Arc<Seen>) {
    let ran = async {
        let mut stream = TcpStream::connect("10.10.0.100:81").await?;
        while !seen.stop.load(Ordering::Relaxed) {
            let mut echo = [0; 5];
            stream.write_all(b"hello").await?;
            timeout(LIMIT, stream.read_exact(&mut echo)).await??;
            seen.words.fetch_add(1, Ordering::Relaxed);
            sleep(WORD).await;
        }
        io::Result::Ok(())
    };
    if let Err(error) = ran.await {
        seen.failed("a long connection", error);
    }
}

/// What an operator does meanwhile.
type Deed = (&'static str, fn(&Room) -> Result<(), Failure>);
const DEEDS: [Deed; 10] = [
    ("reload, nothing changed", |room| room.director("reload")),
    ("reload, other weights", |room| {
        let changed = CF.replace("masq\n", "masq 3\n");
        reload(room, &changed)?;
        listed(room, "10.10.0.100:80 rr -> 10.11.0.11:80 Masq 3")
    }),
    ("reload, another scheduler", |room| {
        reload(room, &CF.replace("scheduler=rr", "scheduler=wlc"))?;
        listed(room, "10.10.0.100:81 wlc -> 10.11.0.12:81 Masq 1")
    }),
    ("a broken file, reload", |room| {
        room.write(CONFIG, &CF.replace("gate", "gateau"), 0o644)?;
        // the verb itself refuses such a file
        room.signal(Signal::SIGHUP)?;
        room.write(CONFIG, CF, 0o644)
    }),
    ("restart", restart),
    ("kill -9 and start", |room| {
        room.signal(Signal::SIGKILL)?;
        room.ended()?;
        room.start()
    }),
    ("reload, a server out", |room| {
        reload(room, &CF.replace("        real=10.11.0.11:80 masq\n", ""))?;
        gone(room, "10.10.0.100:80 rr -> 10.11.0.11:80")
    }),
    ("reload, the other one in its place", |room| {
        reload(room, &CF.replace("        real=10.11.0.12:80 masq\n", ""))?;
        gone(room, "10.10.0.100:80 rr -> 10.11.0.12:80")
    }),
    ("restart with all servers exchanged", |room| {
        room.write(
            CONFIG,
            &CF.replace("0.11:80 masq\n", "0.11:82 masq\n").replace("0.12:80 masq\n", "0.12:82 masq\n"),
            0o644,
        )?;
        restart(room)?;
        gone(room, "10.10.0.100:80 rr -> 10.11.0.11:80")
    }),
    ("restart again", restart),
];

/// Another configuration.
fn reload(room: &Room, cf: &str) -> Result<(), Failure> {
    room.write(CONFIG, cf, 0o644)?;
    room.director("reload")
}

fn restart(room: &Room) -> Result<(), Failure> {
    room.director("restart")?;
    wait_until("it runs again", PATIENCE, || room.pid().map(drop).ok_or_else(|| room.read(LOG)))
}

/// Until no row begins like this any more.
fn gone(room: &Room, row: &str) -> Result<(), Failure> {
    let begin = format!("{row} ");
    servers(room, &format!("no {row}"), |rows| !rows.iter().any(|r| r.starts_with(&begin)))
}

/// Until a row ends like this.
fn listed(room: &Room, row: &str) -> Result<(), Failure> {
    servers(room, row, |rows| rows.iter().any(|r| r.ends_with(row)))
}

fn servers(room: &Room, what: &str, wanted: impl Fn(&[String]) -> bool) -> Result<(), Failure> {
    wait_until(&format!("the table has {what}"), PATIENCE, || {
        let rows = room.listed().map_err(|f| f.to_string())?.servers;
        if wanted(&rows) { Ok(()) } else { Err(rows.join("\n")) }
    })
}

fn under_load(program: Program) -> Result<(), Failure> {
    let Net { room, client, _farm, _servers } = build(program)?;
    room.write(CONFIG, CF, 0o644)?;
    room.start()?;
    for row in ["10.10.0.100:80 rr -> 10.11.0.12:80 Masq 1", "10.10.0.100:81 rr -> 10.11.0.12:81 Masq 1"] {
        listed(&room, row)?;
    }
    let seen = Arc::new(Seen::default());
    let (thread, begin) = (load(&client, &seen)?, Instant::now());
    let done = deeds(&room, &seen);
    let (answered, took) = (seen.answered.load(Ordering::Relaxed), begin.elapsed().as_secs_f64());
    seen.stop.store(true, Ordering::Relaxed);
    thread.join().unwrap();
    let words = seen.words.load(Ordering::Relaxed);
    println!(
        "{program}: {answered} requests in {took:.1} s, {:.0} a second; {words} words on {LONG} long connections",
        answered as f64 / took
    );
    done?;
    let failures = seen.failures.lock().unwrap_or_else(PoisonError::into_inner);
    if !failures.is_empty() {
        bail!("failed: {failures:#?}\n{}", room.read(LOG));
    }
    Ok(())
}

/// One deed after the other, each while requests come in.
fn deeds(room: &Room, seen: &Seen) -> Result<(), Failure> {
    requests(seen)?;
    for (what, deed) in DEEDS {
        deed(room).map_err(|f| f.of(what))?;
        requests(seen).map_err(|f| f.of(what))?;
        let failures: usize = seen.failures.lock().unwrap_or_else(PoisonError::into_inner).values().sum();
        println!("{what}: {failures} failures so far");
    }
    Ok(())
}

/// Waits for so many more answered requests.
fn requests(seen: &Seen) -> Result<(), Failure> {
    let before = seen.answered.load(Ordering::Relaxed);
    wait_until("requests are answered", PATIENCE, || {
        let now = seen.answered.load(Ordering::Relaxed) - before;
        if now >= REQUESTS { Ok(()) } else { Err(format!("{now} of {REQUESTS}")) }
    })
}
