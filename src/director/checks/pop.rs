//! POP3: the greeting, and a login where a name is given: APOP if the greeting has a time stamp; USER and
//! PASS if it has none or APOP is refused, as the reference does.
//!
//! The reference calls a server up that refuses the connection, if no login is given. Here a greeting is needed.

use std::net::SocketAddr;

use md5::{Digest, Md5};

use super::Outcome;
use super::talk::{Talk, Turn};
use crate::director::config::Secret;

/// The conversation.
#[derive(Clone, Debug)]
pub struct Pop {
    login: String,
    passwd: Secret,
    asked: Asked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    Apop,
    User,
    Password,
}

impl Pop {
    /// With an empty login only the greeting counts.
    pub fn new(login: String, passwd: Secret) -> Pop {
        Pop { login, passwd, asked: Asked::Nothing }
    }

    fn log_in(&mut self, greeting: &str) -> Turn {
        let Some(stamp) = stamp(greeting) else { return self.say_user() };
        self.asked = Asked::Apop;
        let mut digest = Md5::new();
        digest.update(stamp);
        digest.update(self.passwd.expose());
        let hex: String = digest.finalize().iter().map(|b| format!("{b:02x}")).collect();
        Turn::Say(format!("APOP {} {hex}\r\n", self.login))
    }

    fn say_user(&mut self) -> Turn {
        self.asked = Asked::User;
        Turn::Say(format!("USER {}\r\n", self.login))
    }
}

/// The time stamp of a greeting, with its brackets.
fn stamp(greeting: &str) -> Option<&str> {
    let begin = greeting.find('<')?;
    let length = greeting.get(begin..)?.find('>')?;
    let stamp = greeting.get(begin..=begin + length)?;
    let is = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte);
    let inside = stamp.trim_matches(['<', '>']);
    (inside.bytes().all(is) && inside.matches('@').count() == 1).then_some(stamp)
}

impl Talk for Pop {
    fn begin(&mut self, _: SocketAddr) -> Turn {
        Turn::Listen
    }

    fn line(&mut self, line: &[u8]) -> Turn {
        let told = String::from_utf8_lossy(line).into_owned();
        let quit = || "QUIT\r\n".to_owned();
        if !line.starts_with(b"+OK") && self.asked == Asked::Apop {
            return self.say_user();
        }
        // The reference greets back whoever says it in small letters, but wants all else as it should be.
        let small = self.asked == Asked::Nothing && line.starts_with(b"+ok");
        if !line.starts_with(b"+OK") && !small {
            return Turn::Decided(Outcome::down(told), quit());
        }
        match self.asked {
            Asked::Nothing if self.login.is_empty() => Turn::Decided(Outcome::up(told), quit()),
            Asked::Nothing => self.log_in(&told),
            Asked::User => {
                self.asked = Asked::Password;
                Turn::Say(format!("PASS {}\r\n", self.passwd.expose()))
            }
            Asked::Apop | Asked::Password => Turn::Decided(Outcome::up(told), quit()),
        }
    }

    fn closed(&mut self) -> Outcome {
        Outcome::down("closed before it was decided")
    }
}
