//! Real servers that do as they are told, in the network namespace of a room.
//!
//! One thread plays all of a room. A server that refuses has no listening socket at all.

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use nix::sched::{CloneFlags, setns};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

use crate::lab::Failure;
use crate::lab::stage::Stage;

/// What a server does with a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Answers every request with this page.
    Page { status: u16, body: String },
    /// Answers one request so, then is as it was before.
    Once { status: u16, then: Box<Mode> },
    /// Says this at once, then listens without a word.
    Greeting(String),
    /// Says everything again that is said.
    Echo,
    /// Takes in e-mails.
    Mail,
    /// Accepts and closes.
    Close,
    /// Accepts and says nothing.
    Hang,
    /// Does not listen.
    Refuse,
}

impl Mode {
    pub(crate) fn page(status: u16, body: &str) -> Self {
        Self::Page { status, body: body.to_owned() }
    }
}

/// One server.
pub(crate) struct Server {
    at: SocketAddr,
    mode: Mutex<Mode>,
    changed: Notify,
    visits: AtomicUsize,
    /// Subjects of the e-mails that came.
    mails: Mutex<Vec<String>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The servers of a room.
pub(crate) struct Farm {
    servers: Mutex<BTreeMap<SocketAddr, Arc<Server>>>,
    started: mpsc::UnboundedSender<Arc<Server>>,
}

impl Farm {
    /// No server yet. The thread ends with the farm.
    pub(crate) fn on(stage: &Stage) -> Result<Self, Failure> {
        let place = File::open(format!("/proc/{}/ns/net", stage.init()))?;
        let (started, orders) = mpsc::unbounded_channel();
        thread::spawn(move || {
            setns(&place, CloneFlags::CLONE_NEWNET).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(orders));
        });
        Ok(Self { servers: Mutex::default(), started })
    }

    /// What a server does from now on.
    pub(crate) fn set(&self, at: SocketAddr, mode: Mode) {
        let mut servers = locked(&self.servers);
        if let Some(server) = servers.get(&at) {
            *locked(&server.mode) = mode;
            // the one that listens, and every connection that hangs
            server.changed.notify_waiters();
            server.changed.notify_one();
            return;
        }
        let server = Server {
            at,
            mode: Mutex::new(mode),
            changed: Notify::new(),
            visits: AtomicUsize::new(0),
            mails: Mutex::default(),
        };
        let server = Arc::new(server);
        servers.insert(at, Arc::clone(&server));
        self.started.send(server).unwrap();
    }

    /// What it does now, if there is one.
    pub(crate) fn mode(&self, at: SocketAddr) -> Option<Mode> {
        locked(&self.servers).get(&at).map(|server| locked(&server.mode).clone())
    }

    /// How often each server was asked so far.
    pub(crate) fn visits(&self) -> BTreeMap<SocketAddr, usize> {
        let servers = locked(&self.servers);
        servers.iter().map(|(at, server)| (*at, server.visits.load(Ordering::Relaxed))).collect()
    }

    /// The subjects of the e-mails that came to a server, sorted.
    pub(crate) fn mails(&self, at: SocketAddr) -> Vec<String> {
        let mut mails = locked(&self.servers).get(&at).map(|server| locked(&server.mails).clone());
        mails.iter_mut().for_each(|subjects| subjects.sort());
        mails.unwrap_or_default()
    }
}

async fn run(mut orders: mpsc::UnboundedReceiver<Arc<Server>>) {
    while let Some(server) = orders.recv().await {
        tokio::spawn(serve(server));
    }
}

async fn serve(server: Arc<Server>) {
    loop {
        while *locked(&server.mode) == Mode::Refuse {
            server.changed.notified().await;
        }
        let listener = listen(server.at).unwrap();
        while *locked(&server.mode) != Mode::Refuse {
            tokio::select! {
                accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                    server.visits.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(answer(Arc::clone(&server), stream));
                },
                () = server.changed.notified() => {}
            }
        }
    }
}

/// An address that is gone for a while can be listened on nevertheless: nobody comes.
fn listen(at: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    match at {
        SocketAddr::V4(_) => socket.set_freebind_v4(true)?,
        SocketAddr::V6(_) => socket.set_freebind_v6(true)?,
    }
    socket.bind(&at.into())?;
    socket.listen(1024)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

async fn answer(server: Arc<Server>, mut stream: TcpStream) {
    let mode = locked(&server.mode).clone();
    // who was asked may go away in the middle of it
    let _ = match mode {
        Mode::Page { status, body } => page(&mut stream, status, &body).await,
        Mode::Once { status, then } => {
            *locked(&server.mode) = *then;
            page(&mut stream, status, "").await
        }
        Mode::Greeting(text) => greet(&mut stream, &text).await,
        Mode::Echo => {
            let (mut from, mut to) = stream.split();
            tokio::io::copy(&mut from, &mut to).await.map(drop)
        }
        Mode::Mail => mail(&server, stream).await,
        Mode::Hang => {
            server.changed.notified().await;
            Ok(())
        }
        Mode::Close | Mode::Refuse => Ok(()),
    };
}

async fn page(stream: &mut TcpStream, status: u16, body: &str) -> std::io::Result<()> {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut asked).await? == 0 {
            // a check that only connects
            return Ok(());
        }
    }
    let head = format!(
        "HTTP/1.1 {status} Said\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all((head + body).as_bytes()).await?;
    stream.shutdown().await
}

async fn greet(stream: &mut TcpStream, text: &str) -> std::io::Result<()> {
    stream.write_all(text.as_bytes()).await?;
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.map(drop)
}

/// As much of SMTP as the receiving end needs.
async fn mail(server: &Server, stream: TcpStream) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 mail.example.com\r\n").await?;
    let (mut line, mut in_text) = (String::new(), false);
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let said = line.trim_end();
        if in_text {
            if let Some(subject) = said.strip_prefix("Subject: ") {
                locked(&server.mails).push(subject.to_owned());
            }
            in_text = said != ".";
            if in_text {
                continue;
            }
        }
        let word = said.get(..4).unwrap_or(said).to_ascii_uppercase();
        in_text = word == "DATA";
        let reply: &[u8] = match word.as_str() {
            "DATA" => b"354 go on\r\n",
            "QUIT" => b"221 bye\r\n",
            _ => b"250 good\r\n",
        };
        stream.write_all(reply).await?;
    }
}
