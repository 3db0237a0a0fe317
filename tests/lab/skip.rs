//! What cannot be tested here.

use std::fmt::Display;
use std::io::Write;

/// Says why a test, or a part of one, is left out. In CI none is: there it fails.
pub(crate) fn cannot(reason: impl Display) {
    assert!(!in_ci(), "this cannot be tested here, and in CI nothing is left out: {reason}");
    say(reason);
}

/// Says why, in CI too: for what need not be there.
pub(crate) fn say(reason: impl Display) {
    // not by a macro: those are heard only of tests that fail
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}

/// As `scripts/test` sees it.
pub(crate) fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}
