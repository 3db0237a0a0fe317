//! Keys, digests, and their comparison in constant time (wire-protocol.md 2).
//!
//! What bytes a digest covers is the business of `datagram`; where keys come from that of `config`.

use std::fmt;

use crc::{CRC_32_CKSUM, Crc};
use hmac::digest::Digest;
use hmac::digest::common::Key as Block;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::error::AuthFailure;

/// How many key indices there are, from 0 (wire-protocol.md 1.5).
pub const MAX_KEYS: usize = 16;

/// How a message is signed (wire-protocol.md 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A checksum without a key: finds damage, stops nobody.
    Crc,
    /// HMAC-MD5.
    Md5,
    /// HMAC-SHA1.
    Sha1,
}

impl Method {
    /// The method that `authkeys` calls by this name.
    pub fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"crc" => Some(Self::Crc),
            b"md5" => Some(Self::Md5),
            b"sha1" => Some(Self::Sha1),
            _ => None,
        }
    }

    /// Its name in `authkeys`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc => "crc",
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
        }
    }
}

/// One key: a method and its secret, which is wiped from memory with it and never printed.
#[derive(Clone)]
pub struct Key {
    method: Method,
    secret: Zeroizing<Vec<u8>>,
}

impl Key {
    /// A key of that method; `crc` does not look at the secret.
    pub fn new(method: Method, secret: impl Into<Vec<u8>>) -> Self {
        Self { method, secret: Zeroizing::new(secret.into()) }
    }

    /// How it signs.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The digest over all parts in one, as the text on the wire.
    fn digest<'a>(&self, parts: impl Iterator<Item = &'a [u8]>) -> String {
        match self.method {
            Method::Crc => checksum(parts),
            Method::Md5 => hmac::<Hmac<Md5>, Md5>(&self.secret, parts),
            Method::Sha1 => hmac::<Hmac<Sha1>, Sha1>(&self.secret, parts),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("method", &self.method).field("secret", &"(redacted)").finish()
    }
}

/// Why a set of keys is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysError {
    /// An index is not in 0..=15.
    BadIndex(u8),
    /// There is no key at the index chosen for signing.
    NoSigningKey(u8),
}

/// The keys a node accepts, and the one it signs with.
#[derive(Clone, Debug)]
pub struct Keys {
    signing: u8,
    signing_key: Key,
    /// Messages go out in the form that C daemons check with the key that the message names.
    in_classic: bool,
    accepted: [Option<Key>; MAX_KEYS],
}

impl Keys {
    /// A set of keys by index; a later one replaces an earlier one of the same index.
    pub fn new(signing: u8, keys: impl IntoIterator<Item = (u8, Key)>) -> Result<Self, KeysError> {
        let mut accepted: [Option<Key>; MAX_KEYS] = Default::default();
        for (index, key) in keys {
            *accepted.get_mut(usize::from(index)).ok_or(KeysError::BadIndex(index))? = Some(key);
        }
        let chosen = accepted.get(usize::from(signing)).cloned().flatten();
        let signing_key = chosen.ok_or(KeysError::NoSigningKey(signing))?;
        Ok(Self { signing, signing_key, in_classic: false, accepted })
    }

    /// The index of the key that signs.
    pub fn signing(&self) -> u8 {
        self.signing
    }

    /// A peer signs with the key of this index. A C daemon takes the text of its *own* signing key for netstrings,
    /// whatever index they name (wire-protocol.md 2.3, 16.4), so that ours must be classic messages as long as
    /// the two sign differently.
    pub fn peer_signs_with(&mut self, index: u8) {
        self.in_classic = index != self.signing;
    }

    /// Whether the classic form is to be sent wherever there is one.
    pub(super) fn in_classic(&self) -> bool {
        self.in_classic
    }

    /// The key of that index.
    fn key(&self, index: u32) -> Option<&Key> {
        self.accepted.get(usize::try_from(index).ok()?)?.as_ref()
    }

    /// `INDEX HEX` over the parts, by the signing key.
    pub(super) fn sign<'a>(&self, parts: impl Iterator<Item = &'a [u8]>) -> String {
        format!("{} {}", self.signing, self.signing_key.digest(parts))
    }

    /// Whether `token` (`INDEX HEX`) signs the parts under the key of its own index.
    pub(super) fn verify<'a>(
        &self,
        token: &[u8],
        parts: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), AuthFailure> {
        let (index, hex) = split_token(token).ok_or(AuthFailure::Malformed)?;
        let key = self.key(index).ok_or(AuthFailure::UnknownKey(index))?;
        let right = Zeroizing::new(key.digest(parts));
        match bool::from(right.as_bytes().ct_eq(hex)) {
            true => Ok(()),
            false => Err(AuthFailure::Mismatch(u8::try_from(index).unwrap_or(u8::MAX))),
        }
    }
}

/// `INDEX SP HEX`: a decimal number and the digest as sent.
fn split_token(token: &[u8]) -> Option<(u32, &[u8])> {
    let space = token.iter().position(|b| *b == b' ')?;
    let (index, hex) = token.split_at_checked(space)?;
    let hex = hex.strip_prefix(b" ")?;
    let all_digits = !index.is_empty() && index.iter().all(u8::is_ascii_digit);
    let index = std::str::from_utf8(index).ok().filter(|_| all_digits)?;
    Some((index.parse().ok()?, hex))
}

/// CRC-32 with the polynomial of `cksum`, no length appended, printed without leading zeros.
fn checksum<'a>(parts: impl Iterator<Item = &'a [u8]>) -> String {
    const CKSUM: Crc<u32> = Crc::<u32>::new(&CRC_32_CKSUM);
    let mut digest = CKSUM.digest();
    for part in parts {
        digest.update(part);
    }
    format!("{:x}", digest.finalize())
}

/// RFC 2104 over one block made of the secret: padded with zeros, hashed first where it is too long.
fn hmac<'a, M: Mac + KeyInit, H: Digest>(secret: &[u8], parts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut block = Block::<M>::default();
    match secret.len() > block.len() {
        true => fill(&mut block, &H::digest(secret)),
        false => fill(&mut block, secret),
    }
    let mut mac = M::new(&block);
    block.as_mut_slice().zeroize();
    for part in parts {
        mac.update(part);
    }
    hex(&mac.finalize().into_bytes())
}

fn fill(block: &mut [u8], bytes: &[u8]) {
    for (slot, byte) in block.iter_mut().zip(bytes) {
        *slot = *byte;
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    text.extend(
        bytes.iter().flat_map(|b| [b >> 4, b & 15]).filter_map(|d| char::from_digit(u32::from(d), 16)),
    );
    text
}
