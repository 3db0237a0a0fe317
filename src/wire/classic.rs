//! The classic encoding: `>>>`, a line a field, `<<<` (wire-protocol.md 1.4).
//!
//! Text in, fields out, and back. Who signs which lines is decided in `datagram`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::{EncodeError, FormatError, escaped};
use super::limits::{MAX_LIST, name_is_sound};
use super::list;
use super::{Message, Value};

pub(super) const START: &[u8] = b">>>\n";
const END: &[u8] = b"<<<\n";

/// Room for a heartbeat.
const USUAL: usize = 512;

/// Stands for a line end inside a text.
const NEWLINE: u8 = 0x13;

/// Stand for a line end inside a nested message, by its depth; as many as messages may nest.
const DEPTH_BYTES: [u8; super::limits::MAX_DEPTH] =
    [20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 15, 16, 17, 18];

/// The whole message with its two markers.
pub(super) fn emit(message: &Message) -> Result<Vec<u8>, EncodeError> {
    emit_at(message, 0)
}

/// Whether 3.0.6 makes the classic form of it where it has the choice: not of what holds another message.
pub(super) fn is_usual(message: &Message) -> bool {
    let flat = |value: &Value| matches!(value, Value::Text(_) | Value::Binary(_) | Value::List(_));
    message.fields().iter().all(|field| flat(&field.value))
}

/// The text that an inner `auth` covers: every field but those named `auth`, without the markers
/// (wire-protocol.md 2.1).
pub(super) fn signed_text(message: &Message) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::with_capacity(USUAL);
    for field in message.fields().iter().filter(|field| *field.name != *b"auth") {
        put_field(&mut out, &field.name, &field.value, 0)?;
    }
    Ok(out)
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
    let shown = || escaped(name, 64);
    if !name_is_sound(name) {
        return Err(EncodeError::BadName(shown()));
    }
    let (prefix, text): (&[u8], Vec<u8>) = match value {
        Value::Text(text) if text.contains(&0) => return Err(EncodeError::NulInText(shown())),
        Value::Text(text) => {
            // Nearly all are texts: these go out as they are read.
            [name, b"="].iter().for_each(|part| out.extend_from_slice(part));
            out.extend(text.iter().map(|b| if *b == b'\n' { NEWLINE } else { *b }));
            out.push(b'\n');
            return Ok(());
        }
        Value::Binary(bytes) => (b"(1)", STANDARD.encode(bytes).into_bytes()),
        Value::Struct(message) => {
            let stand_in = *DEPTH_BYTES.get(depth).ok_or(EncodeError::TooDeep)?;
            (b"(2)", replaced(&emit_at(message, depth + 1)?, b'\n', stand_in))
        }
        Value::List(items) => (b"(3)", replaced(&packed(items, name)?, b'\n', NEWLINE)),
        Value::Compressed(_) | Value::Uncompressed(_) => {
            return Err(EncodeError::NotClassic(shown()));
        }
    };
    for part in [prefix, name, b"=", &text, b"\n"] {
        out.extend_from_slice(part);
    }
    Ok(())
}

/// A list as text, within its limits; the netstring form uses it as well.
pub(super) fn packed(items: &[Vec<u8>], name: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let packed = list::pack(items);
    if packed.contains(&0) {
        return Err(EncodeError::NulInText(escaped(name, 64)));
    }
    match packed.len() < MAX_LIST && items.iter().all(|item| !item.is_empty()) {
        true => Ok(packed),
        false => Err(EncodeError::BadList(escaped(name, 64))),
    }
}

/// The lines between the markers. What follows the end marker or a NUL is not looked at.
pub(super) fn body(bytes: &[u8]) -> Result<&[u8], FormatError> {
    let rest = bytes.strip_prefix(START).ok_or(FormatError::Truncated)?;
    let rest = rest.split(|b| *b == 0).next().unwrap_or_default();
    let mut length = 0;
    for line in rest.split_inclusive(|b| *b == b'\n') {
        if line == END || END.strip_suffix(b"\n") == Some(line) {
            return rest.get(..length).ok_or(FormatError::Truncated);
        }
        length += line.len();
    }
    Err(FormatError::Truncated)
}

/// The lines of a body with their line ends, without blank ones.
pub(super) fn lines(body: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    body.split_inclusive(|b| *b == b'\n').filter(|line| *line != b"\n")
}

/// The name and the undecoded value of a line.
pub(super) fn name_and_value(line: &[u8]) -> Option<(&[u8], &[u8])> {
    split(line).map(|(_, name, value)| (name, value))
}

/// The fields of a body.
pub(super) fn parse(body: &[u8]) -> Result<Message, FormatError> {
    parse_at(body, 0)
}

fn parse_at(body: &[u8], depth: usize) -> Result<Message, FormatError> {
    let mut message = Message::roomy();
    for line in lines(body) {
        let (kind, name, text) = split(line).ok_or(FormatError::NoEquals)?;
        if !name_is_sound(name) {
            return Err(FormatError::BadName);
        }
        message.push_raw(name, value(kind, text, depth)?);
    }
    Ok(message)
}

fn value(kind: Option<u8>, text: &[u8], depth: usize) -> Result<Value, FormatError> {
    Ok(match kind {
        None => Value::Text(replaced(text, NEWLINE, b'\n')),
        Some(b'1') => Value::Binary(STANDARD.decode(text).map_err(|_| FormatError::BadBase64)?),
        Some(b'2') => {
            let stand_in = *DEPTH_BYTES.get(depth).ok_or(FormatError::TooDeep)?;
            let nested = replaced(text, stand_in, b'\n');
            Value::Struct(parse_at(self::body(&nested)?, depth + 1)?)
        }
        Some(b'3') => Value::List(list::unpack(&replaced(text, NEWLINE, b'\n'))?),
        Some(_) => return Err(FormatError::BadType),
    })
}

/// The type digit, the name and the text of a line.
fn split(line: &[u8]) -> Option<(Option<u8>, &[u8], &[u8])> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let (kind, line) = match line {
        [b'(', digit @ b'0'..=b'9', b')', rest @ ..] => (Some(*digit), rest),
        _ => (None, line),
    };
    let equals = line.iter().position(|b| *b == b'=')?;
    let (name, text) = line.split_at_checked(equals)?;
    Some((kind, name, text.strip_prefix(b"=")?))
}

fn replaced(bytes: &[u8], from: u8, to: u8) -> Vec<u8> {
    bytes.iter().map(|b| if *b == from { to } else { *b }).collect()
}
