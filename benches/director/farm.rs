//! Thousands of real servers behind one listening socket: each is an address of loopback.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::lab::Failure;
use crate::lab::stage::Stage;

/// Answers, answers wrong, or says nothing.
pub(crate) const GOOD: u8 = 0;
pub(crate) const DEAD: u8 = 1;
pub(crate) const HANGING: u8 = 2;

const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK";

/// One server: what it does, and the pauses between the visits it had.
#[derive(Default)]
pub(crate) struct Server {
    pub(crate) mode: AtomicU8,
    pub(crate) visits: AtomicU64,
    pauses: Mutex<(Option<Instant>, Duration)>,
}

/// The address of a server.
pub(crate) fn address(number: usize) -> Ipv4Addr {
    let (high, low) = (number / 250, number % 250);
    Ipv4Addr::new(127, 1, u8::try_from(high).unwrap(), u8::try_from(low + 1).unwrap())
}

fn number(address: Ipv4Addr) -> usize {
    let [_, _, high, low] = address.octets();
    usize::from(high) * 250 + usize::from(low).saturating_sub(1)
}

/// All of them.
pub(crate) struct Farm(pub(crate) Arc<Vec<Server>>);

impl Farm {
    pub(crate) fn on(stage: &Stage, servers: usize) -> Result<Self, Failure> {
        let place = File::open(format!("/proc/{}/ns/net", stage.init()))?;
        let all: Arc<Vec<Server>> = Arc::new((0..servers).map(|_| Server::default()).collect());
        let theirs = Arc::clone(&all);
        thread::spawn(move || {
            setns(&place, CloneFlags::CLONE_NEWNET).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(theirs)).unwrap();
        });
        Ok(Self(all))
    }

    pub(crate) fn set(&self, server: usize, mode: u8) {
        self.0[server].mode.store(mode, Ordering::Relaxed);
    }

    /// From now on pauses are counted anew.
    pub(crate) fn forget_pauses(&self) {
        let now = Instant::now();
        self.0.iter().for_each(|server| *server.pauses.lock().unwrap() = (Some(now), Duration::ZERO));
    }

    /// The longest pause of each healthy server, the shortest first. One that lasts still counts, too.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        let healthy = self.0.iter().filter(|server| server.mode.load(Ordering::Relaxed) == GOOD);
        let mut pauses: Vec<_> = healthy
            .map(|server| {
                let (last, longest) = *server.pauses.lock().unwrap();
                longest.max(last.map_or(Duration::ZERO, |last| last.elapsed()))
            })
            .collect();
        pauses.sort();
        pauses
    }

    /// Visits so far, of all of them.
    pub(crate) fn visits(&self) -> u64 {
        self.0.iter().map(|server| server.visits.load(Ordering::Relaxed)).sum()
    }
}

impl Server {
    fn visited(&self) {
        self.visits.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        let mut pauses = self.pauses.lock().unwrap();
        let pause = pauses.0.map_or(Duration::ZERO, |last| now - last);
        *pauses = (Some(now), pauses.1.max(pause));
    }
}

async fn serve(servers: Arc<Vec<Server>>) -> std::io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&std::net::SocketAddr::from(([0, 0, 0, 0], 80)).into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    let listener = TcpListener::from_std(socket.into())?;
    loop {
        let (stream, _) = listener.accept().await?;
        let IpAddr::V4(at) = stream.local_addr()?.ip() else { continue };
        let Some(server) = servers.get(number(at)) else { continue };
        server.visited();
        tokio::spawn(answer(stream, server.mode.load(Ordering::Relaxed)));
    }
}

async fn answer(mut stream: TcpStream, mode: u8) -> std::io::Result<()> {
    let mut asked = [0; 1024];
    if mode != DEAD {
        let _ = stream.read(&mut asked).await?;
    }
    match mode {
        GOOD => stream.write_all(PAGE).await,
        // until the other side gives up
        HANGING => stream.read(&mut asked).await.map(drop),
        _ => Ok(()),
    }
}
