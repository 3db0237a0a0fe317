//! One recording being played in a room.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::director::Program;
use crate::director::farm::Mode;
use crate::director::room::{CONFIG, Room};
use crate::director::settle::settled;
use crate::guest::listing::rows;
use crate::lab::{Failure, bail};

/// A recorded run and the room it is played in.
pub(crate) struct Play {
    pub(crate) room: Room,
    number: &'static str,
    tables: String,
    /// The configuration as it is on disk now.
    text: String,
}

impl Play {
    /// The configuration is in place, nothing runs.
    pub(crate) fn new(number: &'static str, program: Program, servers: &[&str]) -> Result<Self, Failure> {
        let home =
            PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/ldirectord/scenarios").join(number);
        let read = |name: &str| fs::read_to_string(home.join(name));
        let room = Room::new(number, program, servers)?;
        let play = Self { room, number, tables: read("tables.txt")?, text: read("ldirectord.cf")? };
        play.room.write(CONFIG, &play.text, 0o644)?;
        Ok(play)
    }

    pub(crate) fn program(&self) -> Program {
        self.room.program
    }

    // --- servers -----------------------------------------------------------------------------

    pub(crate) fn set(&self, at: &str, mode: Mode) -> Result<(), Failure> {
        let Ok(at) = at.parse::<SocketAddr>() else { bail!("no server {at}") };
        self.room.farm.set(at, mode);
        Ok(())
    }

    /// Answers with this page.
    pub(crate) fn up(&self, at: &str, body: &str) -> Result<(), Failure> {
        self.set(at, Mode::page(200, body))
    }

    /// "Fails" without detail means status 500.
    pub(crate) fn fails(&self, at: &str) -> Result<(), Failure> {
        self.set(at, Mode::page(500, ""))
    }

    // --- the configuration -------------------------------------------------------------------

    /// Edits the file: the first `from` becomes `to`.
    pub(crate) fn edit(&mut self, from: &str, to: &str) -> Result<(), Failure> {
        if !self.text.contains(from) {
            bail!("{}: the configuration has no {from:?}:\n{}", self.number, self.text);
        }
        self.text = self.text.replacen(from, to, 1);
        self.save()
    }

    pub(crate) fn append(&mut self, text: &str) -> Result<(), Failure> {
        self.text += text;
        self.save()
    }

    pub(crate) fn save(&self) -> Result<(), Failure> {
        self.room.write(CONFIG, &self.text, 0o644)
    }

    // --- tables ------------------------------------------------------------------------------

    /// The recorded table after an event.
    pub(crate) fn recorded(&self, event: usize) -> Result<Vec<String>, Failure> {
        let head = format!("## after event {event}\n");
        let Some((_, rest)) = self.tables.split_once(&head) else {
            bail!("{}: no event {event}", self.number)
        };
        Ok(rows(rest.split("## ").next().unwrap_or_default(), 4))
    }

    /// The table comes to be as recorded after this event, and stays so.
    pub(crate) fn same(&self, event: usize) -> Result<(), Failure> {
        self.one_of(event, &[event])
    }

    /// After this event the table is as recorded after one of these.
    pub(crate) fn one_of(&self, event: usize, recorded: &[usize]) -> Result<(), Failure> {
        let wanted = recorded.iter().map(|event| self.recorded(*event)).collect::<Result<Vec<_>, _>>()?;
        settled(&self.room, &format!("after event {event}"), &wanted).map(drop)
    }

    /// As recorded, where ours shall do as the reference does; for ours as recorded after another event, where section
    /// 15 of the specification wants something else.
    pub(crate) fn mended(&self, event: usize, ours: usize) -> Result<(), Failure> {
        match self.program() {
            Program::Reference => self.same(event),
            Program::Ours => self.one_of(event, &[ours]),
        }
    }
}
