//! What holds for every message and for any bytes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

use heartbeat::wire::fuzz::{fuzz_decode, fuzz_parse};
use heartbeat::wire::{
    Compression, EncodeError, Format, FormatError, Key, Keys, Message, Method, Value, WireError, decode,
    encode, encode_local, encode_local_netstring, encode_serial, limits, parse, seal, wrap,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn keys() -> Keys {
    Keys::new(3, [(3, Key::new(Method::Sha1, *b"s3cret")), (2, Key::new(Method::Crc, []))]).unwrap()
}

/// Text that both encodings carry: no NUL, and none of the bytes that stand for line ends.
fn text() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>().prop_map(|b| if (1..32).contains(&b) && b != b'\t' { b'\n' } else { b.max(1) }), 0..40)
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    "[a-zA-Z_<>%#][a-zA-Z0-9_(): .\\t-]{0,12}".prop_map(String::into_bytes)
}

fn value(netstring_only: bool) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        text().prop_map(Value::Text),
        vec(any::<u8>(), 0..40).prop_map(Value::Binary),
        vec(text(), 0..6).prop_map(|mut items| {
            items.retain(|item| !item.is_empty());
            Value::List(items)
        }),
        vec(any::<u8>(), 0..40).prop_map(move |b| if netstring_only {
            Value::Compressed(b)
        } else {
            Value::Binary(b)
        }),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        (vec((name(), inner), 0..5), any::<bool>()).prop_map(move |(fields, uncompressed)| match uncompressed
            && netstring_only
        {
            true => Value::Uncompressed(built(fields)),
            false => Value::Struct(built(fields)),
        })
    })
}

fn built(fields: Vec<(Vec<u8>, Value)>) -> Message {
    let mut message = Message::new();
    for (name, value) in fields {
        message.push_raw(&name, value);
    }
    message
}

fn message(netstring_only: bool) -> impl Strategy<Value = Message> {
    vec((name(), value(netstring_only)), 0..12).prop_map(built)
}

/// A line is signed even where the message was not.
fn unsigned(mut message: Message) -> Message {
    message.remove("auth");
    message
}

proptest! {
    #[test]
    fn netstring_round_trip(message in message(true)) {
        let keys = keys();
        prop_assert_eq!(decode(&encode(&message, &keys).unwrap(), &keys).unwrap(), message.clone());
        prop_assert_eq!(parse(&encode_local_netstring(&message).unwrap()).unwrap(), message);
    }

    #[test]
    fn classic_round_trip(mut message in message(false)) {
        let keys = keys();
        prop_assert_eq!(parse(&encode_local(&message).unwrap()).unwrap(), message.clone());
        seal(&mut message, Format::Classic, &keys);
        let bytes = encode_serial(&message, &keys).unwrap();
        let signed = decode(&bytes, &keys).unwrap();
        prop_assert!(signed.text("auth").is_some());
        prop_assert_eq!(decode(&[bytes.as_slice(), b"\0"].concat(), &keys).unwrap(), signed.clone());
        prop_assert_eq!(unsigned(signed), unsigned(message));
    }

    #[test]
    fn compressed_round_trip(message in message(true), zlib in any::<bool>()) {
        let keys = keys();
        let outer = wrap(&message, if zlib { Compression::Zlib } else { Compression::Bz2 }).unwrap();
        prop_assert_eq!(decode(&encode(&outer, &keys).unwrap(), &keys).unwrap(), message);
    }

    #[test]
    fn any_bytes_are_survived(bytes in vec(any::<u8>(), 0..400), start in 0..3usize) {
        let start: &[u8] = [b"".as_slice(), b">>>\n", b"###\n"][start];
        let bytes = [start, &bytes].concat();
        fuzz_decode(&bytes);
        fuzz_parse(&bytes);
    }

    #[test]
    fn likely_bytes_are_survived(parts in vec(prop::sample::select(vec![
        ">>>\n", "<<<\n", "###\n", "%%%\n", "(1)", "(2)x=>>>", "(3)l=1:a,", "a=b\n", "\x14", "auth=2 ", "0", "7:(0)a=b,", "16:(2)x=###\n%%%\n,", "9999999999999999999999:", "5:", ",", "\0", "\n", "4:2 ab,",
    ]), 0..30)) {
        let bytes = parts.concat().into_bytes();
        fuzz_decode(&bytes);
        fuzz_parse(&bytes);
    }

    #[test]
    fn changed_messages_are_survived(message in message(true), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = encode_local_netstring(&message).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        fuzz_parse(&bytes);
        let keys = Keys::new(2, [(2, Key::new(Method::Crc, []))]).unwrap();
        prop_assert!(decode(&bytes, &keys).is_err());
    }
}

fn nested(depth: usize) -> Message {
    (0..depth).fold(Message::of("x"), |inner, _| {
        let mut outer = Message::new();
        outer.push("n", Value::Struct(inner));
        outer
    })
}

fn refusal(bytes: &[u8]) -> FormatError {
    match parse(bytes) {
        Err(WireError::Format { error, .. }) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn nesting_has_an_end() {
    let keys = keys();
    let deepest = nested(limits::MAX_DEPTH);
    assert_eq!(decode(&encode(&deepest, &keys).unwrap(), &keys), Ok(deepest.clone()));
    assert_eq!(parse(&encode_local(&deepest).unwrap()), Ok(deepest));
    let deeper = nested(limits::MAX_DEPTH + 1);
    assert_eq!(encode(&deeper, &keys), Err(EncodeError::TooDeep));
    assert_eq!(encode_local(&deeper), Err(EncodeError::TooDeep));
    let mut bytes = b"###\n%%%\n".to_vec();
    for _ in 0..40 {
        bytes = [b"###\n", format!("{}:(2)n=", bytes.len() + 5).as_bytes(), &bytes, b",%%%\n"].concat();
    }
    assert_eq!(refusal(&bytes), FormatError::TooDeep);
}

#[test]
fn size_has_an_end() {
    let keys = keys();
    let huge = Message::of("x").with("a", &"y".repeat(limits::MAX_WIRE));
    assert!(matches!(encode(&huge, &keys), Err(EncodeError::TooBig(size)) if size > limits::MAX_WIRE));
    assert!(matches!(encode_local(&huge), Err(EncodeError::TooBig(_))));
    let packed = encode(&wrap(&huge, Compression::Zlib).unwrap(), &keys).unwrap();
    assert!(packed.len() < 5000);
    assert_eq!(decode(&packed, &keys), Ok(huge));
    assert_eq!(refusal(&[b">>>\n".as_slice(), &vec![b'a'; limits::MAX_WIRE]].concat()), FormatError::TooBig);
    let big = Message::of("x").with("a", &"y".repeat(limits::MAX_INFLATED));
    assert!(matches!(wrap(&big, Compression::Bz2), Err(EncodeError::TooBig(_))));
}

#[test]
fn bombs_do_not_go_off() {
    let keys = keys();
    for (how, bomb) in [("zlib", zlib(&vec![0; 16 << 20])), ("bz2", bz2(&vec![0; 16 << 20]))] {
        let mut message = Message::new();
        message.push("_compressed_payload", Value::Binary(bomb));
        let bytes = encode(&message.with("_compression_algorithm", how), &keys).unwrap();
        assert!(
            matches!(decode(&bytes, &keys), Err(WireError::Format { error: FormatError::TooBig, .. })),
            "{how}"
        );
    }
    let twice = wrap(&wrap(&Message::of("x"), Compression::Zlib).unwrap(), Compression::Bz2).unwrap();
    let refused = decode(&encode(&twice, &keys).unwrap(), &keys);
    assert!(matches!(refused, Err(WireError::Format { error: FormatError::NestedCompression, .. })));
    let mut odd = Message::new();
    odd.push("_compressed_payload", Value::Binary(b"junk".to_vec()));
    for (how, error) in [("zlib", FormatError::BadCompression), ("rar", FormatError::UnknownCompression)] {
        let bytes = encode_local_netstring(&odd.clone().with("_compression_algorithm", how)).unwrap();
        assert_eq!(refusal(&bytes), error);
    }
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    std::io::copy(&mut flate2::read::ZlibEncoder::new(plain, flate2::Compression::best()), &mut out).unwrap();
    out
}

fn bz2(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    std::io::copy(&mut bzip2::read::BzEncoder::new(plain, bzip2::Compression::best()), &mut out).unwrap();
    out
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let keys = keys();
    let bad = |name: &str, value: Value| {
        let mut message = Message::of("x");
        message.push(name, value);
        (encode(&message, &keys), encode_local(&message))
    };
    let text = || Value::Text(b"y".to_vec());
    for name in ["", "a=b", "a\nb", "a\0", "(1)a", "a\x14"] {
        assert!(
            matches!(bad(name, text()), (Err(EncodeError::BadName(_)), Err(EncodeError::BadName(_)))),
            "{name:?}"
        );
    }
    assert!(matches!(
        bad("a", Value::Text(b"\0".to_vec())),
        (Err(EncodeError::NulInText(_)), Err(EncodeError::NulInText(_)))
    ));
    let long = Value::List(vec![vec![b'x'; 100]; 11]);
    assert!(matches!(bad("a", long), (Err(EncodeError::BadList(_)), Err(EncodeError::BadList(_)))));
    let empty = Value::List(vec![b"x".to_vec(), vec![]]);
    assert!(matches!(bad("a", empty), (Err(EncodeError::BadList(_)), Err(EncodeError::BadList(_)))));
    assert_eq!(refusal(b">>>\n(3)l=1:x,0:,\n<<<\n"), FormatError::BadList);
    assert!(matches!(bad("a", Value::Compressed(vec![])), (Ok(_), Err(EncodeError::NotClassic(_)))));
}

#[test]
fn a_forged_field_stays_inside_its_text() {
    let keys = keys();
    let message = Message::of("x").with("a", "b\nst=dead\n<<<\n>>>\n").with("c", ",%%%\n5:(0)x");
    for bytes in [encode(&message, &keys).unwrap(), encode_local(&message).unwrap()] {
        assert_eq!(parse(&bytes), Ok(message.clone()));
    }
}
