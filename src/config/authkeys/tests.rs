//! Expectations from configuration.md section 2.

use super::*;
use crate::config::source::Source;

const KEY: &str = "TopSecret#Key";

fn read(text: &str) -> Result<AuthKeys, Vec<(usize, usize)>> {
    let (keys, report) = parse(&Source::new("authkeys", text, 0o600));
    for found in &report.diagnostics {
        assert!(!found.render().contains("TopSecret"), "{found}");
        assert!(!format!("{found:?}").contains("TopSecret"), "{found}");
    }
    assert!(!format!("{:?}", report.reference).contains("TopSecret"));
    assert!(!format!("{keys:?}").contains("TopSecret"));
    let errors = report.diagnostics.iter().filter(|d| d.is_error());
    let places: Vec<_> = errors.map(|d| (d.line, d.column)).collect();
    if places.is_empty() {
        Ok(keys)
    } else {
        Err(places)
    }
}

fn signs(text: &str) -> Option<(u8, Method, Vec<u8>)> {
    let keys = read(text).ok()?;
    let key = keys.signing_key()?;
    Some((keys.signing, key.method, key.secret.to_vec()))
}

#[test]
fn keys_are_the_third_word_whatever_it_contains() {
    let wanted = Some((1, Method::Sha1, KEY.as_bytes().to_vec()));
    assert_eq!(signs(&format!("auth 1\n1 sha1 {KEY}\n")), wanted);
    assert_eq!(
        signs(&format!("# c\n\n  auth 1 x\r\n1 sha1 {KEY} more words\r\n")),
        wanted
    );
    assert_eq!(signs(&format!("auth1\n1sha1 {KEY}")), wanted);
    assert!(signs("auth 1#use key 1\n1 sha1 k\n").is_some());
    assert_eq!(signs("auth 2\n2 crc\n"), Some((2, Method::Crc, vec![])));
}

#[test]
fn the_later_of_two_keys_with_one_number_counts() {
    assert_eq!(
        signs("auth 1\n1 sha1 a\n1 md5 b\n"),
        Some((1, Method::Md5, b"b".to_vec()))
    );
}

#[test]
fn the_last_auth_line_before_a_key_counts() {
    assert_eq!(
        signs("auth 1\n1 sha1 a\nauth 2\n3 md5 b\n").map(|s| s.0),
        Some(1)
    );
    assert_eq!(
        signs("auth 1\nauth 2\n1 sha1 a\n2 sha1 b\n").map(|s| s.0),
        Some(2)
    );
    assert_eq!(read("1 sha1 a\nauth 1\n"), Err(vec![(2, 6)]));
}

#[test]
fn wrong_lines_are_refused_where_they_stand_and_never_shown() {
    for (text, place) in [
        ("", (1, 1)),
        ("1 sha1 TopSecret\n", (1, 1)),
        ("auth 1\n2 sha1 TopSecret\n", (1, 6)),
        ("auth 1\n1 TopSecret\n", (2, 3)),
        ("auth 1\n1 sha1TopSecret\n", (2, 3)),
        ("auth 1\n1 sha256 TopSecret\n", (2, 3)),
        ("auth 1\n1 SHA1 TopSecret\n", (2, 3)),
        ("auth 1\n1 crc TopSecret\n", (2, 7)),
        ("auth 1\n1 sha1\n", (2, 3)),
        ("auth 1\n1 sha1 k\n16 sha1 TopSecret\n", (3, 1)),
        ("auth 1\n1 sha1 k\n-1 sha1 TopSecret\n", (3, 1)),
        ("auth 1\n1 sha1 k\nTopSecret\n", (3, 1)),
        ("auth 1\n1 sha1 k\naTopSecret\n", (3, 1)),
        ("auth 1\n1 sha1 k\n2\n", (3, 1)),
        ("auth 16\n1 sha1 TopSecret\n", (1, 6)),
        ("auth 1\n1 sha1 TopSecret\0\n", (2, 17)),
    ] {
        assert_eq!(
            read(text).err().and_then(|e| e.first().copied()),
            Some(place),
            "{text:?}"
        );
    }
}

#[test]
fn only_the_two_read_bits_refuse() {
    let refused = |mode| {
        let source = Source::new("authkeys", "auth 1\n1 sha1 k\n", mode);
        parse(&source).1.has_errors()
    };
    for mode in [0o600, 0o400, 0o700, 0o620, 0o100600] {
        assert!(!refused(mode), "{mode:o}");
    }
    for mode in [0o640, 0o604, 0o644, 0o100644] {
        assert!(refused(mode), "{mode:o}");
    }
}

#[test]
fn the_lines_of_3_0_6_are_given() {
    let said = |text: &str| {
        let (_, report) = parse(&Source::new("authkeys", text, 0o600));
        report
            .reference
            .into_iter()
            .map(|(_, text)| text)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        said("1 crc\n"),
        ["Missing auth directive in keyfile [/etc/ha.d//authkeys]"]
    );
    assert_eq!(
        said("auth 1\n1 sha1\n"),
        [
            "Auth method [sha1] requires a key",
            "Auth Key [1] not found in keyfile [/etc/ha.d//authkeys]"
        ]
    );
    assert_eq!(
        said("auth 1\n1 crc\n99 crc\n"),
        ["Invalid authnum [99] in /etc/ha.d//authkeys"]
    );
}
