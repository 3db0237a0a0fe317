//! A TCP connection for a conversation or a page.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use super::Outcome;
use super::http::{Page, Progress, Reader};
use super::talk::{Lines, Talk, Turn};

/// The size of a piece that is read at once.
const PIECE: usize = 16 << 10;

/// In the reference's words, where somebody may look for them.
fn cannot_connect(at: SocketAddr, error: &io::Error) -> String {
    let reason = match error.kind() {
        io::ErrorKind::ConnectionRefused => "Connection refused".to_owned(),
        _ => error.to_string(),
    };
    format!("500 Can't connect to {at} ({reason})")
}

/// Opens a connection.
pub(super) async fn open(at: SocketAddr) -> Result<TcpStream, Outcome> {
    TcpStream::connect(at).await.map_err(|e| Outcome::down(cannot_connect(at, &e)))
}

/// Holds a conversation to its end.
pub(super) async fn converse(at: SocketAddr, talk: &mut (dyn Talk + Send)) -> Outcome {
    let mut stream = match open(at).await {
        Ok(stream) => stream,
        Err(outcome) => return outcome,
    };
    match turns(&mut stream, talk).await {
        Ok(outcome) => outcome,
        Err(e) => Outcome::down(e.to_string()),
    }
}

async fn turns(stream: &mut TcpStream, talk: &mut (dyn Talk + Send)) -> io::Result<Outcome> {
    let mut lines = Lines::default();
    let mut turn = talk.begin(stream.local_addr()?);
    loop {
        if let Some(outcome) = take(stream, turn).await? {
            return Ok(outcome);
        }
        turn = match lines.next_line() {
            Some(line) => talk.line(&line),
            None if lines.is_too_much() => return Ok(Outcome::down("the answer is too long")),
            None => match piece(stream).await? {
                Some(bytes) => {
                    lines.hear(&bytes);
                    Turn::Listen
                }
                None => return Ok(last(&mut lines, talk)),
            },
        };
    }
}

/// A socket for datagrams to and from one place.
async fn datagram_socket(at: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = if at.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(at).await?;
    Ok(socket)
}

/// Sends one datagram, made with our own address, and waits for one that `judge` takes for its answer.
pub(super) async fn ask_datagram(
    at: SocketAddr,
    packet: impl FnOnce(SocketAddr) -> Vec<u8>,
    judge: impl Fn(&[u8]) -> Option<Outcome>,
) -> Outcome {
    let asked = async {
        let socket = datagram_socket(at).await?;
        socket.send(&packet(socket.local_addr()?)).await?;
        let mut bytes = vec![0; PIECE];
        loop {
            let count = socket.recv(&mut bytes).await?;
            if let Some(outcome) = judge(bytes.get(..count).unwrap_or_default()) {
                return Ok(outcome);
            }
        }
    };
    asked.await.unwrap_or_else(|e: io::Error| Outcome::down(cannot_connect(at, &e)))
}

/// The same over TCP, where each packet has its length before it.
pub(super) async fn ask_prefixed(
    at: SocketAddr,
    packet: &[u8],
    judge: impl Fn(&[u8]) -> Option<Outcome>,
) -> Outcome {
    let mut stream = match open(at).await {
        Ok(stream) => stream,
        Err(outcome) => return outcome,
    };
    let asked = async {
        let length = u16::try_from(packet.len()).unwrap_or(u16::MAX).to_be_bytes();
        stream.write_all(&[&length, packet].concat()).await?;
        loop {
            let length = stream.read_u16().await?;
            let mut bytes = vec![0; usize::from(length)];
            stream.read_exact(&mut bytes).await?;
            if let Some(outcome) = judge(&bytes) {
                return Ok(outcome);
            }
        }
    };
    asked.await.unwrap_or_else(|e: io::Error| Outcome::down(e.to_string()))
}

/// Holds a conversation by datagrams. Nobody closes it: who is not answered waits for the time to run out.
pub(super) async fn converse_by_datagrams(at: SocketAddr, talk: &mut (dyn Talk + Send)) -> Outcome {
    match datagrams(at, talk).await {
        Ok(outcome) => outcome,
        Err(e) => Outcome::down(cannot_connect(at, &e)),
    }
}

async fn datagrams(at: SocketAddr, talk: &mut (dyn Talk + Send)) -> io::Result<Outcome> {
    let socket = datagram_socket(at).await?;
    let mut turn = talk.begin(socket.local_addr()?);
    let mut bytes = vec![0; PIECE];
    loop {
        match turn {
            Turn::Listen => {}
            Turn::Say(text) | Turn::SayLast(text) => {
                socket.send(text.as_bytes()).await?;
            }
            Turn::Decided(outcome, _) => return Ok(outcome),
        }
        let count = socket.recv(&mut bytes).await?;
        turn = each_line(bytes.get(..count).unwrap_or_default(), talk);
    }
}

/// The lines of a datagram, up to the one that wants something said or decides.
fn each_line(bytes: &[u8], talk: &mut (dyn Talk + Send)) -> Turn {
    let mut lines = Lines::default();
    lines.hear(bytes);
    while let Some(line) = lines.next_line().or_else(|| lines.rest()) {
        match talk.line(&line) {
            Turn::Listen => {}
            turn => return turn,
        }
    }
    Turn::Listen
}

/// What it means that nothing more comes.
fn last(lines: &mut Lines, talk: &mut (dyn Talk + Send)) -> Outcome {
    match lines.rest() {
        Some(rest) => talk.broken_off(&rest),
        None => talk.closed(),
    }
}

/// Does what a turn asks for; the outcome if it is decided.
async fn take(stream: &mut TcpStream, turn: Turn) -> io::Result<Option<Outcome>> {
    match turn {
        Turn::Listen => {}
        Turn::Say(text) => stream.write_all(text.as_bytes()).await?,
        Turn::SayLast(text) => {
            stream.write_all(text.as_bytes()).await?;
            stream.shutdown().await?;
        }
        Turn::Decided(outcome, text) => {
            // It is decided whether or not the other side still hears this.
            let _ = stream.write_all(text.as_bytes()).await;
            return Ok(Some(outcome));
        }
    }
    Ok(None)
}

/// The next bytes; `None` when there are no more.
async fn piece(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; PIECE];
    let count = stream.read(&mut bytes).await?;
    bytes.truncate(count);
    Ok((count > 0).then_some(bytes))
}

/// Asks for a page and reads the answer.
pub(super) async fn ask(at: SocketAddr, page: &Page) -> Result<super::http::Answer, Outcome> {
    let mut stream = open(at).await?;
    let down = |e: io::Error| Outcome::down(format!("500 {e}"));
    stream.write_all(&page.request()).await.map_err(down)?;
    let mut reader = Reader::new(page);
    loop {
        let progress = match piece(&mut stream).await.map_err(down)? {
            Some(bytes) => reader.hear(&bytes),
            None => reader.closed(),
        };
        match progress {
            Progress::More => {}
            Progress::Done(answer) => return Ok(answer),
            Progress::Bad(why) => return Err(Outcome::down(format!("500 {why}"))),
        }
    }
}
