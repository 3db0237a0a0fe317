//! What real heartbeats sent: decoded, verified, and sent again byte for byte.

#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

use std::path::PathBuf;

use heartbeat::wire::{
    AuthFailure, ErrorClass, Format, Key, Keys, Message, Method, Value, WireError, decode, encode,
    encode_serial, parse, seal,
};

fn keys() -> [(u8, Key); 1] {
    [(1, Key::new(Method::Sha1, *b"secretkey"))]
}

fn method_of(name: &str) -> Method {
    let name = name.trim_start_matches("v213_");
    let named = [Method::Sha1, Method::Md5].into_iter().find(|method| name.starts_with(method.name()));
    named.unwrap_or(Method::Crc)
}

fn keys_of(name: &str) -> Keys {
    match method_of(name) {
        Method::Sha1 => Keys::new(1, keys()).unwrap(),
        Method::Md5 => Keys::new(1, [(1, Key::new(Method::Md5, *b"md5secret"))]).unwrap(),
        Method::Crc => Keys::new(2, [(2, Key::new(Method::Crc, []))]).unwrap(),
    }
}

fn vectors() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "bin"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap()))
        .collect();
    found.sort();
    assert_eq!(found.len(), 117, "vectors are missing");
    found
}

fn vector(name: &str) -> Vec<u8> {
    vectors().into_iter().find(|(n, _)| n == name).unwrap().1
}

/// The message as it was before its inner signature was added.
fn unsealed(message: &Message) -> Message {
    let mut message = message.clone();
    message.remove("auth");
    message
}

#[test]
fn every_vector_decodes_and_encodes_to_the_same_bytes() {
    for (name, bytes) in vectors() {
        let keys = keys_of(&name);
        let message = decode(&bytes, &keys).unwrap_or_else(|e| panic!("{name}: {e}"));
        let again = match bytes.as_slice() {
            [b'#', ..] => encode(&message, &keys).unwrap(),
            [.., 0] => [encode_serial(&message, &keys).unwrap(), vec![0]].concat(),
            _ => encode_serial(&message, &keys).unwrap(),
        };
        assert_eq!(again, bytes, "{name}");
    }
}

#[test]
fn sealing_anew_gives_the_same_inner_signature() {
    for (name, bytes) in vectors() {
        let keys = keys_of(&name);
        let message = decode(&bytes, &keys).unwrap();
        let format = if message.value("auth").is_some() { Format::Classic } else { Format::Netstring };
        assert_eq!(name.contains("sha1ns_"), format == Format::Netstring, "{name}");
        let mut again = unsealed(&message);
        seal(&mut again, format, &keys);
        assert_eq!(again, message, "{name}");
        seal(&mut again, format, &keys);
        assert_eq!(again, message, "{name}: sealed twice");
    }
}

#[test]
fn a_serial_line_adds_the_signature_that_netstring_left_out() {
    let keys = keys_of("sha1");
    let message = decode(&vector("sha1ns_status-up"), &keys).unwrap();
    let serial = encode_serial(&message, &keys).unwrap();
    assert_eq!(unsealed(&decode(&serial, &keys).unwrap()), message);
}

#[test]
fn the_worked_example_of_the_specification() {
    let message = decode(&vector("sha1_status-up"), &keys_of("sha1")).unwrap();
    let names: Vec<_> =
        message.fields().iter().map(|f| String::from_utf8_lossy(&f.name).into_owned()).collect();
    assert_eq!(
        names,
        ["t", "st", "dt", "protocol", "src", "srcuuid", "seq", "hg", "ts", "ld", "ttl", "auth"]
    );
    assert_eq!(message.text("auth"), Some("1 a96e18acc1d51f363f4aa3aed4cd909747b72d52"));
    assert_eq!(message.binary("srcuuid").map(<[u8]>::len), Some(16));
    assert_eq!(message.hex("dt"), Some(5000));
    let crc = vector("crc_status-up");
    assert!(crc.ends_with(b"18:(0)auth=2 dfd9a171,%%%\n10:2 9272e184,"));
}

#[test]
fn another_key_is_refused() {
    for (name, bytes) in vectors().into_iter().filter(|(name, _)| !name.contains("crc")) {
        let method = method_of(&name);
        let wrong = Keys::new(1, [(1, Key::new(method, *b"secretkez"))]).unwrap();
        let error = decode(&bytes, &wrong).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Auth, "{name}");
        let elsewhere = Keys::new(3, [(3, Key::new(method, *b"secretkey"))]).unwrap();
        assert!(
            matches!(
                decode(&bytes, &elsewhere),
                Err(WireError::Auth { failure: AuthFailure::UnknownKey(1), .. })
            ),
            "{name}"
        );
    }
}

#[test]
fn the_key_of_the_packets_own_index_counts() {
    let keys =
        Keys::new(5, [(1, Key::new(Method::Sha1, *b"secretkey")), (5, Key::new(Method::Md5, *b"other"))])
            .unwrap();
    for name in ["sha1_status-up", "sha1ns_repnodes", "v213_sha1_status-up", "sha1_serial_starting"] {
        assert!(decode(&vector(name), &keys).is_ok(), "{name}");
    }
}

#[test]
fn any_changed_byte_is_refused() {
    let names = [
        "sha1_status-up",
        "md5_repnodes",
        "crc_starting",
        "sha1ns_reqnodes",
        "v213_sha1_status-up",
        "sha1_serial_NS_ackmsg",
    ];
    for name in names {
        let (good, keys) = (vector(name), keys_of(name));
        // The line end of the last marker, and the NUL after it, say nothing.
        let signed = good.windows(4).position(|w| w == b"<<<\n").map_or(good.len(), |end| end + 3);
        for at in 0..signed {
            for flip in [0x01, 0x20, 0x80, good[at], good[at] ^ b'\n'].into_iter().filter(|f| *f != 0) {
                let mut bad = good.clone();
                bad[at] ^= flip;
                assert!(decode(&bad, &keys).is_err(), "{name}: byte {at} changed to {:#x}", bad[at]);
            }
        }
    }
}

#[test]
fn anything_cut_short_is_refused() {
    for (name, bytes) in vectors() {
        let keys = keys_of(&name);
        let needed =
            bytes.len() - if bytes.ends_with(b"<<<\n") { 1 } else { 2 * usize::from(bytes.ends_with(b"\0")) };
        for length in 0..needed {
            assert!(decode(&bytes[..length], &keys).is_err(), "{name}: {length} bytes");
        }
    }
}

#[test]
fn a_trailing_nul_and_blank_lines_are_harmless() {
    for (name, bytes) in vectors() {
        let nul = [bytes.as_slice(), b"\0"].concat();
        assert!(decode(&nul, &keys_of(&name)).is_ok(), "{name}");
    }
    let text = String::from_utf8(vector("sha1_serial_starting")).unwrap();
    let blank = text.replace("\nsrc=", "\n\n\n\nsrc=");
    assert_ne!(text, blank);
    assert!(decode(blank.as_bytes(), &keys_of("sha1")).is_ok());
}

#[test]
fn fields_keep_their_order_and_their_doubles() {
    let keys = keys_of("sha1");
    let mut message = Message::of("x").with("a", "1").with("b", "2").with("a", "3");
    seal(&mut message, Format::Classic, &keys);
    for bytes in [encode(&message, &keys).unwrap(), encode_serial(&message, &keys).unwrap()] {
        let again = decode(&bytes, &keys).unwrap();
        assert_eq!(again, message);
        assert_eq!(again.text("a"), Some("1"));
    }
    let swapped = vector("sha1_serial_starting");
    let text = String::from_utf8(swapped).unwrap();
    let mut lines: Vec<_> = text.lines().collect();
    lines.swap(1, 2);
    let swapped = lines.join("\n") + "\n";
    assert!(decode(swapped.as_bytes(), &keys).is_err(), "order is signed");
}

#[test]
fn a_wrong_inner_signature_does_not_matter_below_a_good_trailer() {
    let keys = keys_of("sha1");
    let message = Message::of("status").with("src", "a").with("auth", "1 0000");
    assert_eq!(decode(&encode(&message, &keys).unwrap(), &keys), Ok(message.clone()));
    let serial = encode_serial(&message, &keys).unwrap();
    assert!(matches!(decode(&serial, &keys), Err(WireError::Auth { failure: AuthFailure::Mismatch(1), .. })));
}

#[test]
fn long_and_odd_keys() {
    for secret in
        [vec![b'k'; 63], vec![b'k'; 64], vec![b'k'; 65], vec![b'k'; 200], b"\xff\x80 \"$#=,".to_vec()]
    {
        for method in [Method::Sha1, Method::Md5] {
            let keys = Keys::new(0, [(0, Key::new(method, secret.clone()))]).unwrap();
            let other = Keys::new(0, [(0, Key::new(method, [secret.as_slice(), b"x"].concat()))]).unwrap();
            let bytes = encode(&Message::of("x"), &keys).unwrap();
            assert!(decode(&bytes, &keys).is_ok());
            assert!(decode(&bytes, &other).is_err());
        }
    }
}

/// RFC 2104 with a short key and with one longer than the block, over one message.
#[test]
fn known_answers() {
    let cases: [(Method, &[u8], &str); 4] = [
        (Method::Sha1, b"Jefe", "2"),
        (Method::Md5, b"Jefe", "2"),
        (Method::Sha1, &[0xaa; 80], "6"),
        (Method::Crc, b"", "crc"),
    ];
    // Worked out with the hmac module of Python, and cksum's polynomial by hand, over `t=...` and a line end.
    let wanted = include_str!("vectors/known_answers.txt");
    for (method, secret, case) in cases {
        let keys = Keys::new(0, [(0, Key::new(method, secret))]).unwrap();
        let mut message = Message::of("what do ya want for nothing?");
        seal(&mut message, Format::Classic, &keys);
        let line = format!("{} {case} {}", method.name(), message.text("auth").unwrap());
        assert!(wanted.lines().any(|w| w == line), "{line}");
    }
}

#[test]
fn a_checksum_has_no_leading_zeros() {
    let keys = keys_of("crc");
    let short = (0..200).find_map(|n| {
        let message = Message::of("x").with("n", &n.to_string());
        let bytes = encode(&message, &keys).unwrap();
        assert_eq!(decode(&bytes, &keys), Ok(message));
        bytes.ends_with(b",").then_some(bytes).filter(|b| !b.windows(4).any(|w| w == b"\n10:"))
    });
    let short = short.expect("one in sixteen checksums is shorter than eight digits");
    let text = String::from_utf8(short).unwrap();
    let padded = text.replace("\n9:2 ", "\n10:2 0");
    assert_ne!(text, padded);
    assert!(decode(padded.as_bytes(), &keys).is_err(), "a padded one is another text");
}

#[test]
fn the_log_says_what_the_reference_says() {
    let keys = keys_of("sha1");
    let lines = |bytes: &[u8]| -> Vec<String> {
        let error = decode(bytes, &keys).unwrap_err();
        error.log_lines().into_iter().map(|(level, text)| format!("{}: {text}", level.word())).collect()
    };
    assert!(lines(b"").is_empty());
    assert!(lines(b"GET / HTTP/1.0").is_empty());
    assert_eq!(
        lines(b">>>\nt=x\nsrc=n1\n<<<\n"),
        [
            "WARN: Bad/invalid auth token, authtoken=(nil)",
            "WARN: string2msg_ll: node [n1] failed authentication"
        ]
    );
    assert_eq!(
        lines(b">>>\nt=x\nsrc=n1\nauth=99 abc\n<<<\n"),
        [
            "WARN: Invalid authentication type [99] in message!",
            "WARN: string2msg_ll: node [n1] failed authentication"
        ]
    );
    assert_eq!(
        lines(b">>>\nt=x\nsrc=n1\nauth=1 abc\n<<<\n"),
        ["WARN: string2msg_ll: node [n1] failed authentication"]
    );
    assert_eq!(lines(b">>>\nnonsense\n<<<\n")[0], "WARN: ha_msg_add_nv_depth: line doesn't contain '='");
    assert_eq!(
        lines(b"###\n9:(0)t=")[0],
        "ERROR: netstring2msg_rec:peel_netstring fails for name/value pair"
    );
    assert_eq!(lines(b"###\n%%%\n")[0], "ERROR: peel_netstring: Couldn't parse an int starting at: ");
    assert_eq!(lines(b"###\n%%%\n4:7 ab,")[0], "WARN: Invalid authentication [7] in message!");
    let forged = lines(b"###\n%%%\n4:1 ab,");
    assert_eq!(forged[0], "ERROR: authtoken does not match, authtoken=ab");
    assert!(!forged.concat().contains("\n"));
}

#[test]
fn secrets_are_not_printed() {
    let shown = format!("{:?}", keys_of("sha1"));
    assert!(shown.contains("redacted") && !shown.contains("secretkey"), "{shown}");
}

#[test]
fn what_scripts_write_is_read_unsigned() {
    let message = parse(b">>>\nt=resource\nrsc_hold=foreign\ninfo=\n<<<\n").unwrap();
    assert_eq!(message, Message::of("resource").with("rsc_hold", "foreign").with("info", ""));
    assert!(parse(b">>>\n(0)t=x\n<<<\n").is_err());
    assert!(parse(b">>>\n(1)t=abc\n<<<\n").is_err(), "base64 comes in fours");
    let text = parse(b">>>\nt=a\x13b\n<<<\n").unwrap();
    assert_eq!(text.value("t"), Some(&Value::Text(b"a\nb".to_vec())));
}

/// The fuzz targets, replayed over damaged copies of every vector; deterministic.
#[test]
fn damaged_vectors_are_survived() {
    let mut random: u64 = 1;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    for (_, bytes) in vectors() {
        for _ in 0..100 {
            let mut bad = bytes.clone();
            for _ in 0..=next(3) {
                let (at, length) = (next(bad.len()), next(6));
                match next(4) {
                    0 => bad[at] = b"\n=,:(0)\0\x13\x14"[next(10)],
                    1 => drop(bad.drain(at..(at + length).min(bad.len()))),
                    2 => bad.insert(at, next(256) as u8),
                    _ => bad.extend_from_within(at..(at + length).min(bad.len())),
                }
            }
            heartbeat::wire::fuzz::fuzz_decode(&bad);
            heartbeat::wire::fuzz::fuzz_parse(&bad);
        }
    }
}
