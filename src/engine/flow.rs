//! Flow control (section 5.6): clients wait while peers have too much to acknowledge. What the daemons say
//! to each other never waits, and always finds room in the history.

use super::{Action, Engine, Note};
use crate::wire::{self, EncodeError, Message, Packing};
use std::collections::VecDeque;

/// Bytes of a local message on the wire: with what is added it still fits into one datagram.
const LARGEST: usize = 63 * 1024;
/// Below this nothing that packing does to a message can make it too large.
const SURELY_SMALL: usize = 60 * 1024;

/// Un-acknowledged messages from which on clients wait.
const CLIENTS_WAIT: u64 = 250;
/// From which on the operator is told, gently and then loudly.
const QUEUE_LEVELS: [u64; 2] = [376, 451];
/// Messages of clients that were under way when they were told to wait.
const MOST_HELD: usize = 1024;

#[derive(Default)]
pub(super) struct Flow {
    paused: bool,
    warned: u64,
    held: VecDeque<Message>,
}

impl Flow {
    /// How many messages of clients wait.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }
}

impl Engine {
    /// A message from a script or client. Without a type it is nothing.
    pub(super) fn local(&mut self, message: Message) {
        if let Err(why) = sendable(&message, &self.settings.packing) {
            return self.note_rarely("unsendable", Note::Unsendable(why));
        }
        self.note_cause(&message);
        if self.request_fails(&message) {
            return;
        }
        let client = message.value("client_gen").is_some();
        if !(client && (self.flow.paused || !self.flow.held.is_empty())) {
            return self.send(message);
        }
        match self.flow.held.len() < MOST_HELD {
            true => self.flow.held.push_back(message),
            false => self.note_rarely("clients wait", Note::ClientMessageLost),
        }
    }

    /// How much the slowest live peer has yet to acknowledge.
    fn unacknowledged(&self) -> u64 {
        let alive = |n: &&super::node::Node| matches!(n.status.as_str(), "up" | "active");
        let level = self.other_nodes().filter(alive).map(|n| n.acked.max(n.owed_from)).min();
        match level {
            Some(level) if self.flow_control => self.history.highest().saturating_sub(level),
            _ => 0,
        }
    }

    /// After each message sent: has it become too much?
    pub(super) fn watch_queue(&mut self) {
        let waiting = self.unacknowledged();
        let reached = QUEUE_LEVELS.into_iter().filter(|l| waiting >= *l).max().unwrap_or(0);
        if reached > self.flow.warned {
            self.note(Note::QueueFilling(waiting));
        }
        self.flow.warned = reached;
        if waiting > CLIENTS_WAIT && !self.flow.paused {
            self.flow.paused = true;
            self.note(Note::ClientsPaused);
            self.actions.push(Action::PauseClients(true));
        }
    }

    /// After each input: is it little enough again? What was held goes first.
    pub(super) fn relieve_clients(&mut self) {
        if self.flow.paused && self.unacknowledged() < CLIENTS_WAIT {
            self.flow.paused = false;
            self.note(Note::ClientsResumed);
            self.actions.push(Action::PauseClients(false));
        }
        while !self.flow.paused
            && let Some(message) = self.flow.held.pop_front()
        {
            self.send(message);
        }
    }
}

/// A message that nobody can be sent must not take a number: peers would ask for it for ever, and acknowledge
/// nothing above it.
fn sendable(message: &Message, packing: &Packing) -> Result<(), String> {
    let told = |error: EncodeError| error.to_string();
    let size = |message: &Message| wire::encode_local_netstring(message).map(|bytes| bytes.len());
    let plain = match size(message) {
        Ok(plain) if plain <= SURELY_SMALL => return Ok(()),
        // more than may go unpacked
        Err(EncodeError::TooBig(plain)) | Ok(plain) => plain,
        Err(error) => return Err(told(error)),
    };
    let packed = wire::pack(message, packing).map_err(told)?;
    match packed.map_or(Ok(plain), |packed| size(&packed)).map_err(told)? {
        sent if sent <= LARGEST => Ok(()),
        sent => Err(format!("{sent} bytes are more than {LARGEST}")),
    }
}
