//! What a fuzzer drives: any bytes in, no panic out, and what was understood survives a round trip.
//! The targets live in `fuzz/`, outside of this package, and call in here; ordinary tests call in here as well.

use super::datagram::{Format, decode, encode, encode_local, encode_local_netstring, parse, seal};
use super::limits::MAX_WIRE;
use super::{Compression, Key, Keys, Message, Method, Stream, Value, compress};

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
        Err(error) => {
            let longest = error.log_lines().iter().map(|(_, text)| text.len()).max().unwrap_or(0);
            assert!(longest < 2000, "a line of {longest} bytes about a stranger's datagram");
        }
    }
}

/// Any bytes, with the signature that they need to be believed: what only a node can send.
pub fn fuzz_signed(bytes: &[u8]) {
    let Some(keys) = keys() else { return };
    let token = keys.sign(std::iter::once(bytes));
    let trailer = format!("{}:{token},", token.len());
    fuzz_decode(&[bytes, trailer.as_bytes()].concat());
    // The classic form carries its signature within, in front of the end marker.
    let lines = bytes.strip_prefix(b">>>\n").unwrap_or(bytes);
    let lines = lines.strip_suffix(b"<<<\n").unwrap_or(lines);
    let signed = lines.split_inclusive(|b| *b == b'\n').filter(|line| *line != b"\n");
    let token = keys.sign(signed);
    fuzz_decode(&[b">>>\n", lines, b"\nauth=", token.as_bytes(), b"\n<<<\n"].concat());
}

/// Any bytes from a client or the FIFO.
pub fn fuzz_parse(bytes: &[u8]) {
    let Some(keys) = keys() else { return };
    match parse(bytes) {
        Ok(message) => survives(&message, &keys),
        Err(error) => drop(error.log_lines()),
    }
}

/// A stream of messages, as the FIFO brings it: the first byte says how it is cut. However it is, the same
/// messages are found, and none is larger than allowed.
pub fn fuzz_stream(bytes: &[u8]) {
    let Some((size, bytes)) = bytes.split_first() else { return };
    let found = |size: usize| {
        let (mut stream, mut found) = (Stream::new(MAX_WIRE), Vec::new());
        for part in bytes.chunks(size.max(1)) {
            stream.feed(part, |message| {
                assert!(message.len() <= MAX_WIRE, "a message of {} bytes", message.len());
                found.push(message.to_vec());
            });
        }
        found
    };
    let whole = found(bytes.len());
    assert_eq!(whole, found(usize::from(*size)));
    whole.iter().for_each(|message| fuzz_parse(message));
}

/// The compressed part of a message that was authenticated; the first byte chooses the algorithm.
pub fn fuzz_inflate(bytes: &[u8]) {
    let (Some(keys), Some((how, payload))) = (keys(), bytes.split_first()) else { return };
    let how = if how.is_multiple_of(2) { Compression::Zlib } else { Compression::Bz2 };
    let mut outer = Message::new();
    outer.push("_compressed_payload", Value::Binary(payload.to_vec()));
    if let Ok(message) = compress::unwrap(outer.with("_compression_algorithm", how.name())) {
        survives(&message, &keys);
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
    let mut sealed = message.clone();
    seal(&mut sealed, Format::Classic, keys);
}
