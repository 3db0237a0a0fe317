//! Perl's expressions mean here what they mean there. Each line was also given to perl 5.36, with the same answer
//! (`tests/vectors/ldirectord/expressions.txt`).

use super::Pattern;

const RECORD: &str = include_str!("../../../../tests/vectors/ldirectord/expressions.txt");

/// `\n` and `\xE9` of the record as bytes.
fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after) {
            (b'%', [a, b, after @ ..]) => {
                let hex = std::str::from_utf8(&[*a, *b]).unwrap().to_owned();
                out.push(u8::from_str_radix(&hex, 16).unwrap());
                after
            }
            _ => {
                out.push(*first);
                after
            }
        };
    }
    out
}

#[test]
fn expressions_match_as_in_perl() {
    let mut seen = 0;
    for line in RECORD.lines().filter(|line| !line.starts_with("# ")) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [verdict, expression, answer] = fields.as_slice() else { panic!("{line}") };
        let pattern = Pattern::compile(&bytes(expression)).unwrap_or_else(|bad| panic!("{line}: {bad:?}"));
        assert_eq!(pattern.is_in(&bytes(answer)), *verdict == "yes", "{line}");
        seen += 1;
    }
    assert!(seen > 2000, "{seen}");
}

#[test]
fn an_expression_that_never_ends_is_no_match() {
    let pattern = Pattern::compile(br"^(?:(a+)+)\1b$").unwrap();
    assert!(!pattern.is_in(&[b'a'; 3000]));
}
