//! The ping nodes of the daemon: what an echo request says, and which answer is believed (wire-protocol.md
//! 10.7). Whether a ping node lives is the engine's business, as with any other node.

use crate::level::Level;
use crate::logging::Logger;
use crate::media::{Buffer, ErrorLimiter, Note, Ping, PingSpec};
use crate::wire::{self, EncodeError, Format, Keys, Message, WireError};
use std::collections::VecDeque;
use std::task::{Context, Poll};

/// Seconds, or requests where they are rarer, after which an answer is none any more.
const SLOWEST: usize = 8;

/// The open ping media.
#[derive(Default)]
pub(super) struct Pings {
    all: Vec<(Ping, ErrorLimiter)>,
    asked: Asked,
}

impl Pings {
    /// Opens one more. The error is the line to log before giving up.
    pub(super) fn add(&mut self, spec: &PingSpec, log: &Logger) -> Result<(), Note> {
        let ping = Ping::open(spec)?;
        say(log, &ping.note());
        self.all.push((ping, ErrorLimiter::default()));
        Ok(())
    }

    /// Asks every ping node; one that cannot be asked does not stop the others.
    pub(super) fn ask(&mut self, status: &Message, keys: &Keys, log: &Logger) {
        self.asked.note(status.text("ts").unwrap_or_default());
        for (ping, errors) in &mut self.all {
            let lines = match payload(status, ping.kind().name(), ping.name(), keys) {
                Ok(payload) => match ping.send(&payload) {
                    Ok(()) => {
                        let again = errors.succeeded(&ping.to_string());
                        again.iter().for_each(|note| say(log, note));
                        continue;
                    }
                    Err(error) => ping.send_failure(&error).to_vec(),
                },
                Err(error) => {
                    vec![Note { level: Level::Error, text: format!("cannot ping {}: {error}", ping.name()) }]
                }
            };
            errors.failed(&ping.to_string(), lines).iter().for_each(|note| say(log, note));
        }
    }

    /// Whether an answer is there; the task of `context` is woken by each of them.
    pub(super) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut ready = Poll::Pending;
        for (ping, _) in &self.all {
            if ping.poll_readable(context).is_ready() {
                ready = Poll::Ready(());
            }
        }
        ready
    }

    /// So many calls of [`Pings::hear`] bring all that can wait at one moment.
    pub(super) fn bursts(&self) -> usize {
        self.all.iter().map(|(ping, _)| ping.bursts()).max().unwrap_or_default()
    }

    /// Hands out the answers that are there, as the messages that they bring back. Whether there may be more.
    pub(super) fn hear(
        &mut self,
        keys: &Keys,
        buffer: &mut Buffer,
        mut each: impl FnMut(&str, Result<Message, WireError>),
    ) -> usize {
        let (mut count, asked) = (0, &self.asked);
        for (ping, _) in &mut self.all {
            let (info, name) = (ping.kind().name(), ping.name().to_owned());
            // An error here belongs to an address that went away; sending will notice.
            let drained = ping.drain(buffer, |payload| match wire::decode(payload, keys) {
                Ok(message) if is_answer(&message, info, &name) && asked.lately(&message) => {
                    each(&name, Ok(message));
                    true
                }
                Ok(_) => false,
                Err(error) => {
                    each(&name, Err(error));
                    false
                }
            });
            count += drained.unwrap_or(0);
        }
        count
    }
}

/// Which requests may still be answered. Without this, whoever recorded one answer could have a ping node live
/// for ever.
#[derive(Default)]
struct Asked(VecDeque<String>);

impl Asked {
    fn note(&mut self, ts: &str) {
        if self.0.back().is_some_and(|last| last == ts) {
            return;
        }
        if self.0.len() >= SLOWEST {
            self.0.pop_front();
        }
        self.0.push_back(ts.to_owned());
    }

    fn lately(&self, answer: &Message) -> bool {
        answer.text("ts").is_some_and(|ts| self.0.iter().any(|asked| asked == ts))
    }
}

/// The request: a message as if the ping node had sent it. It is signed twice, whatever `msgfmt` says.
fn payload(status: &Message, info: &str, name: &str, keys: &Keys) -> Result<Vec<u8>, EncodeError> {
    let ts = status.text("ts").unwrap_or_default();
    let mut message =
        Message::of("NS_st").with("st", "ping").with("info", info).with("src", name).with("ts", ts);
    wire::seal(&mut message, Format::Classic, keys);
    wire::encode(&message, keys)
}

/// Each socket hears the answers to all of them; only its own count, and nothing else that was ever signed.
fn is_answer(message: &Message, info: &str, name: &str) -> bool {
    message.kind() == Some("NS_st") && message.text("info") == Some(info) && message.text("src") == Some(name)
}

fn say(log: &Logger, note: &Note) {
    log.log(note.level, &note.text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Key, Method};

    fn keys() -> Keys {
        Keys::new(1, [(1, Key::new(Method::Sha1, "secretkey"))]).unwrap()
    }

    #[test]
    fn a_request_says_what_the_reference_says() {
        let status = Message::of("status").with("st", "active").with("ts", "6b01eb35");
        let payload = |info, name| payload(&status, info, name, &keys()).unwrap();
        let recorded: &[u8] = include_bytes!("../../tests/vectors/sha1_icmp_ping_NS_st.bin");
        assert_eq!(payload("ping", "10.78.0.2"), recorded);
        let recorded: &[u8] = include_bytes!("../../tests/vectors/sha1_icmp_pinggroup_NS_st.bin");
        assert_eq!(payload("ping_group", "pg"), recorded);
    }

    #[test]
    fn an_answer_has_its_time() {
        let mut asked = Asked::default();
        let answer = |ts: u64| Message::of("NS_st").with("ts", &format!("{ts:x}"));
        assert!(!asked.lately(&answer(0)), "nothing was asked yet");
        for second in 100..120 {
            for _ in 0..5 {
                asked.note(&format!("{second:x}"));
            }
        }
        assert!(asked.lately(&answer(119)) && asked.lately(&answer(112)));
        assert!(!asked.lately(&answer(111)) && !asked.lately(&answer(120)));
    }

    #[test]
    fn only_what_was_asked_is_an_answer() {
        let recorded: &[u8] = include_bytes!("../../tests/vectors/sha1_icmp_ping_NS_st.bin");
        let message = wire::decode(recorded, &keys()).unwrap();
        assert!(is_answer(&message, "ping", "10.78.0.2"));
        assert!(!is_answer(&message, "ping", "10.78.0.3"));
        assert!(!is_answer(&message, "ping6", "10.78.0.2"));
        let other = Message::of("status").with("info", "ping").with("src", "10.78.0.2");
        assert!(!is_answer(&other, "ping", "10.78.0.2"));
    }
}
