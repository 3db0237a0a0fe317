//! Questions and conversations by UDP. Nobody closes these: who is not answered waits for the time to run out.

use std::io;
use std::net::SocketAddr;

use tokio::net::UdpSocket;

use super::Outcome;
use super::road::{PIECE, cannot_connect};
use super::talk::{Lines, Talk, Turn};

/// A socket for datagrams to and from one place.
async fn socket(at: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = if at.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(at).await?;
    Ok(socket)
}

/// Sends one datagram, made with our own address, and waits for one that `judge` takes for its answer.
pub(super) async fn ask(
    at: SocketAddr,
    packet: impl FnOnce(SocketAddr) -> Vec<u8>,
    judge: impl Fn(&[u8]) -> Option<Outcome>,
) -> Outcome {
    let asked = async {
        let socket = socket(at).await?;
        socket.send(&packet(socket.local_addr()?)).await?;
        let mut bytes = vec![0; PIECE];
        loop {
            let count = socket.recv(&mut bytes).await?;
            if let Some(outcome) = judge(bytes.get(..count).unwrap_or_default()) {
                return Ok(outcome);
            }
        }
    };
    asked.await.unwrap_or_else(|e: io::Error| cannot_connect(at, &e))
}

/// Holds a conversation.
pub(super) async fn converse(at: SocketAddr, talk: &mut (dyn Talk + Send)) -> Outcome {
    match turns(at, talk).await {
        Ok(outcome) => outcome,
        Err(e) => cannot_connect(at, &e),
    }
}

async fn turns(at: SocketAddr, talk: &mut (dyn Talk + Send)) -> io::Result<Outcome> {
    let socket = socket(at).await?;
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
    while let Some(line) = lines.next_line(talk.wants_ends()).or_else(|| lines.rest()) {
        match talk.line(&line) {
            Turn::Listen => {}
            turn => return turn,
        }
    }
    Turn::Listen
}
