//! SMTP and submission: a greeting that begins with 2, EHLO, or HELO where that is refused for good, and QUIT.

use std::net::SocketAddr;

use super::Outcome;
use super::talk::{Talk, Turn};

/// Whom we say to be, as the reference does.
const NAME: &str = "localhost.localdomain";

/// The conversation.
#[derive(Clone, Debug, Default)]
pub struct Smtp {
    asked: Asked,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Asked {
    #[default]
    Nothing,
    Ehlo,
    Helo,
}

impl Talk for Smtp {
    fn begin(&mut self, _: SocketAddr) -> Turn {
        Turn::Listen
    }

    fn line(&mut self, line: &[u8]) -> Turn {
        let told = String::from_utf8_lossy(line).into_owned();
        let code = line.get(..3).unwrap_or_default();
        // 250-SIZE: more lines of this answer follow.
        if line.get(3) == Some(&b'-') && code.iter().all(u8::is_ascii_digit) {
            return Turn::Listen;
        }
        let quit = || "QUIT\r\n".to_owned();
        match (self.asked, code) {
            (Asked::Nothing, code) if code.starts_with(b"2") => {
                self.asked = Asked::Ehlo;
                Turn::Say(format!("EHLO {NAME}\r\n"))
            }
            (Asked::Ehlo, code) if code.starts_with(b"5") => {
                self.asked = Asked::Helo;
                Turn::Say(format!("HELO {NAME}\r\n"))
            }
            (Asked::Ehlo | Asked::Helo, code) if code.starts_with(b"2") => {
                Turn::Decided(Outcome::up(told), quit())
            }
            _ => Turn::Decided(Outcome::down(told), quit()),
        }
    }

    fn closed(&mut self) -> Outcome {
        Outcome::down("closed before the greeting was over")
    }
}
