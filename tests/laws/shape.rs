//! Where `unsafe` may stand, how thin a face is, how long a file may grow.

use crate::tokens::{shipped, test_modules};
use crate::tree::{File, rust_below};

const FACE_LINES: usize = 60;
const FILE_LINES: usize = 500;

/// `unsafe` outside `src/sys`, tests included.
fn unsafe_breaches(path: &str, source: &str) -> Vec<String> {
    if path.starts_with("src/sys/") {
        return Vec::new();
    }
    let words = shipped(source).into_iter().filter(|t| ["unsafe", "unsafe_code"].contains(&&*t.text));
    words.map(|t| format!("{path}:{}: {}", t.line, t.text)).collect()
}

/// Lines up to the test module at the end of a file.
fn shipped_lines(source: &str) -> usize {
    let tests = source.lines().position(|l| l.trim() == "#[cfg(test)]");
    let inline = test_modules(source).is_empty();
    tests.filter(|_| inline).unwrap_or_else(|| source.lines().count())
}

fn length_breach(path: &str, source: &str) -> Option<String> {
    let limit = if path.starts_with("src/bin/") { FACE_LINES } else { FILE_LINES };
    let lines = shipped_lines(source);
    (lines >= limit).then(|| format!("{path}: {lines} lines, fewer than {limit} wanted"))
}

#[test]
fn unsafe_lives_in_sys() {
    let files: Vec<File> = ["src", "tests", "benches"].into_iter().flat_map(rust_below).collect();
    let found: Vec<String> = files.iter().flat_map(|f| unsafe_breaches(&f.path, &f.text)).collect();
    crate::hold("unsafe outside src/sys", &found);
}

#[test]
fn faces_are_thin_and_files_short() {
    let found: Vec<String> =
        rust_below("src").iter().filter_map(|f| length_breach(&f.path, &f.text)).collect();
    crate::hold("too long", &found);
}

#[test]
fn these_laws_can_fail() {
    assert_eq!(unsafe_breaches("src/wire/x.rs", "fn f() { unsafe { g() } } // unsafe").len(), 1);
    assert_eq!(unsafe_breaches("src/wire/x.rs", "#![expect(unsafe_code)]").len(), 1);
    assert!(unsafe_breaches("src/sys/x.rs", "unsafe fn f() {}").is_empty());
    assert!(length_breach("src/bin/x.rs", &"\n".repeat(60)).is_some());
    assert!(length_breach("src/bin/x.rs", &"\n".repeat(59)).is_none());
    assert!(length_breach("src/wire/x.rs", &"\n".repeat(500)).is_some());
    assert!(
        length_breach("src/wire/x.rs", &format!("#[cfg(test)]\nmod tests {{{}}}", "\n".repeat(500)))
            .is_none()
    );
}
