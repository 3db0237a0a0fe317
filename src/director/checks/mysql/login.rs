//! How a password is proven to a MySQL server. Pure.

use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::director::config::Secret;

/// Ways that are gone without being asked.
pub(super) const USUAL: [&str; 2] = ["mysql_native_password", "caching_sha2_password"];

/// A way to prove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// `mysql_native_password`.
    Native,
    /// `caching_sha2_password`. A server that does not know the password by heart wants it as it is.
    Sha2,
    /// The password as it is, encrypted on its way.
    Password,
    /// None that is known here.
    Unknown,
}

/// The way of this name, and the proof if it can be given at once.
pub(super) fn prove(plugin: &str, salt: &[u8], passwd: &Secret) -> (Proof, Vec<u8>) {
    let password = passwd.expose().as_bytes();
    let nothing = password.is_empty();
    match plugin {
        "mysql_native_password" if nothing => (Proof::Native, Vec::new()),
        "mysql_native_password" => (Proof::Native, native(salt, password)),
        "caching_sha2_password" if nothing => (Proof::Sha2, Vec::new()),
        "caching_sha2_password" => (Proof::Sha2, sha2(salt, password)),
        "mysql_clear_password" | "sha256_password" | "dialog" => (Proof::Password, Vec::new()),
        _ => (Proof::Unknown, Vec::new()),
    }
}

/// SHA1(password) xor SHA1(salt, SHA1(SHA1(password))).
fn native(salt: &[u8], password: &[u8]) -> Vec<u8> {
    let once = Sha1::digest(password);
    let mut mask = Sha1::new();
    mask.update(salt);
    mask.update(Sha1::digest(once));
    once.iter().zip(mask.finalize()).map(|(a, b)| a ^ b).collect()
}

/// SHA256(password) xor SHA256(SHA256(SHA256(password)), salt).
fn sha2(salt: &[u8], password: &[u8]) -> Vec<u8> {
    let once = Sha256::digest(password);
    let mut mask = Sha256::new();
    mask.update(Sha256::digest(once));
    mask.update(salt);
    once.iter().zip(mask.finalize()).map(|(a, b)| a ^ b).collect()
}
