//! What a fuzzer drives: any bytes in, no panic out, and what was understood survives a round trip.
//! The targets live outside this package and call in here; ordinary tests call in here as well.

use super::{Key, Keys, Message, Method, decode, encode, encode_local, encode_local_netstring, parse};

/// Keys of every method.
fn keys() -> Option<Keys> {
    let keys = [
        (1, Key::new(Method::Sha1, *b"secretkey")),
        (2, Key::new(Method::Crc, [])),
        (3, Key::new(Method::Md5, *b"md5secret")),
    ];
    Keys::new(2, keys).ok()
}

/// Any datagram.
pub fn fuzz_decode(bytes: &[u8]) {
    let Some(keys) = keys() else { return };
    match decode(bytes, &keys) {
        Ok(message) => survives(&message, &keys),
        Err(error) => drop(error.log_lines()),
    }
}

/// Any bytes from a client or the FIFO.
pub fn fuzz_parse(bytes: &[u8]) {
    let Some(keys) = keys() else { return };
    match parse(bytes) {
        Ok(message) => survives(&message, &keys),
        Err(error) => drop(error.log_lines()),
    }
}

/// A message that was understood is the same after another trip, wherever it can be sent at all.
fn survives(message: &Message, keys: &Keys) {
    let compressed = message.value("_compressed_payload").is_some();
    if let Ok(again) = encode(message, keys)
        && !compressed
    {
        assert_eq!(decode(&again, keys).as_ref(), Ok(message));
    }
    if let Ok(again) = encode_local_netstring(message)
        && !compressed
    {
        assert_eq!(parse(&again).as_ref(), Ok(message));
    }
    if let Ok(again) = encode_local(message) {
        drop(parse(&again));
    }
}
