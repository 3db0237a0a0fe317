//! The keys of `authkeys` as the wire wants them.

use crate::config::{AuthKeys, AuthMethod};
use crate::wire::{Key, Keys, KeysError, Method};

/// Every key; the selected one signs.
pub(super) fn of(configured: &AuthKeys) -> Result<Keys, KeysError> {
    let keys = configured.keys.iter().map(|(index, key)| {
        let method = match key.method {
            AuthMethod::Crc => Method::Crc,
            AuthMethod::Md5 => Method::Md5,
            AuthMethod::Sha1 => Method::Sha1,
        };
        (*index, Key::new(method, key.secret.to_vec()))
    });
    Keys::new(configured.signing, keys)
}
