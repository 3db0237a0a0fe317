//! What is said and heard over a connection: conversations in lines, pages, packets with their length before them.

use std::io;
use std::net::SocketAddr;

use tokio::time::{Instant, timeout_at};

use super::Outcome;
use super::http::{Answer, Page, Progress, Reader};
use super::probe::By;
use super::road::Road;
use super::run::TOO_LONG;
use super::talk::{Lines, Talk, Turn};

/// Holds a conversation to its end.
pub(super) async fn converse(at: SocketAddr, by: &By, talk: &mut (dyn Talk + Send)) -> Outcome {
    let mut road = match Road::open(at, by).await {
        Ok(road) => road,
        Err(outcome) => return outcome,
    };
    match turns(&mut road, talk).await {
        Ok(outcome) => outcome,
        Err(e) => Outcome::down(e.to_string()),
    }
}

async fn turns(road: &mut Road, talk: &mut (dyn Talk + Send)) -> io::Result<Outcome> {
    let mut lines = Lines::default();
    let mut turn = talk.begin(road.local);
    loop {
        if let Some(outcome) = take(road, turn).await? {
            return Ok(outcome);
        }
        turn = match lines.next_line(talk.wants_ends()) {
            Some(line) => talk.line(&line),
            None if lines.is_too_much() => return Ok(Outcome::down("the answer is too long")),
            None => match road.piece().await? {
                Some(bytes) => {
                    lines.hear(&bytes);
                    Turn::Listen
                }
                None => return Ok(last(&mut lines, talk)),
            },
        };
    }
}

/// What it means that nothing more comes.
fn last(lines: &mut Lines, talk: &mut (dyn Talk + Send)) -> Outcome {
    match lines.rest() {
        Some(rest) => talk.broken_off(&rest),
        None => talk.closed(),
    }
}

/// Does what a turn asks for; the outcome if it is decided.
async fn take(road: &mut Road, turn: Turn) -> io::Result<Option<Outcome>> {
    match turn {
        Turn::Listen => {}
        Turn::Say(text) => road.say(text.as_bytes()).await?,
        Turn::SayLast(text) => {
            road.say(text.as_bytes()).await?;
            road.end().await?;
        }
        Turn::Decided(outcome, text) => {
            // It is decided whether or not the other side still hears this.
            let _ = road.say(text.as_bytes()).await;
            return Ok(Some(outcome));
        }
    }
    Ok(None)
}

/// Asks for a page.
pub(super) async fn ask(at: SocketAddr, page: &Page) -> Result<Road, Outcome> {
    let mut road = Road::open(at, &page.by()).await?;
    road.say(&page.request()).await.map_err(|e| Outcome::down(format!("500 {e}")))?;
    Ok(road)
}

/// Reads the answer. When the time is over, what came so far may be one.
pub(super) async fn answer(mut road: Road, page: &Page, until: Instant) -> Result<Answer, Outcome> {
    let mut reader = Reader::new(page);
    loop {
        let (progress, last) = match timeout_at(until, road.piece()).await {
            Ok(Ok(Some(bytes))) => (reader.hear(&bytes), false),
            Ok(Ok(None)) => (reader.closed(), true),
            // Broken off: as with the reference what came counts.
            Ok(Err(e)) => match reader.closed() {
                Progress::Done(answer) => return Ok(answer),
                _ => return Err(Outcome::down(format!("500 {e}"))),
            },
            Err(_) => (reader.late(), true),
        };
        match progress {
            Progress::More if last => return Err(Outcome::down(TOO_LONG)),
            Progress::More => {}
            Progress::Done(answer) => return Ok(answer),
            Progress::Bad(why) => return Err(Outcome::down(format!("500 {why}"))),
        }
    }
}

/// Sends a packet with its length before it, and waits for one that `judge` takes for its answer.
pub(super) async fn ask_prefixed(
    at: SocketAddr,
    packet: &[u8],
    judge: impl Fn(&[u8]) -> Option<Outcome>,
) -> Outcome {
    let mut road = match Road::open(at, &By::Tcp).await {
        Ok(road) => road,
        Err(outcome) => return outcome,
    };
    let asked = async {
        let length = u16::try_from(packet.len()).unwrap_or(u16::MAX).to_be_bytes();
        road.say(&[&length, packet].concat()).await?;
        loop {
            let length = road.exactly(2).await?;
            let length = length.iter().fold(0, |sum, byte| sum * 256 + usize::from(*byte));
            if let Some(outcome) = judge(&road.exactly(length).await?) {
                return Ok(outcome);
            }
        }
    };
    asked.await.unwrap_or_else(|e: io::Error| Outcome::down(e.to_string()))
}
