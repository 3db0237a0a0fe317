//! Whatever the bytes: no panic, every diagnostic can be shown and points into its file, no key shown.

use proptest::prelude::*;

use super::*;
use crate::config::haresources;

/// Text made of pieces that mean something, so that more than the first error is reached.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&[u8]; 34] = [
        b"\n",
        b"\n",
        b" ",
        b"\t",
        b",",
        b"#",
        b"\\\n",
        b"\\",
        b"\r\n",
        b"\0",
        b"\xff",
        b"::",
        b"/",
        b"keepalive ",
        b"deadtime ",
        b"node ",
        b"bcast ",
        b"ucast ",
        b"mcast ",
        b"ping_group ",
        b"respawn ",
        b"apiauth x ",
        b"uid=",
        b"stonith_host ",
        b"eth0",
        b"10.1.1.1",
        b"b1",
        b"root",
        b"1",
        b"500ms",
        b"auth ",
        b"sha1 ",
        b"/bin/true",
        b"300.1.2.3/33",
    ];
    let piece = proptest::sample::select(PIECES.to_vec());
    proptest::collection::vec(piece, 0..60).prop_map(|all| all.concat())
}

fn sane(sources: &Sources) {
    let checked = check(sources, &FakeHost::usual());
    for found in &checked.diagnostics {
        let shown = found.to_string();
        assert!(shown.starts_with(&format!("{}:{}:{}: ", found.file, found.line, found.column)));
        assert!(!shown.contains("TopSecret"), "{shown}");
    }
    let refused = checked
        .diagnostics
        .iter()
        .any(crate::config::Diagnostic::is_error);
    assert_eq!(refused, checked.is_refused());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        a in proptest::collection::vec(any::<u8>(), 0..400),
        b in proptest::collection::vec(any::<u8>(), 0..400),
        c in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let source = |label: &str, bytes: Vec<u8>| Ok(Source::new(label, bytes, 0o600));
        sane(&Sources {
            ha_cf: source("ha.cf", a),
            authkeys: source("authkeys", b),
            haresources: source("haresources", c),
            debug: 0,
        });
    }

    #[test]
    fn arbitrary_pieces_never_panic(a in pieces(), b in pieces(), c in pieces()) {
        let source = |label: &str, bytes: Vec<u8>| Ok(Source::new(label, bytes, 0o600));
        sane(&Sources {
            ha_cf: source("ha.cf", a),
            authkeys: source("authkeys", b),
            haresources: source("haresources", c),
            debug: 0,
        });
    }

    #[test]
    fn a_key_is_never_shown(before in "[ -~]{0,12}", after in "[ -~]{0,12}") {
        let text = format!("auth 1\n{before} TopSecret {after}\n");
        sane(&with("authkeys", text.as_bytes()));
        let text = format!("{before}\n{after} TopSecret\nauth TopSecret\n");
        sane(&with("authkeys", text.as_bytes()));
    }

    #[test]
    fn groups_are_never_empty(bytes in pieces()) {
        let (groups, _) = haresources::parse(&bytes);
        prop_assert!(groups.iter().all(|group| !group.words.is_empty() && !group.node.is_empty()));
    }
}
