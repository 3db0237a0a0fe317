//! The sizes of the wire (wire-protocol.md 1.5). Only numbers and the rule for names live here.

/// The largest datagram or wire message, in bytes.
pub const MAX_WIRE: usize = 256 * 1024;

/// The largest message after inflation.
pub const MAX_INFLATED: usize = 2 * 1024 * 1024;

/// A packed list of strings stays below this when sent.
pub const MAX_LIST: usize = 1024;

/// How deep messages may nest inside messages.
pub const MAX_DEPTH: usize = 16;

/// Whether a field may bear this name: not empty, no `=`, no `(` at its head (it opens a type prefix),
/// and no NUL, line end or byte that stands for one: those would forge a field in the classic form.
pub(super) fn name_is_sound(name: &[u8]) -> bool {
    let forges = |b: &u8| matches!(b, b'=' | b'\n' | 0 | 0x0f..=0x1f);
    name.first().is_some_and(|first| *first != b'(') && !name.iter().any(forges)
}
