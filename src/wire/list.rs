//! Lists of strings: `3:abc,4:defg,` (wire-protocol.md 1.2), and the one netstring they and the
//! messages are made of. No message lives here.

use super::error::FormatError;
use std::io::Write as _;

/// Appends `LEN:bytes,`.
pub(super) fn put(out: &mut Vec<u8>, parts: &[&[u8]]) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    // Into a vector writing never fails.
    let _ = write!(out, "{length}:");
    for part in parts {
        out.extend_from_slice(part);
    }
    out.push(b',');
}

/// Takes one `LEN:bytes,` off the front: its bytes, and what follows.
pub(super) fn peel(bytes: &[u8]) -> Result<(&[u8], &[u8]), FormatError> {
    let mut length: usize = 0;
    let mut rest = bytes;
    loop {
        match rest.split_first() {
            Some((digit @ b'0'..=b'9', tail)) => {
                length = length.saturating_mul(10).saturating_add(usize::from(digit - b'0'));
                rest = tail;
            }
            Some((b':', tail)) if rest.len() < bytes.len() => {
                let (content, tail) = tail.split_at_checked(length).ok_or(FormatError::Truncated)?;
                return match tail.split_first() {
                    Some((b',', tail)) => Ok((content, tail)),
                    Some(_) => Err(FormatError::BadNetstring),
                    None => Err(FormatError::Truncated),
                };
            }
            Some(_) => return Err(FormatError::BadNetstring),
            None => return Err(FormatError::Truncated),
        }
    }
}

/// A list as one packed text.
pub(super) fn pack(items: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for item in items {
        put(&mut out, &[item]);
    }
    out
}

/// The inverse of [`pack`]; like 3.0.6 it takes no empty item.
pub(super) fn unpack(mut packed: &[u8]) -> Result<Vec<Vec<u8>>, FormatError> {
    let mut items = Vec::new();
    while !packed.is_empty() {
        let (item, rest) = peel(packed).map_err(|_| FormatError::BadList)?;
        if item.is_empty() {
            return Err(FormatError::BadList);
        }
        items.push(item.to_vec());
        packed = rest;
    }
    Ok(items)
}
