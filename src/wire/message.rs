//! A message: an ordered list of named, typed fields (wire-protocol.md 1.2).
//!
//! Order matters, because the digests cover it; duplicate names are legal and look-ups return the
//! first. No encoding lives here.

use super::Name;
use serde::{Deserialize, Serialize};

/// A heartbeat has so many fields, or fewer.
const USUAL: usize = 16;

/// The value of a field, by its type digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `0`: text; never holds NUL on the wire.
    Text(Vec<u8>),
    /// `1`: any bytes.
    Binary(Vec<u8>),
    /// `2`: a nested message.
    Struct(Message),
    /// `3`: a list of texts.
    List(Vec<Vec<u8>>),
    /// `4`: compressed bytes of a nested message.
    Compressed(Vec<u8>),
    /// `5`: a nested message that its sender marked for compression.
    Uncompressed(Message),
}

/// One named value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// One byte or more, no `=`.
    pub name: Name,
    /// What it holds.
    pub value: Value,
}

/// An ordered list of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Message {
    fields: Vec<Field>,
}

impl Message {
    /// An empty message.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty message with room for what a heartbeat holds.
    pub(super) fn roomy() -> Self {
        Self { fields: Vec::with_capacity(USUAL) }
    }

    /// A message whose first field is `t=kind`.
    pub fn of(kind: &str) -> Self {
        Self::roomy().with("t", kind)
    }

    /// Appends a text field; for building in one expression.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.push(name, Value::Text(value.as_bytes().to_vec()));
        self
    }

    /// Appends a field, even where the name is there already.
    pub fn push(&mut self, name: &str, value: Value) {
        self.push_raw(name.as_bytes(), value);
    }

    /// Appends a field whose name came off the wire.
    pub fn push_raw(&mut self, name: &[u8], value: Value) {
        self.fields.push(Field { name: name.into(), value });
    }

    /// Replaces the first field of that name in its place, or appends one.
    pub fn set(&mut self, name: &str, value: Value) {
        match self.fields.iter_mut().find(|f| *f.name == *name.as_bytes()) {
            Some(field) => field.value = value,
            None => self.push(name, value),
        }
    }

    /// `set` with a text.
    pub fn set_text(&mut self, name: &str, value: &str) {
        self.set(name, Value::Text(value.as_bytes().to_vec()));
    }

    /// Removes every field of that name.
    pub fn remove(&mut self, name: &str) {
        self.fields.retain(|f| *f.name != *name.as_bytes());
    }

    /// The fields in order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The first value of that name.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|f| *f.name == *name.as_bytes()).map(|f| &f.value)
    }

    /// The first field of that name, if it is text and valid UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The first field of that name, if it is binary.
    pub fn binary(&self, name: &str) -> Option<&[u8]> {
        match self.value(name)? {
            Value::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A text field read as hexadecimal (`seq`, `hg`, `ts`, `dt`, `ackseq`).
    pub fn hex(&self, name: &str) -> Option<u64> {
        u64::from_str_radix(self.text(name)?, 16).ok()
    }

    /// A text field read as decimal (`ttl`, `firstseq` of NS_rexmit).
    pub fn decimal(&self, name: &str) -> Option<u64> {
        self.text(name)?.parse().ok()
    }

    /// The message type, `t`.
    pub fn kind(&self) -> Option<&str> {
        self.text("t")
    }
}
