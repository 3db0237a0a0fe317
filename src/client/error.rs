//! What can go wrong between a client and the daemon. Only names live here.

use crate::wire::EncodeError;
use std::fmt;
use std::io;

/// Why a client got no answer. After anything but [`ClientError::BadRequest`],
/// [`ClientError::TimedOut`] and [`ClientError::Unsendable`] the connection is of no more use.
#[derive(Debug)]
pub enum ClientError {
    /// No daemon can be reached: none runs, or this user may not.
    NoDaemon(io::Error),
    /// The daemon said no; with its reason, if it gave one.
    BadRequest {
        /// What was asked.
        request: String,
        /// Why not.
        info: Option<String>,
    },
    /// No answer in time.
    TimedOut,
    /// The daemon closed the connection.
    Closed,
    /// The connection broke.
    Broken(io::Error),
    /// What came is not a message.
    Malformed(String),
    /// The message has no form in which it could be sent.
    Unsendable(EncodeError),
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDaemon(error) => write!(f, "heartbeat cannot be reached: {error}"),
            Self::BadRequest { request, info: Some(info) } => {
                write!(f, "heartbeat refused {request}: {info}")
            }
            Self::BadRequest { request, info: None } => write!(f, "heartbeat refused {request}"),
            Self::TimedOut => f.write_str("No timely response."),
            Self::Closed => f.write_str("heartbeat closed the connection"),
            Self::Broken(error) => write!(f, "the connection to heartbeat broke: {error}"),
            Self::Malformed(what) => write!(f, "heartbeat sent what is not a message: {what}"),
            Self::Unsendable(error) => write!(f, "this cannot be sent: {error}"),
        }
    }
}

impl std::error::Error for ClientError {}

impl From<EncodeError> for ClientError {
    fn from(error: EncodeError) -> Self {
        Self::Unsendable(error)
    }
}
