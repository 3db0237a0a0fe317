//! MySQL and MariaDB: log in, ask, and whether a row comes. Pure.
//!
//! What the reference counts is rows of the answer, or rows that a change found. One is enough, where the answer then
//! comes to its end; of several answers, as procedures give, the first counts.
//!
//! Passwords are proven as the server wants it (`login`). Where it wants the password itself, or nothing that is not
//! encrypted, the conversation begins anew in TLS.

mod login;
mod packet;

use super::Outcome;
use super::frame::{Dialogue, LONGEST, Move};
use login::{Proof, USUAL, prove};
use packet::{Greeting, Login, Reader};

pub use super::query::Query;

/// Packets of an answer.
const OK: u8 = 0x00;
const MORE: u8 = 0x01;
const LOCAL_FILE: u8 = 0xfb;
const END: u8 = 0xfe;
const ERROR: u8 = 0xff;
/// `quit` and `query`.
const QUIT: u8 = 1;
const QUERY: u8 = 3;
/// What `caching_sha2_password` says of a proof.
const PROVEN: u8 = 3;
const WANTS_PASSWORD: u8 = 4;
/// "Connections using insecure transport are prohibited".
const INSECURE: u16 = 3159;
/// An end has at most so many bytes; a row that begins like one has more.
const LONGEST_END: usize = 9;
/// An error has at most so many, about.
const LONGEST_ERROR: usize = 512;

/// The conversation.
#[derive(Clone, Debug)]
pub struct Mysql {
    query: Query,
    greeting: Greeting,
    stage: Stage,
    /// TLS is wanted, and whether it is there.
    tls: bool,
    encrypted: bool,
    /// How the password was proven last.
    proof: Proof,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Greeting,
    Login,
    Asked,
    /// So many descriptions of columns are to come.
    Columns(u64),
    EndOfColumns,
    /// So many bytes of rows came.
    Rows(usize),
}

impl Mysql {
    /// Asks this.
    pub fn new(query: Query) -> Mysql {
        Mysql {
            query,
            greeting: Greeting::default(),
            stage: Stage::Greeting,
            tls: false,
            encrypted: false,
            proof: Proof::Unknown,
        }
    }

    /// Down, with the server's words.
    fn refused(&self, content: &[u8]) -> Move {
        let (code, text) = packet::error(content);
        if code == INSECURE && !self.encrypted && self.greeting.can_tls() {
            return Move::Again;
        }
        Move::down(format!("error {code}: {text}"))
    }

    fn decided(outcome: Outcome) -> Move {
        Move::Decided(outcome, packet::packet(0, &[QUIT]))
    }

    fn greeted(&mut self, content: &[u8]) -> Move {
        match packet::greeting(content) {
            Some(greeting) => self.greeting = greeting,
            None => return Move::down("the server does not speak the protocol of MySQL 4.1 and later"),
        }
        self.stage = Stage::Login;
        if self.tls {
            if !self.greeting.can_tls() {
                return Move::down("the server wants the password encrypted, and cannot speak TLS");
            }
            return Move::Encrypt(packet::packet(1, &self.greeting.wish_for_tls()));
        }
        self.log_in(1)
    }

    fn log_in(&mut self, number: u8) -> Move {
        // Where the usual way cannot be gone, an old one is: the server says what it wants of this user.
        let plugin = if USUAL.contains(&self.greeting.plugin.as_str()) {
            &self.greeting.plugin
        } else {
            "mysql_native_password"
        };
        let (proof, bytes) = prove(plugin, &self.greeting.salt, &self.query.passwd);
        self.proof = proof;
        let login = Login { query: &self.query, plugin, proof: &bytes, tls: self.encrypted };
        Move::Say(packet::packet(number, &self.greeting.answer(&login)))
    }

    fn login_answer(&mut self, number: u8, content: &[u8]) -> Move {
        match content.split_first() {
            Some((&OK, _)) => {
                self.stage = Stage::Asked;
                Move::Say(packet::packet(0, &[&[QUERY], self.query.text.as_bytes()].concat()))
            }
            Some((&ERROR, _)) => self.refused(content),
            Some((&END, rest)) => self.another_way(number, rest),
            Some((&MORE, &[PROVEN])) if self.proof == Proof::Sha2 => Move::Listen,
            Some((&MORE, &[WANTS_PASSWORD])) if self.proof == Proof::Sha2 => self.say_password(number),
            _ => Move::down("the server answers the login with something unknown"),
        }
    }

    /// The server wants the password proven another way.
    fn another_way(&mut self, number: u8, rest: &[u8]) -> Move {
        let mut reader = Reader(rest);
        let plugin = reader.until_zero().map(|name| String::from_utf8_lossy(name).into_owned());
        let Some(plugin) = plugin.filter(|plugin| !plugin.is_empty()) else {
            return Move::down("the server wants passwords proven as before MySQL 4.1");
        };
        let salt = reader.0.strip_suffix(&[0]).unwrap_or(reader.0);
        let (proof, bytes) = prove(&plugin, salt, &self.query.passwd);
        self.proof = proof;
        match proof {
            Proof::Native | Proof::Sha2 => Move::Say(packet::packet(number, &bytes)),
            Proof::Password => self.say_password(number),
            Proof::Unknown => Move::down(format!("the server wants {plugin}, which cannot be spoken")),
        }
    }

    /// The password itself: only where nobody else can read it.
    fn say_password(&mut self, number: u8) -> Move {
        if self.encrypted {
            let password = [self.query.passwd.expose().as_bytes(), &[0]].concat();
            return Move::Say(packet::packet(number, &password));
        }
        Move::Again
    }

    fn answer(&mut self, content: &[u8]) -> Move {
        match content.split_first() {
            Some((&OK, rest)) => {
                let changed = Reader(rest).number().unwrap_or(0);
                let outcome = if changed > 0 { Outcome::up("-") } else { Outcome::down("no rows") };
                Mysql::decided(outcome)
            }
            Some((&ERROR, _)) => self.refused(content),
            Some((&LOCAL_FILE, _)) => Move::down("the server wants a file"),
            _ => match Reader(content).number() {
                Some(columns) => {
                    self.stage = Stage::Columns(columns);
                    Move::Listen
                }
                None => Move::down("the server answers with something unknown"),
            },
        }
    }

    /// A row, or what follows the last. A query may fail after its first rows; whoever gives so many does not.
    fn row(&mut self, before: usize, frame: &[u8], content: &[u8]) -> Move {
        let heard = before.saturating_add(packet::length(frame).unwrap_or(0));
        match content.first() {
            Some(&ERROR) => self.refused(content),
            Some(&END) if content.len() < LONGEST_END && before == 0 => {
                Mysql::decided(Outcome::down("no rows"))
            }
            Some(&END) if content.len() < LONGEST_END => Mysql::decided(Outcome::up("-")),
            _ if heard > LONGEST => Mysql::decided(Outcome::up("-")),
            _ => {
                self.stage = Stage::Rows(heard);
                Move::Listen
            }
        }
    }
}

impl Dialogue for Mysql {
    fn begin(&mut self) -> Move {
        // If this is not the first time, it is because something must be encrypted.
        self.tls = self.stage != Stage::Greeting;
        self.stage = Stage::Greeting;
        self.encrypted = false;
        Move::Listen
    }

    fn length(&self, bytes: &[u8]) -> Option<usize> {
        let length = packet::length(bytes)?;
        Some(match self.stage {
            // Too much of rows: the rest of this one is not waited for.
            Stage::Rows(before) if before.saturating_add(length) > LONGEST => {
                length.min(packet::HEADER + LONGEST_ERROR)
            }
            _ => length,
        })
    }

    fn frame(&mut self, frame: &[u8]) -> Move {
        let Some(([_, _, _, number], content)) = frame.split_first_chunk() else {
            return Move::down("half a packet");
        };
        let number = number.wrapping_add(1);
        match self.stage {
            Stage::Greeting if content.first() == Some(&ERROR) => self.refused(content),
            Stage::Greeting => self.greeted(content),
            Stage::Login => self.login_answer(number, content),
            Stage::Asked => self.answer(content),
            Stage::Columns(left) => {
                self.stage = if left > 1 { Stage::Columns(left - 1) } else { Stage::EndOfColumns };
                Move::Listen
            }
            Stage::EndOfColumns => {
                self.stage = Stage::Rows(0);
                Move::Listen
            }
            Stage::Rows(before) => self.row(before, frame, content),
        }
    }

    fn encrypted(&mut self) -> Move {
        self.encrypted = true;
        self.log_in(2)
    }
}
