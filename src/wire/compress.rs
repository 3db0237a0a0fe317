//! Compression (wire-protocol.md 1.6): what a message becomes before it is sent and, within limits, what is read.
//!
//! `unwrap` runs on authenticated messages only. Single compressed fields stay as they are: whoever looks
//! into one inflates it.

use std::io::Read;

use serde::{Deserialize, Serialize};

use super::error::{EncodeError, FormatError};
use super::limits::{MAX_INFLATED, MAX_WIRE};
use super::{Format, Message, Value, classic, datagram, netstring};

const PAYLOAD: &str = "_compressed_payload";
const ALGORITHM: &str = "_compression_algorithm";

/// How a message is compressed; the `compression` directive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compression {
    /// RFC 1950.
    #[default]
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

/// What is compressed, and how: the directives `compression`, `compression_threshold`,
/// `traditional_compression`, and `msgfmt`, which chooses the text that is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packing {
    /// The method.
    pub how: Compression,
    /// Bytes above which a whole message is compressed, where that is wanted.
    pub threshold: usize,
    /// Whether it is wanted.
    pub whole: bool,
    /// `msgfmt`.
    pub format: Format,
}

impl Default for Packing {
    fn default() -> Self {
        Self { how: Compression::Zlib, threshold: 2048, whole: false, format: Format::Classic }
    }
}

/// What is sent for a sealed message, where that is not the message itself: the whole of it compressed, or
/// those of its fields that were marked for it. What no datagram could hold is compressed whether wanted or
/// not. Marked fields inside of nested messages stay as they are, as 3.0.6 leaves them.
pub fn pack(message: &Message, packing: &Packing) -> Result<Option<Message>, EncodeError> {
    let text = text_of(message, packing.format)?;
    if packing.whole && text.len() > packing.threshold || text.len() >= MAX_WIRE {
        return wrapped(&text, packing.how).map(Some);
    }
    let marked = |value: &Value| matches!(value, Value::Uncompressed(_));
    match message.fields().iter().any(|field| marked(&field.value)) {
        true => with_compressed_fields(message, packing).map(Some),
        false => Ok(None),
    }
}

/// A message that carries the given one compressed.
pub fn wrap(message: &Message, how: Compression) -> Result<Message, EncodeError> {
    wrapped(&netstring::emit(message)?, how)
}

/// The bytes that 3.0.6 measures and compresses: the classic text and its NUL, unless another format is set
/// or a message is nested in this one.
fn text_of(message: &Message, format: Format) -> Result<Vec<u8>, EncodeError> {
    if format == Format::Netstring || !classic::is_usual(message) {
        return netstring::emit(message);
    }
    let mut text = classic::emit(message)?;
    text.push(0);
    Ok(text)
}

fn with_compressed_fields(message: &Message, packing: &Packing) -> Result<Message, EncodeError> {
    let mut out = Message::new();
    for field in message.fields() {
        let value = match &field.value {
            Value::Uncompressed(nested) => {
                Value::Compressed(deflate(&text_of(nested, packing.format)?, packing.how)?)
            }
            other => other.clone(),
        };
        out.push_raw(&field.name, value);
    }
    Ok(out.with(ALGORITHM, packing.how.name()))
}

fn wrapped(text: &[u8], how: Compression) -> Result<Message, EncodeError> {
    let mut outer = Message::new();
    outer.push(PAYLOAD, Value::Binary(deflate(text, how)?));
    Ok(outer.with(ALGORITHM, how.name()))
}

fn deflate(plain: &[u8], how: Compression) -> Result<Vec<u8>, EncodeError> {
    if plain.len() > MAX_INFLATED {
        return Err(EncodeError::TooBig(plain.len()));
    }
    let packed = match how {
        Compression::Zlib => drain(flate2::read::ZlibEncoder::new(plain, flate2::Compression::default())),
        // 3.0.6 uses blocks of 100 kB
        Compression::Bz2 => drain(bzip2::read::BzEncoder::new(plain, bzip2::Compression::fast())),
    };
    packed.ok_or(EncodeError::Compression)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Key, Keys, Method, decode, encode, seal};

    fn body(length: usize) -> Message {
        Message::of("big").with("body", &"x".repeat(length))
    }

    fn packing(whole: bool, format: Format, how: Compression) -> Packing {
        Packing { how, threshold: 2048, whole, format }
    }

    #[test]
    fn what_is_above_the_threshold_is_compressed_as_3_0_6_measures_it() {
        // ">>>.t=big.body=.<<<." and a NUL; "###.8:(0)t=big,NNNN:(0)body=,%%%."
        for (format, around) in [(Format::Classic, 21), (Format::Netstring, 33)] {
            let with = packing(true, format, Compression::Zlib);
            assert_eq!(pack(&body(2048 - around), &with), Ok(None), "{format:?}");
            let packed = pack(&body(2049 - around), &with).unwrap().expect("compressed");
            let names: Vec<_> = packed.fields().iter().map(|field| &*field.name).collect();
            assert_eq!(names, [PAYLOAD.as_bytes(), ALGORITHM.as_bytes()]);
            let without = packing(false, format, Compression::Zlib);
            assert_eq!(pack(&body(60_000), &without), Ok(None), "{format:?}: nobody asked");
            assert!(pack(&body(MAX_WIRE), &without).unwrap().is_some(), "{format:?}: no other way");
        }
    }

    #[test]
    fn whatever_is_packed_comes_out_as_it_was() {
        let keys = Keys::new(1, [(1, Key::new(Method::Sha1, *b"secret"))]).unwrap();
        for how in [Compression::Zlib, Compression::Bz2] {
            for format in [Format::Classic, Format::Netstring] {
                let mut nested = body(5000);
                nested.push("inner", Value::Struct(body(10)));
                for mut message in [body(5000), nested] {
                    seal(&mut message, format, &keys);
                    let packed = pack(&message, &packing(true, format, how)).unwrap().expect("compressed");
                    let datagram = encode(&packed, &keys).unwrap();
                    assert!(datagram.len() < 500, "{} bytes", datagram.len());
                    assert_eq!(decode(&datagram, &keys).as_ref(), Ok(&message));
                }
            }
        }
    }

    #[test]
    fn a_marked_field_is_compressed_by_itself_and_inflates() {
        let mut message = Message::of("big");
        message.push("sub", Value::Uncompressed(body(5000)));
        for how in [Compression::Zlib, Compression::Bz2] {
            let packed = pack(&message, &packing(false, Format::Classic, how)).unwrap().expect("compressed");
            assert_eq!(packed.text(ALGORITHM), Some(how.name()));
            let Some(Value::Compressed(bytes)) = packed.value("sub") else { panic!("{packed:?}") };
            assert_eq!(datagram::parse_fields(&inflate(bytes, how).unwrap()), Ok(body(5000)));
        }
    }
}
