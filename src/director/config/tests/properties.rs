//! Whatever the bytes: no panic, every diagnostic can be shown and points into its file.

use proptest::prelude::*;

use super::*;

/// Text made of pieces that mean something, so that more than the first error is reached.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&[u8]; 40] = [
        b"\n",
        b"\n\t",
        b"\n\t",
        b"\n\t",
        b" ",
        b"\t",
        b"=",
        b"\"",
        b"#",
        b"\r\n",
        b"\0",
        b"\xff",
        b"virtual=",
        b"\nvirtual=10.0.0.1:80\n\t",
        b"\nvirtual6=[2001:db8::5]:80\n\t",
        b"real=",
        b"real6=",
        b"fallback=",
        b"10.0.0.2",
        b"->",
        b"[::1]",
        b":80",
        b":http",
        b" gate",
        b" masq 5",
        b" l:5",
        b"request=\"",
        b"receive=\"",
        b"(?",
        b"[",
        b"\\x{",
        b"a{,3}",
        b")",
        b"checktype=",
        b"service=http",
        b"7",
        b"99999999999",
        b"yes",
        b"emailalertstatus=",
        b"passwd=\"",
    ];
    let piece = proptest::sample::select(PIECES.to_vec());
    proptest::collection::vec(piece, 0..60).prop_map(|all| all.concat())
}

fn sane(bytes: Vec<u8>) {
    let lines = bytes.split(|b| *b == b'\n').count();
    let checked = read(&Source::new("x.cf", bytes, 0o600), &machine());
    for found in &checked.diagnostics {
        assert!(found.to_string().starts_with(&format!("x.cf:{}:{}: ", found.line, found.column)));
        assert!((1..=lines).contains(&found.line));
    }
    assert_eq!(checked.config.is_none(), checked.diagnostics.iter().any(Diagnostic::is_error));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        sane(bytes);
    }

    #[test]
    fn arbitrary_pieces_never_panic(bytes in pieces()) {
        sane(bytes);
    }

    #[test]
    fn arbitrary_expressions_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..30)) {
        if let Err(bad) = Pattern::compile(&bytes) {
            prop_assert!(bad.place.start <= bad.place.end && bad.place.end <= bytes.len(), "{bad:?}");
        }
    }

    #[test]
    fn a_literal_finds_itself(text in "[ -~]{1,20}", before in ".{0,5}") {
        let quoted: String = text.chars().flat_map(|c| (!c.is_ascii_alphanumeric()).then_some('\\').into_iter().chain([c])).collect();
        let pattern = Pattern::compile(quoted.as_bytes()).unwrap();
        let answer = format!("{before}{text}after");
        prop_assert!(pattern.is_in(answer.as_bytes()));
    }
}
