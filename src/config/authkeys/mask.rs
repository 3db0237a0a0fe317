//! Lines of `authkeys` made fit to be shown. A word is shown only when it cannot be a key: a short
//! number in first place, `auth`, and the name of a well-known method. All else becomes `****`,
//! also in lines that are wrong, for nobody knows where in a wrong line the key stands.

use std::ops::Range;

use crate::config::diagnostic::Cited;
use crate::config::text::{At, Line, is_blank};

/// What stands for a word that is not shown.
const HIDDEN: &str = "****";

/// Method names people try; only these are shown.
const NAMES: &[&str] = &[
    "crc",
    "crc16",
    "crc32",
    "md2",
    "md4",
    "md5",
    "sha",
    "sha1",
    "sha-1",
    "sha2",
    "sha3",
    "sha224",
    "sha256",
    "sha-256",
    "sha384",
    "sha-384",
    "sha512",
    "sha-512",
    "hmac",
    "hmac-md5",
    "hmac-sha1",
    "hmac-sha256",
    "hmac-sha512",
    "none",
    "null",
];

/// Whether a word is the name of a method, in any case, known to heartbeat or not.
pub(super) fn is_method_name(word: &[u8]) -> bool {
    NAMES
        .iter()
        .any(|name| name.as_bytes().eq_ignore_ascii_case(word))
}

/// What may be shown of a word at this position of its line.
fn shown(line: Line<'_>, position: usize, word: &[u8]) -> String {
    let plain = std::str::from_utf8(word).unwrap_or(HIDDEN);
    let number = word.len() <= 3 && word.iter().all(u8::is_ascii_digit);
    let auth = || {
        line.whole()
            .words(is_blank)
            .first()
            .is_some_and(|w| w.bytes() == b"auth")
    };
    let fit = match position {
        0 => number || word == b"auth",
        1 => is_method_name(word) || number && auth(),
        _ => false,
    };
    if fit {
        plain.to_owned()
    } else {
        HIDDEN.to_owned()
    }
}

/// The line with everything hidden that may be a key.
pub(super) fn text(line: Line<'_>) -> String {
    cited(line, 0..0).text
}

/// The masked line, pointing at the word that begins where `range` does, else at its end.
pub(super) fn cited(line: Line<'_>, range: Range<usize>) -> Cited {
    let mut text = String::new();
    let mut mark = None;
    for (position, word) in line.whole().words(is_blank).iter().enumerate() {
        if position > 0 {
            text.push(' ');
        }
        let from = text.len();
        text.push_str(&shown(line, position, word.bytes()));
        if word.range.start == range.start {
            mark = Some(from..text.len());
        }
    }
    let end = text.len()..text.len();
    Cited {
        mark: mark.unwrap_or(end),
        text,
    }
}

/// A word for a message: shown if it may be.
pub(super) fn word(position: usize, at: &At<'_>) -> String {
    shown(at.line, position, at.bytes())
}
