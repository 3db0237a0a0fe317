//! Messages compressed as a whole (wire-protocol.md 1.6): wrapping and, within limits, unwrapping.
//!
//! [`unwrap`] runs on authenticated messages only. Single compressed fields stay as they are.

use std::io::Read;

use super::error::{EncodeError, FormatError};
use super::limits::MAX_INFLATED;
use super::{Message, Value, datagram, netstring};

const PAYLOAD: &str = "_compressed_payload";
const ALGORITHM: &str = "_compression_algorithm";

/// How a message is compressed; the `compression` directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1950.
    Zlib,
    /// bzip2.
    Bz2,
}

impl Compression {
    /// Its name in `ha.cf` and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zlib => "zlib",
            Self::Bz2 => "bz2",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Zlib, Self::Bz2].into_iter().find(|known| known.name() == name)
    }
}

/// A message that carries the given one compressed.
pub fn wrap(message: &Message, how: Compression) -> Result<Message, EncodeError> {
    let plain = netstring::emit(message)?;
    if plain.len() > MAX_INFLATED {
        return Err(EncodeError::TooBig(plain.len()));
    }
    let packed = match how {
        Compression::Zlib => {
            drain(flate2::read::ZlibEncoder::new(plain.as_slice(), flate2::Compression::default()))
        }
        Compression::Bz2 => {
            drain(bzip2::read::BzEncoder::new(plain.as_slice(), bzip2::Compression::default()))
        }
    };
    let mut outer = Message::new();
    outer.push(PAYLOAD, Value::Binary(packed.ok_or(EncodeError::Compression)?));
    Ok(outer.with(ALGORITHM, how.name()))
}

/// The message within, where there is one; otherwise the message itself.
pub(super) fn unwrap(message: Message) -> Result<Message, FormatError> {
    let Some(payload) = message.binary(PAYLOAD) else {
        return Ok(message);
    };
    let how = message.text(ALGORITHM).and_then(Compression::named).ok_or(FormatError::UnknownCompression)?;
    let inner = datagram::parse_fields(&inflate(payload, how)?)?;
    match inner.value(PAYLOAD) {
        None => Ok(inner),
        Some(_) => Err(FormatError::NestedCompression),
    }
}

/// Inflates, and stops at one byte more than a message may have.
fn inflate(payload: &[u8], how: Compression) -> Result<Vec<u8>, FormatError> {
    let limit = MAX_INFLATED as u64 + 1;
    let plain = match how {
        Compression::Zlib => drain(flate2::read::ZlibDecoder::new(payload).take(limit)),
        Compression::Bz2 => drain(bzip2::read::BzDecoder::new(payload).take(limit)),
    };
    let plain = plain.ok_or(FormatError::BadCompression)?;
    match plain.len() > MAX_INFLATED {
        true => Err(FormatError::TooBig),
        false => Ok(plain),
    }
}

fn drain(mut from: impl Read) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    from.read_to_end(&mut out).ok()?;
    Some(out)
}
