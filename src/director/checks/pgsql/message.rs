//! Messages of the PostgreSQL protocol, version 3: a letter, four bytes of length, and the content. Pure.

use md5::{Digest, Md5};

pub(super) const HEADER: usize = 5;

/// A message.
pub(super) fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    [&[kind], length_of(content).as_slice(), content].concat()
}

/// The first message has no letter, but a version.
pub(super) fn begin(version: u32, content: &[u8]) -> Vec<u8> {
    let content = [&version.to_be_bytes(), content].concat();
    [length_of(&content).as_slice(), &content].concat()
}

/// A length counts itself.
fn length_of(content: &[u8]) -> [u8; 4] {
    u32::try_from(content.len() + 4).unwrap_or(u32::MAX).to_be_bytes()
}

/// A text, and the zero behind it.
pub(super) fn text_of(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

/// How long the first message is.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let length = bytes.get(1..)?.first_chunk()?;
    Some((u32::from_be_bytes(*length) as usize).saturating_add(1).max(HEADER))
}

/// The rows that a command touched: the last word of what it says when it is over.
pub(super) fn count(content: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(content.strip_suffix(&[0]).unwrap_or(content)).into_owned();
    text.split(' ').next_back().and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// `FATAL: ...`, out of the fields of an error.
pub(super) fn error(content: &[u8]) -> String {
    let field = |wanted: u8| {
        let mut fields = content.split(|byte| *byte == 0).filter_map(|field| field.split_first());
        let text = fields.find(|(kind, _)| **kind == wanted).map(|(_, text)| text).unwrap_or_default();
        String::from_utf8_lossy(text).into_owned()
    };
    format!("{}: {}", field(b'S'), field(b'M'))
}

/// `md5` and MD5(MD5(password, name), salt).
pub(super) fn md5(login: &str, passwd: &str, salt: &[u8]) -> String {
    let inner = md5_hex(&[passwd.as_bytes(), login.as_bytes()].concat());
    format!("md5{}", md5_hex(&[inner.as_bytes(), salt].concat()))
}

fn md5_hex(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
