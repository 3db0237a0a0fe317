//! The keys of `authkeys` as the wire wants them.

use crate::config::{self, AuthKeys};
use crate::wire::{Key, Keys, KeysError, Method};

/// Every key; the selected one signs.
pub(super) fn of(configured: &AuthKeys) -> Result<Keys, KeysError> {
    let keys = configured.keys.iter().map(|(index, key)| {
        let method = match key.method {
            config::Method::Crc => Method::Crc,
            config::Method::Md5 => Method::Md5,
            config::Method::Sha1 => Method::Sha1,
        };
        (*index, Key::new(method, key.secret.to_vec()))
    });
    Keys::new(configured.signing, keys)
}
