//! The netstring encoding: `###`, a netstring a field, `%%%` (wire-protocol.md 1.3).
//!
//! Fields in, bytes out, and back. The trailer that signs them is put and checked in `datagram`.

use super::error::{EncodeError, FormatError, escaped};
use super::limits::{MAX_DEPTH, name_is_sound};
use super::{Message, Value, classic, list};

pub(super) const START: &[u8] = b"###\n";
const END: &[u8] = b"%%%\n";

/// Room for a heartbeat and its trailer.
const USUAL: usize = 512;

/// The whole message with its two markers, without a trailer.
pub(super) fn emit(message: &Message) -> Result<Vec<u8>, EncodeError> {
    emit_at(message, 0)
}

fn emit_at(message: &Message, depth: usize) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::with_capacity(USUAL);
    out.extend_from_slice(START);
    for field in message.fields() {
        put_field(&mut out, &field.name, &field.value, depth)?;
    }
    out.extend_from_slice(END);
    Ok(out)
}

fn put_field(out: &mut Vec<u8>, name: &[u8], value: &Value, depth: usize) -> Result<(), EncodeError> {
    if !name_is_sound(name) {
        return Err(EncodeError::BadName(escaped(name, 64)));
    }
    match value {
        Value::Text(text) if text.contains(&0) => {
            return Err(EncodeError::NulInText(escaped(name, 64)));
        }
        Value::Text(text) => list::put(out, &[b"(0)", name, b"=", text]),
        Value::Binary(bytes) => list::put(out, &[b"(1)", name, b"=", bytes]),
        Value::Struct(message) => list::put(out, &[b"(2)", name, b"=", &nested(message, depth)?]),
        Value::List(items) => list::put(out, &[b"(3)", name, b"=", &classic::packed(items, name)?]),
        Value::Compressed(bytes) => list::put(out, &[b"(4)", name, b"=", bytes]),
        Value::Uncompressed(message) => list::put(out, &[b"(5)", name, b"=", &nested(message, depth)?]),
    }
    Ok(())
}

fn nested(message: &Message, depth: usize) -> Result<Vec<u8>, EncodeError> {
    match depth < MAX_DEPTH {
        true => emit_at(message, depth + 1),
        false => Err(EncodeError::TooDeep),
    }
}

/// Splits at the end of the message (after its end marker) by adding up lengths; nothing is copied.
pub(super) fn extent(bytes: &[u8]) -> Result<(&[u8], &[u8]), FormatError> {
    let mut rest = bytes.strip_prefix(START).ok_or(FormatError::Truncated)?;
    loop {
        if let Some(after) = rest.strip_prefix(END) {
            let length = bytes.len() - after.len();
            return bytes.split_at_checked(length).ok_or(FormatError::Truncated);
        }
        rest = list::peel(rest)?.1;
    }
}

/// The text of the first field of that name, undecoded, without reading the others.
pub(super) fn peek<'a>(bytes: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut rest = bytes.strip_prefix(START)?;
    loop {
        let (content, tail) = list::peel(rest).ok()?;
        match split(content) {
            Ok((_, found, value)) if found == name.as_bytes() => return Some(value),
            _ => rest = tail,
        }
    }
}

/// The fields of a message that begins here; what follows its end marker is not looked at.
pub(super) fn parse(bytes: &[u8]) -> Result<Message, FormatError> {
    parse_at(bytes, 0)
}

fn parse_at(bytes: &[u8], depth: usize) -> Result<Message, FormatError> {
    let mut rest = bytes.strip_prefix(START).ok_or(FormatError::BadNetstring)?;
    let mut message = Message::roomy();
    while !rest.starts_with(END) {
        let (content, tail) = list::peel(rest)?;
        let (kind, name, bytes) = split(content)?;
        if !name_is_sound(name) {
            return Err(FormatError::BadName);
        }
        message.push_raw(name, value(kind, bytes, depth)?);
        rest = tail;
    }
    Ok(message)
}

fn value(kind: u8, bytes: &[u8], depth: usize) -> Result<Value, FormatError> {
    let nested = || match depth < MAX_DEPTH {
        true => parse_at(bytes, depth + 1),
        false => Err(FormatError::TooDeep),
    };
    Ok(match kind {
        b'0' if bytes.contains(&0) => return Err(FormatError::NulInText),
        b'0' => Value::Text(bytes.to_vec()),
        b'1' => Value::Binary(bytes.to_vec()),
        b'2' => Value::Struct(nested()?),
        b'3' => Value::List(list::unpack(bytes)?),
        b'4' => Value::Compressed(bytes.to_vec()),
        b'5' => Value::Uncompressed(nested()?),
        _ => return Err(FormatError::BadType),
    })
}

/// The type digit, the name and the value of one field's content.
fn split(content: &[u8]) -> Result<(u8, &[u8], &[u8]), FormatError> {
    let [b'(', kind @ b'0'..=b'9', b')', rest @ ..] = content else {
        return Err(FormatError::BadType);
    };
    let equals = rest.iter().position(|b| *b == b'=').ok_or(FormatError::NoEquals)?;
    let (name, value) = rest.split_at_checked(equals).ok_or(FormatError::NoEquals)?;
    Ok((*kind, name, value.strip_prefix(b"=").ok_or(FormatError::NoEquals)?))
}
