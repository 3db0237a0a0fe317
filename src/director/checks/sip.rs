//! SIP: OPTIONS, whose answer begins with `SIP/2.0 200 OK` (ldirectord.md 7.2).

use std::net::SocketAddr;

use super::Outcome;
use super::talk::{Talk, Turn};

/// The conversation.
#[derive(Clone, Debug)]
pub struct Sip {
    login: String,
    /// A number that tells this question from others.
    call: u64,
}

impl Sip {
    /// Whom to ask, and a number that tells this question from others.
    pub fn new(login: String, call: u64) -> Sip {
        Sip { login, call }
    }
}

fn judge(line: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(line).into_owned();
    Outcome { up: text.starts_with("SIP/2.0 200 OK"), text }
}

impl Talk for Sip {
    /// The reference says UDP in `Via` over TCP too; servers are used to it.
    fn begin(&mut self, local: SocketAddr) -> Turn {
        let Sip { login, call } = self;
        let lines = [
            format!("OPTIONS sip:{login} SIP/2.0"),
            format!("Via: SIP/2.0/UDP {local};branch=z9hG4bKhjhs8ass877"),
            "Max-Forwards: 70".to_owned(),
            format!("To: <sip:{login}>"),
            format!("From: <sip:{login}>;tag=1928301774"),
            format!("Call-ID: {call:016x}"),
            "CSeq: 63104 OPTIONS".to_owned(),
            format!("Contact: <sip:{login}>"),
            "Accept: application/sdp".to_owned(),
            "Content-Length: 0".to_owned(),
        ];
        Turn::Say(lines.join("\r\n") + "\r\n\r\n")
    }

    fn line(&mut self, line: &[u8]) -> Turn {
        Turn::Decided(judge(line), String::new())
    }

    /// It is the first line that counts, with its end or without.
    fn broken_off(&mut self, line: &[u8]) -> Outcome {
        judge(line)
    }

    fn closed(&mut self) -> Outcome {
        Outcome::down("closed without an answer")
    }
}
