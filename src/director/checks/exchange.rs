//! Holds a conversation in frames to its end.

use std::io;
use std::net::SocketAddr;

use super::Outcome;
use super::frame::{Dialogue, LONGEST, Move};
use super::probe::By;
use super::road::Road;

/// So many connections one conversation may take.
const CONNECTIONS: usize = 3;

/// Holds a conversation to its end, over a way that is open and, where the dialogue wants it, others after it.
pub(super) async fn exchange(at: SocketAddr, mut road: Road, dialogue: &mut dyn Dialogue) -> Outcome {
    for _ in 0..CONNECTIONS {
        match moves(at, road, dialogue).await {
            Ok(Some(outcome)) => return outcome,
            Ok(None) => {}
            Err(e) => return dialogue.lost(Outcome::down(e.to_string())),
        }
        road = match Road::open(at, &By::Tcp).await {
            Ok(road) => road,
            Err(outcome) => return dialogue.lost(outcome),
        };
    }
    Outcome::down("the server wants to begin over and over again")
}

/// One connection's part of it; `None` if another one is wanted.
async fn moves(at: SocketAddr, mut road: Road, dialogue: &mut dyn Dialogue) -> io::Result<Option<Outcome>> {
    let mut bytes = Vec::new();
    let mut next = dialogue.begin();
    loop {
        next = match next {
            Move::Listen => match frame(&mut road, &mut bytes, dialogue).await? {
                Heard::Frame(frame) => dialogue.frame(&frame),
                Heard::TooLong => Move::down("the answer is too long"),
                Heard::End => return Ok(Some(dialogue.lost(Outcome::down("closed before it was decided")))),
            },
            Move::Say(text) => {
                road.say(&text).await?;
                Move::Listen
            }
            Move::Encrypt(text) => {
                road.say(&text).await?;
                road = match road.encrypted(at, None).await {
                    Ok(road) => road,
                    Err(why) => return Ok(dialogue.not_encrypted(why)),
                };
                dialogue.encrypted()
            }
            Move::Compute => {
                tokio::task::yield_now().await;
                dialogue.compute()
            }
            Move::Again => return Ok(None),
            Move::Decided(outcome, text) => {
                // It is decided whether or not the other side still hears this.
                let _ = road.say(&text).await;
                return Ok(Some(outcome));
            }
        }
    }
}

enum Heard {
    Frame(Vec<u8>),
    TooLong,
    End,
}

/// The next frame. What came behind it stays in `bytes`.
async fn frame(road: &mut Road, bytes: &mut Vec<u8>, dialogue: &dyn Dialogue) -> io::Result<Heard> {
    loop {
        match dialogue.length(bytes) {
            Some(length) if length > LONGEST => return Ok(Heard::TooLong),
            Some(length) if length <= bytes.len() => {
                return Ok(Heard::Frame(bytes.drain(..length).collect()));
            }
            _ if bytes.len() > LONGEST => return Ok(Heard::TooLong),
            _ => {}
        }
        match road.piece().await? {
            Some(piece) => bytes.extend(piece),
            None => return Ok(Heard::End),
        }
    }
}
