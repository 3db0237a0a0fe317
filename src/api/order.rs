//! What the desk asks of whoever holds the connections, and why clients leave. Plain values.

use crate::level::Level;
use crate::wire::Message;
use std::rc::Rc;

/// Names a connection to the register socket; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub u64);

/// One request to the world; they are carried out in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Write a message, then send the signal that the client asked for.
    Write {
        /// To whom.
        to: ConnId,
        /// What; the same one where many get it.
        message: Rc<Message>,
        /// Its process and the signal.
        signal: Option<(i32, i32)>,
    },
    /// Close the connection, after what was written before. The desk has forgotten it.
    Close(ConnId),
    /// The client chose how many messages may wait for it.
    Limit(ConnId, usize),
    /// A message for the cluster, without control fields: for the engine.
    Cluster(Message),
    /// A line for the log.
    Log(Level, String),
}

/// Why a client that signed on is no longer there, as its leave notice says it (client-api.md section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It said goodbye.
    Signoff,
    /// It closed its connection without a word.
    Eof,
    /// Its process is gone, found out by looking.
    DiedAudit,
    /// It does not read, or cannot be written to.
    SendFail,
    /// What it sent makes no sense, or costs too much.
    BadClient,
}

impl Reason {
    /// The word in the notice.
    pub fn word(self) -> &'static str {
        match self {
            Self::Signoff => "signoff",
            Self::Eof => "EOF",
            Self::DiedAudit => "died-audit",
            Self::SendFail => "sendfail",
            Self::BadClient => "badclient",
        }
    }
}
