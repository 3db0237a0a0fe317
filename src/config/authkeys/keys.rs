//! Keys as values, which never show themselves.

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

/// How a message is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// A checksum; protects against accidents only.
    Crc,
    /// HMAC-MD5.
    Md5,
    /// HMAC-SHA1.
    Sha1,
}

impl Method {
    /// The word in `authkeys`.
    pub fn name(self) -> &'static str {
        match self {
            Method::Crc => "crc",
            Method::Md5 => "md5",
            Method::Sha1 => "sha1",
        }
    }
}

/// One key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// What it is used for.
    pub method: Method,
    /// Its bytes; empty for [`Method::Crc`]. Wiped from memory when dropped.
    pub secret: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, ****)", self.method.name())
    }
}

/// All keys of a node. Every one verifies; one signs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthKeys {
    /// Index of the key that signs, 0 to 15.
    pub signing: u8,
    /// Keys by index.
    pub keys: BTreeMap<u8, Key>,
}

impl AuthKeys {
    /// The key that signs; there is one in every accepted configuration.
    pub fn signing_key(&self) -> Option<&Key> {
        self.keys.get(&self.signing)
    }
}
