//! The same inputs, handed to a fresh engine.

use super::line::{Begin, Line, VERSION, moment};
use crate::engine::{Action, Engine, Input, Now};
use serde::Deserialize;
use std::fmt;

/// What a line of a record was.
#[derive(Clone, Debug)]
pub enum Event {
    /// A life begins.
    Begin(Box<Begin>),
    /// An input, and what the engine does about it.
    Step(Step),
    /// So many inputs are missing: what follows may differ from what the daemon did.
    Lost(u64),
    /// The record ends here because it was full.
    Full,
}

/// One input and its consequences.
#[derive(Clone, Debug)]
pub struct Step {
    /// When it came in.
    pub now: Now,
    /// What came in.
    pub input: Input,
    /// What is done about it, in order.
    pub actions: Vec<Action>,
}

/// Why a line cannot be played back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// It is not what [`Line`] is written as: torn, or no record.
    NoRecord(String),
    /// Somebody else's version.
    Version(u32),
    /// An input before any beginning.
    NoBeginning,
    /// The settings do not name the node itself.
    NoSuchNode(String),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRecord(why) => write!(f, "this is no line of a record: {why}"),
            Self::Version(found) => write!(f, "the record has version {found}; only {VERSION} can be read"),
            Self::NoBeginning => f.write_str("an input before any 'begin'"),
            Self::NoSuchNode(node) => write!(f, "the node {node} is not among the nodes of the settings"),
        }
    }
}

impl std::error::Error for RecordError {}

/// Plays a record back, line by line.
#[derive(Default)]
pub struct Replay {
    engine: Option<Engine>,
}

impl Replay {
    /// Before the first line.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next line.
    pub fn line(&mut self, text: &str) -> Result<Event, RecordError> {
        Ok(match read(text)? {
            Line::Begin(begin) => {
                let me = begin.settings.me.clone();
                let engine = Engine::new(begin.settings.clone(), begin.now);
                self.engine = Some(engine.ok_or(RecordError::NoSuchNode(me))?);
                Event::Begin(begin)
            }
            Line::In(nanoseconds, wall, input) => {
                let engine = self.engine.as_mut().ok_or(RecordError::NoBeginning)?;
                let now = moment(nanoseconds, wall);
                let actions = engine.handle(now, (*input).clone());
                Event::Step(Step { now, input: *input, actions })
            }
            Line::Lost(count) => Event::Lost(count),
            Line::Full => Event::Full,
        })
    }
}

/// The version alone, of whatever else a line consists.
#[derive(Deserialize)]
struct Versioned {
    begin: Version,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

fn read(text: &str) -> Result<Line, RecordError> {
    if let Ok(Versioned { begin: Version { version } }) = serde_json::from_str(text)
        && version != VERSION
    {
        return Err(RecordError::Version(version));
    }
    serde_json::from_str(text).map_err(|error| RecordError::NoRecord(error.to_string()))
}
