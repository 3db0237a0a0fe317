//! One line of a record.

use crate::engine::{Input, Now, Settings};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Of what is written here. What reads another one cannot be sure to understand it.
pub const VERSION: u32 = 1;

/// The beginning of a daemon's life.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Begin {
    /// [`VERSION`].
    pub version: u32,
    /// Who wrote it, for people.
    pub program: String,
    /// The engine was made at this moment.
    pub now: Now,
    /// From these settings.
    pub settings: Settings,
}

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// A life begins.
    Begin(Box<Begin>),
    /// The engine was handed this. Its moment is in nanoseconds and in seconds since 1970.
    In(u64, u64, Box<Input>),
    /// So many inputs are missing here: the writer was too slow. What follows may come out differently.
    Lost(u64),
    /// The record may not grow any more.
    Full,
}

impl Line {
    /// The first line of a life.
    pub fn begin(program: &str, now: Now, settings: Settings) -> Self {
        Self::Begin(Box::new(Begin { version: VERSION, program: program.to_owned(), now, settings }))
    }

    /// What was handed in. The signature of a message is left out: the engine does not look at it, and with enough
    /// of them somebody may guess a weak key.
    pub fn input(now: Now, mut input: Input) -> Self {
        if let Input::Received { message, .. } | Input::Local(message) = &mut input {
            message.remove("auth");
        }
        Self::In(u64::try_from(now.mono.as_nanos()).unwrap_or(u64::MAX), now.wall, Box::new(input))
    }

    /// As text, without newline.
    pub fn text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// The moment of an input.
pub(super) fn moment(nanoseconds: u64, wall: u64) -> Now {
    Now { mono: Duration::from_nanos(nanoseconds), wall }
}
