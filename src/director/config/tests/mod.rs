//! Whole configurations: what is accepted and what it means, what is refused and where.

mod broken;
mod examples;
mod expressions;
mod meaning;
mod properties;
mod reference;

use super::*;

/// The machine on which `tests/vectors/ldirectord` was recorded.
fn machine() -> FakeMachine {
    FakeMachine::with_hosts(&[
        ("vip", &["10.9.9.9"]),
        ("sql01", &["10.9.9.10"]),
        ("sql03", &["10.9.9.12"]),
        ("vip6", &["2001:db8::9"]),
        ("web.1", &["10.9.9.13", "2001:db8::13"]),
    ])
}

fn checked(text: &str) -> Checked {
    read(&Source::new("ldirectord.cf", text.as_bytes(), 0o600), &machine())
}

/// The configuration of a text that is accepted.
fn config(text: &str) -> Config {
    let checked = checked(text);
    checked.config.clone().unwrap_or_else(|| panic!("refused: {text}\n{:#?}", checked.diagnostics))
}

/// A virtual service with these lines.
fn service(lines: &str) -> Virtual {
    let text = format!("virtual=10.0.0.1:80\n{lines}");
    config(&text).virtuals.remove(0)
}
