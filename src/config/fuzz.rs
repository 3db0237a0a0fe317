//! What a fuzzer drives: any text of one file beside sound ones. No panic; each diagnostic can be shown and
//! points into its file; a key is never shown; what is refused has a reason.

use super::{FakeHost, Source, Sources, check};

const HA_CF: &[u8] = b"logfacility local0\nbcast eth0\nauto_failback on\nnode b1 b2\n";
const AUTHKEYS: &[u8] = b"auth 1\n1 sha1 TopSecret\n";
const HARESOURCES: &[u8] = b"b1 10.0.0.5\n";

/// Any `ha.cf`.
pub fn fuzz_ha_cf(bytes: &[u8]) {
    examine(bytes, AUTHKEYS, HARESOURCES);
}

/// Any `authkeys`.
pub fn fuzz_authkeys(bytes: &[u8]) {
    examine(HA_CF, bytes, HARESOURCES);
}

/// Any `haresources`.
pub fn fuzz_haresources(bytes: &[u8]) {
    examine(HA_CF, AUTHKEYS, bytes);
}

/// A key that is in the one file where keys are.
const SECRET: &str = "TopSecret";

fn examine(ha_cf: &[u8], authkeys: &[u8], haresources: &[u8]) {
    let source = |label: &str, bytes: &[u8]| Ok(Source::new(label, bytes.to_vec(), 0o600));
    let sources = Sources {
        ha_cf: source("ha.cf", ha_cf),
        authkeys: source("authkeys", authkeys),
        haresources: source("haresources", haresources),
        debug: 0,
    };
    let checked = check(&sources, &FakeHost::usual());
    for found in &checked.diagnostics {
        let shown = found.to_string();
        let place = format!("{}:{}:{}: ", found.file, found.line, found.column);
        assert!(shown.starts_with(&place), "{shown}");
        assert!(found.file != "authkeys" || !shown.contains(SECRET), "{shown}");
    }
    let lines = checked.reference_lines();
    let elsewhere = [ha_cf, haresources].iter().any(|text| contains(text, SECRET.as_bytes()));
    assert!(elsewhere || lines.iter().all(|(_, text)| !text.contains(SECRET)), "{lines:?}");
    let errors = checked.diagnostics.iter().any(super::Diagnostic::is_error);
    assert_eq!(errors, checked.is_refused());
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part == word)
}
