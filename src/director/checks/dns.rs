//! DNS: a question by UDP or TCP, and whether one of the answers is the right one. Pure.
//!
//! An address as the question asks for its name (PTR), a name for its addresses (A). Other records on the way, such as
//! CNAME, are passed over.

use std::net::{IpAddr, Ipv4Addr};

use super::Outcome;
use crate::director::config::Pattern;

const HEADER: usize = 12;
const TYPE_A: u16 = 1;
const TYPE_PTR: u16 = 12;
const CLASS_IN: u16 = 1;
const RECURSION_DESIRED: u8 = 1;
const IS_ANSWER: u8 = 0x80;
const IS_CUT: u8 = 2;
/// A name is not followed over more pointers: it would lead in a circle.
const POINTERS: usize = 64;

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What was written in the configuration, without its slash.
    pub asked: String,
    /// What one of the answers must contain. Without it no answer is right.
    pub receive: Option<Pattern>,
}

impl Question {
    /// The question in bytes, with a number that tells it from others. `None` for what cannot be a name.
    pub fn packet(&self, number: u16) -> Option<Vec<u8>> {
        let (name, kind) = match self.asked.parse::<IpAddr>() {
            Ok(ip) => (reverse(ip), TYPE_PTR),
            Err(_) => (self.asked.clone(), TYPE_A),
        };
        let mut packet = number.to_be_bytes().to_vec();
        packet.extend([RECURSION_DESIRED, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        for label in name.trim_end_matches('.').split('.').filter(|_| !name.is_empty()) {
            let length = u8::try_from(label.len()).ok().filter(|n| (1..64).contains(n))?;
            packet.push(length);
            packet.extend(label.as_bytes());
        }
        packet.push(0);
        packet.extend(kind.to_be_bytes());
        packet.extend(CLASS_IN.to_be_bytes());
        (packet.len() < 300).then_some(packet)
    }

    /// What a packet means: nothing, if it is no answer to this number.
    pub fn judge(&self, number: u16, packet: &[u8]) -> Option<Outcome> {
        let ours = packet.get(..2) == Some(&number.to_be_bytes()) && packet.get(2)? & IS_ANSWER != 0;
        if !ours {
            return None;
        }
        if packet.get(2)? & IS_CUT != 0 {
            return Some(cut_off());
        }
        let mut found = Vec::new();
        // Of a packet that is broken what comes before counts.
        let _ = answers(packet, &mut found);
        let right = |text: &String| self.receive.as_ref().is_some_and(|r| r.is_in(text.as_bytes()));
        Some(match (found.is_empty(), found.iter().any(right)) {
            (true, _) => Outcome::down("No answer received"),
            (_, true) => Outcome::up("Success"),
            (_, false) => Outcome::down("Response mismatch"),
        })
    }
}

/// What is said of an answer that was too long for a datagram. It is to be asked for once more, by TCP.
pub fn cut_off() -> Outcome {
    Outcome::down("the answer was cut off")
}

/// The name under which the name of an address is found.
fn reverse(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(ip) => {
            let digits = ip.octets().into_iter().rev().flat_map(|b| [b & 15, b >> 4]);
            digits.map(|n| format!("{n:x}.")).collect::<String>() + "ip6.arpa"
        }
    }
}

/// Every address and every name in the answers, as text. `None` when the packet is broken.
fn answers(packet: &[u8], found: &mut Vec<String>) -> Option<()> {
    let (questions, count) = (u16_at(packet, 4)?, u16_at(packet, 6)?);
    let mut at = HEADER;
    for _ in 0..questions {
        at = skip_name(packet, at)? + 4;
    }
    for _ in 0..count {
        at = skip_name(packet, at)?;
        let (kind, length) = (u16_at(packet, at)?, usize::from(u16_at(packet, at + 8)?));
        let begin = at + 10;
        let data = packet.get(begin..begin + length)?;
        match (kind, data) {
            (TYPE_A, [a, b, c, d]) => found.push(Ipv4Addr::new(*a, *b, *c, *d).to_string()),
            (TYPE_PTR, _) => found.push(name(packet, begin)?),
            _ => {}
        }
        at = begin + length;
    }
    Some(())
}

fn u16_at(packet: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*packet.get(at..)?.first_chunk()?))
}

/// The place behind a name.
fn skip_name(packet: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *packet.get(at)? {
            0 => return Some(at + 1),
            length if length >= 0xC0 => return Some(at + 2),
            length if length < 64 => at += 1 + usize::from(length),
            _ => return None,
        }
    }
}

/// A name, without its last dot.
fn name(packet: &[u8], mut at: usize) -> Option<String> {
    let mut labels: Vec<String> = Vec::new();
    let mut pointers = 0;
    loop {
        match *packet.get(at)? {
            0 => return Some(labels.join(".")),
            length if length >= 0xC0 => {
                pointers += 1;
                at = usize::from(u16_at(packet, at)? & 0x3FFF);
                if pointers > POINTERS {
                    return None;
                }
            }
            length if length < 64 => {
                let end = at + 1 + usize::from(length);
                labels.push(packet.get(at + 1..end)?.iter().map(|byte| written(*byte)).collect());
                at = end;
                if labels.len() > 128 {
                    return None;
                }
            }
            _ => return None,
        }
    }
}

/// A byte of a name as people write it (RFC 1035, 5.1).
fn written(byte: u8) -> String {
    match byte {
        b'.' | b'\\' => format!("\\{}", char::from(byte)),
        b'!'..=b'~' => char::from(byte).to_string(),
        _ => format!("\\{byte:03}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(asked: &str, receive: &str) -> Question {
        Question { asked: asked.to_owned(), receive: Pattern::compile(receive.as_bytes()).ok() }
    }

    /// Header, question `a.b`, then an alias and an address, names by pointer.
    const ANSWER: &[u8] = b"\x12\x34\x81\x80\0\x01\0\x02\0\0\0\0\x01a\x01b\0\0\x01\0\x01\
        \xC0\x0C\0\x05\0\x01\0\0\0\x3C\0\x04\x01c\xC0\x0E\
        \xC0\x21\0\x01\0\x01\0\0\0\x3C\0\x04\x0A\0\0\x07";

    #[test]
    fn a_question_is_what_rfc_1035_says() {
        let wanted = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x01b\0\0\x01\0\x01".to_vec();
        assert_eq!(question("a.b", "").packet(0x1234), Some(wanted));
        let reverse = question("10.0.0.7", "").packet(1).unwrap();
        let name = b"\x017\x010\x010\x0210\x07in-addr\x04arpa\0";
        assert!(reverse.windows(name.len()).any(|w| w == name));
        assert_eq!(question(&"a".repeat(64), "").packet(1), None);
        assert_eq!(question("a..b", "").packet(1), None);
        assert_eq!(question("", "").packet(1).map(|p| p.len()), Some(17), "the root");
    }

    #[test]
    fn one_right_answer_is_enough() {
        let judge = |receive: &str| question("a.b", receive).judge(0x1234, ANSWER);
        assert_eq!(judge("^10\\.0\\.0\\.7$"), Some(Outcome::up("Success")));
        assert_eq!(judge("10.0.0.8"), Some(Outcome::down("Response mismatch")));
        let any = Question { asked: "a.b".to_owned(), receive: None };
        assert_eq!(
            any.judge(0x1234, ANSWER),
            Some(Outcome::down("Response mismatch")),
            "empty never matches"
        );
        assert_eq!(any.judge(0x1235, ANSWER), None, "the answer to another question");
        assert_eq!(
            question("a.b", "x").judge(0x1234, &ANSWER[..30]),
            Some(Outcome::down("No answer received"))
        );
        let mut cut = ANSWER.to_vec();
        cut[2] |= IS_CUT;
        assert_eq!(question("a.b", "10").judge(0x1234, &cut), Some(cut_off()));
        let name = b"\0\x01\x81\x80\0\0\0\x01\0\0\0\0\0\0\x0C\0\x01\0\0\0\0\0\x05\x01x\x01y\0";
        assert_eq!(question("10.0.0.7", "^x\\.y$").judge(1, name), Some(Outcome::up("Success")));
    }

    #[test]
    fn names_that_lead_in_a_circle_end() {
        let circle = b"\0\x01\x81\x80\0\0\0\x01\0\0\0\0\0\0\x0C\0\x01\0\0\0\0\0\x02\xC0\x17";
        assert_eq!(question("10.0.0.7", "x").judge(1, circle), Some(Outcome::down("No answer received")));
        for cut in 0..ANSWER.len() {
            let _ = question("a.b", "x").judge(0x1234, &ANSWER[..cut]);
        }
    }
}
