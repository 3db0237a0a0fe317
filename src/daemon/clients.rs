//! The register socket: accepts API clients, carries bytes between them and `api`. The rules are in `api`.

use crate::config::Config;
use crate::engine::{Engine, Input, Treatment};
use crate::logging::Logger;
use crate::wire::Message;
use std::io;
use std::time::Instant;

/// Everybody who is connected to the register socket.
pub(super) struct Clients {}

impl Clients {
    /// Makes the register socket.
    pub(super) fn open(_config: &Config, _log: &Logger) -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits until a client wants something.
    pub(super) async fn ready(&self) {
        std::future::pending().await
    }

    /// When it wants to be served although no client moved.
    pub(super) fn deadline(&self) -> Option<Instant> {
        None
    }

    /// Serves whoever wants something, a bounded amount at a time.
    pub(super) fn serve(&mut self, _engine: &Engine) -> Vec<Input> {
        Vec::new()
    }

    /// Gives a message to those that it is for.
    pub(super) fn deliver(&mut self, _message: &Message, _treatment: Treatment) {}

    /// Answers a peer's question for a client of this machine.
    pub(super) fn answer(&mut self, _query: &Message) -> Option<Input> {
        None
    }

    /// Takes no more messages from clients until told otherwise.
    pub(super) fn pause(&mut self, _pause: bool) {}
}
