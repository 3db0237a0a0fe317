//! Why bytes were refused, and what the reference says about it in its log (wire-protocol.md 12).
//!
//! The variants tell a caller what to do: [`WireError::UnknownStart`] is dropped in silence, the
//! others are logged with [`WireError::log_lines`], as seldom as [`WireError::class`] lets the caller
//! choose. Nothing here holds more than a short, printable excerpt of the input, and never a digest
//! that would have been right: whoever reads the log must not learn to forge.

use std::fmt;

use crate::level::Level;

/// The two shapes of a message on the wire (wire-protocol.md 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `>>>\n`: one line a field.
    Classic,
    /// `###\n`: one netstring a field.
    Netstring,
}

/// Why a datagram was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WireError {
    /// Neither encoding: dropped, nothing logged.
    UnknownStart,
    /// It cannot be read.
    Format {
        /// As what it was read.
        encoding: Encoding,
        /// What is wrong.
        error: FormatError,
        /// The beginning of what was refused, made printable.
        excerpt: String,
    },
    /// It can be read, but nobody we trust has signed it.
    Auth {
        /// As what it was read.
        encoding: Encoding,
        /// What is wrong with the signature.
        failure: AuthFailure,
        /// The node that it claims to come from, made printable; empty where not found.
        node: String,
        /// The `INDEX HEX` it carried, made printable.
        token: String,
        /// The beginning of the message, made printable.
        excerpt: String,
    },
}

/// What kind of refusal: for limits on logging and for counters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Not ours at all.
    Foreign,
    /// Damaged or malformed.
    Format,
    /// Not signed as it should be.
    Auth,
}

/// What is wrong with the shape of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FormatError {
    /// Ends before its end marker, or a length points past the end.
    Truncated,
    /// A netstring without a sound `LEN:...,`.
    BadNetstring,
    /// A classic line, or the content of a netstring, without `=`.
    NoEquals,
    /// A type prefix that is missing, unknown or not allowed in this encoding.
    BadType,
    /// A field name that is empty or holds bytes that mean something else.
    BadName,
    /// A text with a NUL.
    NulInText,
    /// Binary data in classic form that is not base64.
    BadBase64,
    /// A list whose packed text does not add up.
    BadList,
    /// Messages within messages, too many of them.
    TooDeep,
    /// More bytes than any message may have.
    TooBig,
    /// `_compression_algorithm` is missing or not known.
    UnknownCompression,
    /// Compressed data that do not inflate.
    BadCompression,
    /// A compressed message within a compressed message.
    NestedCompression,
}

/// What is wrong with a signature (wire-protocol.md 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthFailure {
    /// There is none.
    Missing,
    /// It is not `INDEX HEX`.
    Malformed,
    /// No key has that index.
    UnknownKey(u32),
    /// The digest does not belong to these bytes and that key.
    Mismatch(u8),
}

/// Why a message cannot be put on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncodeError {
    /// Larger than any receiver reads; holds the size.
    TooBig(usize),
    /// Messages within messages, too many of them.
    TooDeep,
    /// A field of that name cannot be sent.
    BadName(String),
    /// The text of that field holds a NUL.
    NulInText(String),
    /// The list of that field is too long, or has an empty item, which 3.0.6 does not read.
    BadList(String),
    /// The field of that name exists in netstring form only.
    NotClassic(String),
    /// The message cannot be compressed.
    Compression,
}

impl WireError {
    /// What kind of refusal this is.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::UnknownStart => ErrorClass::Foreign,
            Self::Format { .. } => ErrorClass::Format,
            Self::Auth { .. } => ErrorClass::Auth,
        }
    }

    /// What the reference writes to its log, in its order (wire-protocol.md 12).
    pub fn log_lines(&self) -> Vec<(Level, String)> {
        match self {
            Self::UnknownStart => Vec::new(),
            Self::Format { encoding, error, excerpt } => format_lines(*encoding, error, excerpt),
            Self::Auth { encoding: Encoding::Classic, failure, node, token, .. } => {
                classic_auth_lines(*failure, node, token)
            }
            Self::Auth { encoding: Encoding::Netstring, failure, token, excerpt, .. } => {
                netstring_auth_lines(*failure, token, excerpt)
            }
        }
    }
}

fn format_lines(encoding: Encoding, error: &FormatError, excerpt: &str) -> Vec<(Level, String)> {
    match (encoding, error) {
        (Encoding::Netstring, FormatError::Truncated | FormatError::BadNetstring) => vec![
            (Level::Error, "netstring2msg_rec:peel_netstring fails for name/value pair".to_owned()),
            (Level::Error, format!("sp={excerpt}")),
            (Level::Error, "peel_netstring() error in getting auth string".to_owned()),
        ],
        (Encoding::Netstring, error) => {
            vec![
                (Level::Error, format!("netstring2msg_rec: {error}")),
                (Level::Error, format!("sp={excerpt}")),
            ]
        }
        (Encoding::Classic, FormatError::NoEquals) => vec![
            (Level::Warn, "ha_msg_add_nv_depth: line doesn't contain '='".to_owned()),
            (Level::Error, "NV failure (string2msg_ll):".to_owned()),
            (Level::Error, format!("Input string: [{excerpt}]")),
        ],
        (Encoding::Classic, error) => vec![
            (Level::Error, format!("string2msg_ll: {error}")),
            (Level::Error, "NV failure (string2msg_ll):".to_owned()),
            (Level::Error, format!("Input string: [{excerpt}]")),
        ],
    }
}

fn classic_auth_lines(failure: AuthFailure, node: &str, token: &str) -> Vec<(Level, String)> {
    let mut lines = Vec::new();
    match failure {
        AuthFailure::Missing => {
            lines.push((Level::Warn, "Bad/invalid auth token, authtoken=(nil)".to_owned()))
        }
        AuthFailure::Malformed => {
            lines.push((Level::Warn, format!("Bad/invalid auth token, authtoken={token}")))
        }
        AuthFailure::UnknownKey(index) => {
            lines.push((Level::Warn, format!("Invalid authentication type [{index}] in message!")));
        }
        AuthFailure::Mismatch(_) => {}
    }
    lines.push((Level::Warn, format!("string2msg_ll: node [{node}] failed authentication")));
    lines
}

fn netstring_auth_lines(failure: AuthFailure, token: &str, excerpt: &str) -> Vec<(Level, String)> {
    let mut lines = Vec::new();
    match failure {
        AuthFailure::Missing => {
            return vec![
                (Level::Error, "peel_netstring: Couldn't parse an int starting at: ".to_owned()),
                (Level::Error, "peel_netstring() error in getting auth string".to_owned()),
                (Level::Error, "sp=".to_owned()),
                (Level::Error, format!("s={excerpt}")),
            ];
        }
        AuthFailure::UnknownKey(index) => {
            lines.push((Level::Warn, format!("Invalid authentication [{index}] in message!")));
        }
        AuthFailure::Malformed | AuthFailure::Mismatch(_) => {}
    }
    let digest = token.split_once(' ').map_or(token, |(_, digest)| digest);
    lines.push((Level::Error, format!("authtoken does not match, authtoken={digest}")));
    lines.push((Level::Error, format!("netstring authentication failed, s={excerpt}, autotoken={token}")));
    lines
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "message ends too early",
            Self::BadNetstring => "not a netstring",
            Self::NoEquals => "field without '='",
            Self::BadType => "field with an unknown or misplaced type",
            Self::BadName => "field with an unusable name",
            Self::NulInText => "text with a NUL",
            Self::BadBase64 => "binary field that is not base64",
            Self::BadList => "list that does not add up",
            Self::TooDeep => "too many messages within messages",
            Self::TooBig => "message is too big",
            Self::UnknownCompression => "unknown compression algorithm",
            Self::BadCompression => "compressed data do not inflate",
            Self::NestedCompression => "compressed message within a compressed message",
        })
    }
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownStart => f.write_str("not a heartbeat message"),
            Self::Format { error, excerpt, .. } => write!(f, "{error}: {excerpt}"),
            Self::Auth { failure, node, .. } => {
                write!(f, "node [{node}] failed authentication ({failure:?})")
            }
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooBig(size) => write!(f, "msg too big({size})"),
            Self::TooDeep => f.write_str("too many messages within messages"),
            Self::BadName(name) => write!(f, "field name [{name}] cannot be sent"),
            Self::NulInText(name) => write!(f, "field [{name}] is a text with a NUL"),
            Self::BadList(name) => write!(f, "list [{name}] is too long or has an empty item"),
            Self::NotClassic(name) => write!(f, "field [{name}] has no classic form"),
            Self::Compression => f.write_str("message cannot be compressed"),
        }
    }
}

impl std::error::Error for WireError {}
impl std::error::Error for FormatError {}
impl std::error::Error for EncodeError {}

/// The first bytes of foreign data, fit for a log line.
pub(super) fn escaped(bytes: &[u8], limit: usize) -> String {
    bytes.iter().take(limit).flat_map(|b| b.escape_ascii()).map(char::from).collect()
}
