//! Netlink attributes: a length, a kind, a value, padding to four bytes. How they are written, and values of this family.

use crate::netlink::frame::u32_at;

/// Set in the kind of an attribute that holds others.
const NESTED: u16 = 0x8000;
const HEAD: usize = 4;

/// Attributes, written one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes(pub(super) Vec<u8>);

impl Attributes {
    /// Any value.
    pub(super) fn bytes(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(HEAD + value.len()).unwrap_or(u16::MAX);
        self.0.extend(length.to_ne_bytes());
        self.0.extend(kind.to_ne_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    pub(super) fn u8(self, kind: u16, value: u8) -> Self {
        self.bytes(kind, &[value])
    }

    /// In the machine's order.
    pub(super) fn u16(self, kind: u16, value: u16) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// In network order: a port.
    pub(super) fn port(self, kind: u16, value: u16) -> Self {
        self.bytes(kind, &value.to_be_bytes())
    }

    /// In the machine's order.
    pub(super) fn u32(self, kind: u16, value: u32) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// With a zero behind it.
    pub(super) fn text(self, kind: u16, value: &str) -> Self {
        let mut bytes = value.as_bytes().to_vec();
        bytes.push(0);
        self.bytes(kind, &bytes)
    }

    /// Attributes in an attribute.
    pub(super) fn nested(self, kind: u16, inside: &Attributes) -> Self {
        self.bytes(kind | NESTED, &inside.0)
    }

    /// One more attribute, perhaps.
    pub(super) fn maybe<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => add(self, value),
            None => self,
        }
    }
}

/// A number of four or of eight bytes.
pub(super) fn counter(bytes: &[u8]) -> Option<u64> {
    let long = bytes.first_chunk().map(|b| u64::from_ne_bytes(*b));
    long.or_else(|| u32_at(bytes, 0).map(u64::from))
}

pub(super) fn port_at(bytes: &[u8]) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.first_chunk()?))
}
