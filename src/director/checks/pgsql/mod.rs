//! PostgreSQL: log in, ask, and whether a row comes. Pure.
//!
//! What the reference counts is rows of the answer, or rows that a change touched. One is enough, where the answer then
//! comes to its end. As it does, TLS is asked for; a server that has none, or does not let us in that way, is asked
//! without.

mod message;
mod scram;

use super::Outcome;
use super::frame::{Dialogue, LONGEST, Move};
use message::{message, text_of};
use scram::Scram;

pub use super::query::Query;

/// What follows `R`.
const LET_IN: u32 = 0;
const WANTS_PASSWORD: u32 = 3;
const WANTS_MD5: u32 = 5;
const WANTS_SASL: u32 = 10;
const SASL_GOES_ON: u32 = 11;
const SASL_ENDS: u32 = 12;
/// Asks for TLS, in place of a version.
const TLS: u32 = 80_877_103;
/// Version 3.0.
const VERSION: u32 = 3 << 16;

/// The conversation.
#[derive(Clone, Debug)]
pub struct Pgsql {
    query: Query,
    /// Chance, for proofs.
    chance: u128,
    stage: Stage,
    /// Ask for TLS. Not, where it was tried already.
    tls: bool,
    encrypted: bool,
    scram: Option<Scram>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Whether it can speak TLS.
    Tls,
    Login,
    Inside,
    /// So many bytes of rows came, and whether there were any rows.
    Asked(usize, bool),
}

impl Pgsql {
    /// Asks this. `chance` must not be guessed.
    pub fn new(query: Query, chance: u128) -> Pgsql {
        Pgsql { query, chance, stage: Stage::Tls, tls: true, encrypted: false, scram: None }
    }

    fn start(&mut self) -> Move {
        self.stage = Stage::Login;
        let Query { login, database, .. } = &self.query;
        let mut words = vec!["user", login.as_str()];
        if !database.is_empty() {
            words.extend(["database", database]);
        }
        let words: Vec<u8> = words.iter().flat_map(|word| [word.as_bytes(), &[0]].concat()).collect();
        Move::Say(message::begin(VERSION, &[words.as_slice(), &[0]].concat()))
    }

    fn refused(&mut self, content: &[u8]) -> Move {
        let text = message::error(content);
        // Some are let in without TLS only.
        if self.encrypted && self.stage == Stage::Login {
            return self
                .not_encrypted(text)
                .map_or(Move::Again, |outcome| Move::Decided(outcome, Vec::new()));
        }
        Move::down(text)
    }

    /// What the server wants before it lets us in.
    fn login(&mut self, content: &[u8]) -> Move {
        let Some((kind, rest)) = content.split_first_chunk() else { return unknown() };
        let passwd = self.query.passwd.expose().to_owned();
        match u32::from_be_bytes(*kind) {
            LET_IN => {
                self.stage = Stage::Inside;
                Move::Listen
            }
            WANTS_PASSWORD => Move::Say(message(b'p', &text_of(&passwd))),
            WANTS_MD5 => Move::Say(message(b'p', &text_of(&message::md5(&self.query.login, &passwd, rest)))),
            WANTS_SASL if rest.split(|byte| *byte == 0).any(|name| name == scram::NAME.as_bytes()) => {
                let scram = Scram::new(self.chance, passwd);
                let first = scram.first();
                self.scram = Some(scram);
                let length = u32::try_from(first.len()).unwrap_or(0).to_be_bytes();
                let parts = [text_of(scram::NAME), length.to_vec(), first.into_bytes()];
                Move::Say(message(b'p', &parts.concat()))
            }
            SASL_GOES_ON => match self.scram.as_mut().map(|scram| scram.ask(rest)) {
                Some(Ok(())) => self.compute(),
                Some(Err(why)) => Move::down(why),
                None => unknown(),
            },
            SASL_ENDS => match self.scram.as_ref().map(|scram| scram.is_signed(rest)) {
                Some(true) => Move::Listen,
                Some(false) => Move::down("the server does not know the password either"),
                None => unknown(),
            },
            other => Move::down(format!("the server wants a login of kind {other}, which cannot be spoken")),
        }
    }

    fn decided(outcome: Outcome) -> Move {
        Move::Decided(outcome, message(b'X', b""))
    }

    /// A query may fail after its first rows; whoever gives a megabyte of them does not.
    fn asked(&mut self, before: usize, rows: bool, frame: &[u8]) -> Move {
        let content = frame.get(message::HEADER..).unwrap_or_default();
        match frame.first() {
            Some(b'D') => {
                let heard = before.saturating_add(message::length(frame).unwrap_or(0));
                if heard > LONGEST {
                    return Pgsql::decided(Outcome::up("-"));
                }
                self.stage = Stage::Asked(heard, true);
            }
            // `UPDATE 5`, `INSERT 0 1`
            Some(b'C') if message::count(content) > 0 => self.stage = Stage::Asked(before, true),
            Some(b'G' | b'W') => return Pgsql::decided(Outcome::down("the server wants data")),
            Some(b'Z') if rows => return Pgsql::decided(Outcome::up("-")),
            Some(b'Z') => return Pgsql::decided(Outcome::down("no rows")),
            _ => {}
        }
        Move::Listen
    }
}

fn unknown() -> Move {
    Move::down("the server answers with something unknown")
}

impl Dialogue for Pgsql {
    fn begin(&mut self) -> Move {
        self.encrypted = false;
        self.scram = None;
        if !self.tls {
            return self.start();
        }
        self.stage = Stage::Tls;
        Move::Say(message::begin(TLS, b""))
    }

    fn length(&self, bytes: &[u8]) -> Option<usize> {
        match (self.stage, bytes) {
            // One letter, and nothing else.
            (Stage::Tls, bytes) => bytes.first().map(|_| 1),
            // Too much of rows: the rest of this one is not waited for.
            (Stage::Asked(before, _), [b'D', ..]) => {
                let length = message::length(bytes)?;
                Some(if before.saturating_add(length) > LONGEST { message::HEADER } else { length })
            }
            (_, bytes) => message::length(bytes),
        }
    }

    fn frame(&mut self, frame: &[u8]) -> Move {
        let Some((kind, _)) = frame.split_first() else { return unknown() };
        let content = frame.get(message::HEADER..).unwrap_or_default();
        match (self.stage, *kind) {
            (Stage::Tls, b'S') => Move::Encrypt(Vec::new()),
            (Stage::Tls, b'N') => self.start(),
            // What does not know the question, such as a server of before TLS.
            (Stage::Tls, b'E') => self.not_encrypted(String::new()).map_or(Move::Again, |_| unknown()),
            (Stage::Tls, _) => Move::down("the server does not speak the protocol of PostgreSQL"),
            (_, b'E') => self.refused(content),
            (Stage::Login, b'R') => self.login(content),
            (Stage::Inside, b'Z') => {
                self.stage = Stage::Asked(0, false);
                Move::Say(message(b'Q', &text_of(&self.query.text)))
            }
            (Stage::Asked(before, rows), _) => self.asked(before, rows, frame),
            _ => Move::Listen,
        }
    }

    fn compute(&mut self) -> Move {
        match self.scram.as_mut().map(Scram::compute) {
            Some(Some(last)) => Move::Say(message(b'p', last.as_bytes())),
            Some(None) => Move::Compute,
            None => unknown(),
        }
    }

    fn encrypted(&mut self) -> Move {
        self.encrypted = true;
        self.start()
    }

    fn not_encrypted(&mut self, why: String) -> Option<Outcome> {
        let first = std::mem::replace(&mut self.tls, false);
        (!first).then(|| Outcome::down(why))
    }
}
