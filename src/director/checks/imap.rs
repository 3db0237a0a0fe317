//! IMAP: the greeting, and a login where a name is given.

use std::net::SocketAddr;

use super::Outcome;
use super::talk::{Talk, Turn};
use crate::director::config::Secret;

/// The conversation.
#[derive(Clone, Debug)]
pub struct Imap {
    login: String,
    passwd: Secret,
    greeted: bool,
}

impl Imap {
    /// With an empty login only the greeting counts.
    pub fn new(login: String, passwd: Secret) -> Imap {
        Imap { login, passwd, greeted: false }
    }
}

/// A text in quotes.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

impl Talk for Imap {
    fn begin(&mut self, _: SocketAddr) -> Turn {
        Turn::Listen
    }

    fn line(&mut self, line: &[u8]) -> Turn {
        let told = String::from_utf8_lossy(line).into_owned();
        let upper = told.to_ascii_uppercase();
        let goodbye = || "z LOGOUT\r\n".to_owned();
        if self.greeted {
            return match upper.strip_prefix("A ") {
                Some(answer) if answer.starts_with("OK") => Turn::Decided(Outcome::up(told), goodbye()),
                Some(_) => Turn::Decided(Outcome::down(told), goodbye()),
                None => Turn::Listen,
            };
        }
        self.greeted = true;
        if !upper.starts_with("* OK") && !upper.starts_with("* PREAUTH") {
            return Turn::Decided(Outcome::down(told), goodbye());
        }
        if self.login.is_empty() {
            return Turn::Decided(Outcome::up(told), goodbye());
        }
        Turn::Say(format!("a LOGIN {} {}\r\n", quoted(&self.login), quoted(self.passwd.expose())))
    }

    fn closed(&mut self) -> Outcome {
        Outcome::down("closed before it was decided")
    }
}
