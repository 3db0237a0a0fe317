//! What the log says about clients and their messages, in the words of 3.0.6. Text only.

use super::order::Order;
use crate::level::Level;
use crate::wire::{Message, Value};

/// Fields of a message that the log shows; a client must not be able to fill the disk with one message.
const SHOWN: usize = 40;
/// Bytes of a value that the log shows.
const LENGTH: usize = 200;

pub(super) fn line(level: Level, text: impl Into<String>) -> Order {
    Order::Log(level, text.into())
}

/// Every field of a message, a line each.
pub(super) fn dump(level: Level, message: &Message) -> impl Iterator<Item = Order> {
    let fields = message.fields();
    let head = line(level, format!("MSG: Dumping message with {} fields", fields.len()));
    let shown = fields.iter().enumerate().take(SHOWN).map(move |(at, field)| {
        let name = printable(&field.name);
        line(level, format!("MSG[{at}] : [{}]", shown_value(&name, &field.value)))
    });
    let more =
        (fields.len() > SHOWN).then(|| line(level, format!("MSG: {} more fields", fields.len() - SHOWN)));
    std::iter::once(head).chain(shown).chain(more).collect::<Vec<_>>().into_iter()
}

fn shown_value(name: &str, value: &Value) -> String {
    match value {
        Value::Text(text) => format!("{name}={}", printable(text)),
        Value::Binary(bytes) => format!("(1){name}=({} bytes)", bytes.len()),
        Value::Struct(inner) => format!("(2){name}=({} fields)", inner.fields().len()),
        Value::List(items) => format!("(3){name}=({} items)", items.len()),
        Value::Compressed(bytes) => format!("(4){name}=({} bytes)", bytes.len()),
        Value::Uncompressed(inner) => format!("(5){name}=({} fields)", inner.fields().len()),
    }
}

/// Fit for a log line.
pub(super) fn printable(bytes: &[u8]) -> String {
    let shown = bytes.get(..LENGTH).unwrap_or(bytes);
    let clean = |c: char| if c.is_control() { '?' } else { c };
    let mut text: String = String::from_utf8_lossy(shown).chars().map(clean).collect();
    if shown.len() < bytes.len() {
        text.push_str("...");
    }
    text
}
