//! From the lines of `authkeys` to keys (configuration.md 2.1, 2.2).

use zeroize::Zeroizing;

use super::mask;
use super::{AuthKeys, Key, Method};
use crate::config::report::Report;
use crate::config::source::{ReadError, Source};
use crate::config::text::{At, Line, is_blank, is_junk, lines};
use crate::config::value::Refusal;
use crate::level::Level;
use crate::paths::AUTHKEYS;

/// Highest key number.
const HIGHEST: u8 = 15;
/// Permission bits that refuse the file: readable by group or others.
const READABLE: u32 = 0o044;
/// Permission bits that only deserve a warning: writable by group or others.
const WRITABLE: u32 = 0o022;

/// What is said when the file cannot be read.
pub(in crate::config) fn unreadable(error: &ReadError) -> Report {
    let mut report = Report::new(&error.label);
    let message = format!("cannot be read: {}", error.reason);
    let refusal = Refusal::new(message, "a file of mode 600 with the keys; see authkeys(5)")
        .says(format!("Cannot open keyfile [{AUTHKEYS}].  Stop."));
    report.refuse_near(None, refusal);
    report
}

/// Reads the keys. They are complete only if the report has no errors.
pub(in crate::config) fn parse(source: &Source) -> (AuthKeys, Report) {
    let mut parser = Parser {
        report: Report::new(&source.label),
        keys: AuthKeys::default(),
        auth: None,
        auth_seen: false,
        out_of_range: false,
        signing: false,
        spoilt: Vec::new(),
        places: Vec::new(),
    };
    parser.check_mode(source.mode);
    let stop = parser.report.reference.len();
    for line in lines(&source.bytes) {
        parser.line(line);
    }
    parser.finish();
    if stop > 0 {
        // 3.0.6 does not open a file with bad permissions.
        parser.report.reference.truncate(stop);
    }
    (parser.keys, parser.report)
}

struct Parser<'a> {
    report: Report,
    keys: AuthKeys,
    /// The number of the last `auth` line, and where it stands.
    auth: Option<(u8, At<'a>)>,
    /// Whether there is an `auth` line at all, right or wrong.
    auth_seen: bool,
    /// Whether the number of an `auth` line was refused.
    out_of_range: bool,
    /// Whether a key has been chosen for signing.
    signing: bool,
    /// Numbers of lines that were refused.
    spoilt: Vec<u8>,
    /// Where each number was defined.
    places: Vec<(u8, usize)>,
}

impl<'a> Parser<'a> {
    fn check_mode(&mut self, mode: u32) {
        let shown = mode & 0o7777;
        if mode & READABLE != 0 {
            let refusal = Refusal::new(
                format!("mode {shown:o}: others can read the keys"),
                "mode 600",
            )
            .says(format!(
                "Bad permissions on keyfile [{AUTHKEYS}], 600 recommended."
            ));
            self.report.refuse_near(None, refusal);
        } else if mode & WRITABLE != 0 {
            let message = format!("mode {shown:o}: others can replace the keys");
            self.report
                .warn_near(None, Refusal::new(message, "mode 600"));
        }
    }

    /// An error that cites the line masked.
    fn refuse(&mut self, at: &At<'_>, refusal: Refusal) {
        let mut found = at.problem("", Level::Error, String::new());
        found.cited = Some(mask::cited(at.line, at.range.clone()));
        self.report.add_masked(found, refusal);
    }

    /// A warning that cites the line masked.
    fn warn(&mut self, at: &At<'_>, refusal: Refusal) {
        let mut found = at.problem("", Level::Warn, String::new());
        found.cited = Some(mask::cited(at.line, at.range.clone()));
        self.report.add_masked(found, refusal);
    }

    fn line(&mut self, line: Line<'a>) {
        if let Some(at) = line.bytes.iter().position(|&b| is_junk(b)) {
            let refusal = Refusal::new("binary data in a text file", "printable text");
            return self.refuse(&line.at(at..at + 1), refusal);
        }
        let words = line.whole().words(is_blank);
        let Some(first) = words.first() else {
            return;
        };
        match first.bytes().first() {
            Some(b'#') => {}
            Some(b'a') => self.auth_line(first, words.get(1)),
            _ => self.key_line(first, words.get(1), words.get(2)),
        }
    }

    /// `auth N`, also written `authN`.
    fn auth_line(&mut self, first: &At<'a>, second: Option<&At<'a>>) {
        self.auth_seen = true;
        let glued = first.line.at(first.range.start + 4..first.range.end);
        let number = match first.bytes().strip_prefix(b"auth") {
            Some(b"") => second,
            Some(_) => Some(&glued),
            None => None,
        };
        let Some(at) = number.and_then(leading_number) else {
            let shown = mask::text(first.line);
            let refusal =
                Refusal::new("not an auth line", format!("auth N, N from 0 to {HIGHEST}"))
                    .says(format!("Invalid auth line [{shown}] in {AUTHKEYS}"));
            return self.refuse(first, refusal);
        };
        let Some(number) = index(at.bytes()) else {
            self.out_of_range = true;
            let digits = mask::word(0, &at);
            let said = format!("Auth Key [{digits}] not found in keyfile [{AUTHKEYS}]");
            let refusal = Refusal::new("no such key number", format!("0 to {HIGHEST}"));
            return self.refuse(&at, refusal.says(said));
        };
        if let Some((old, place)) = &self.auth {
            let message = format!(
                "auth {old} was already chosen on line {}",
                place.line.number
            );
            self.warn(&at, Refusal::new(message, "one auth line, before the keys"));
        }
        self.auth = Some((number, at));
    }

    /// `N METHOD [KEY]`; further words mean nothing.
    fn key_line(&mut self, first: &At<'a>, second: Option<&At<'a>>, third: Option<&At<'a>>) {
        let digits = first
            .bytes()
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        let split = first.range.start + digits;
        let rest = first.line.at(split..first.range.end);
        let (method, key) = match split == first.range.end {
            true => (second, third),
            false => (Some(&rest), second),
        };
        let (true, Some(method)) = (digits > 0, method) else {
            let shown = mask::text(first.line);
            let refusal = Refusal::new("neither an auth line nor a key line", FORMS)
                .says(format!("Auth line [{shown}] is invalid."));
            return self.refuse(first, refusal);
        };
        let number_at = first.line.at(first.range.start..split);
        let Some(number) = index(number_at.bytes()) else {
            let refusal = Refusal::new("no such key number", format!("0 to {HIGHEST}"));
            return self.refuse(&number_at, refusal.says(invalid_number(&number_at)));
        };
        match self.key(method, key) {
            Ok(key) => self.accept(number, key, first),
            Err((at, refusal)) => {
                self.spoilt.push(number);
                self.refuse(&at, refusal);
            }
        }
    }

    /// The key of a line, or why and where it is refused.
    fn key(&self, method: &At<'a>, key: Option<&At<'a>>) -> Result<Key, (At<'a>, Refusal)> {
        let kind = match method.bytes() {
            b"crc" => Method::Crc,
            b"md5" => Method::Md5,
            b"sha1" => Method::Sha1,
            _ => return Err((method.clone(), unknown_method(method))),
        };
        let name = kind.name();
        match (kind, key) {
            (Method::Crc, Some(at)) => {
                let text = format!("Auth method [{name}] doesn't use a key");
                let refusal = Refusal::new("crc takes no key", "N crc").logs(Level::Info, text);
                Err((at.clone(), refusal))
            }
            (Method::Md5 | Method::Sha1, None) => {
                let refusal = Refusal::new("the key is missing", format!("N {name} KEY"))
                    .says(format!("Auth method [{name}] requires a key"));
                Err((method.clone(), refusal))
            }
            (_, at) => {
                let secret = at.map(At::bytes).unwrap_or_default().to_vec();
                Ok(Key {
                    method: kind,
                    secret: Zeroizing::new(secret),
                })
            }
        }
    }

    fn accept(&mut self, number: u8, key: Key, at: &At<'_>) {
        if let Some((_, line)) = self.places.iter().rev().find(|(n, _)| *n == number) {
            let message = format!("key {number} was already given on line {line}; this one counts");
            self.warn(at, Refusal::new(message, "each number once"));
        }
        self.places.push((number, at.line.number));
        self.keys.keys.insert(number, key);
        if self.auth.as_ref().is_some_and(|(auth, _)| *auth == number) {
            self.keys.signing = number;
            self.signing = true;
        }
    }

    /// What can be known only at the end: is there a key to sign with?
    fn finish(&mut self) {
        if self.signing {
            return;
        }
        match self.auth.clone() {
            Some((number, at)) => self.no_signing_key(number, &at),
            None => self.no_auth_line(),
        }
    }

    fn no_auth_line(&mut self) {
        let text = format!("Missing auth directive in keyfile [{AUTHKEYS}]");
        match (self.auth_seen, self.out_of_range) {
            (true, true) => return,
            (true, false) => return self.report.say(Level::Error, text),
            (false, _) => {}
        }
        let allowed = "a line `auth N` before the key with that number";
        self.report.refuse_near(
            None,
            Refusal::new("there is no auth line", allowed).says(text),
        );
    }

    fn no_signing_key(&mut self, number: u8, at: &At<'_>) {
        let text = format!("Auth Key [{number}] not found in keyfile [{AUTHKEYS}]");
        if self.spoilt.contains(&number) {
            return self.report.say(Level::Error, text);
        }
        let message = match self.places.iter().find(|(n, _)| *n == number) {
            Some((_, line)) => format!("key {number} stands before this line, on line {line}"),
            None => format!("there is no key {number}"),
        };
        let allowed = "auth N, and after it a line with the key of that number";
        self.refuse(at, Refusal::new(message, allowed).says(text));
    }
}

/// The forms of a line.
const FORMS: &str = "auth N, N crc, N md5 KEY, N sha1 KEY; N from 0 to 15";

/// The digits a word begins with, if it does; what follows them means nothing to 3.0.6 either.
fn leading_number<'a>(at: &At<'a>) -> Option<At<'a>> {
    let digits = at.bytes().iter().take_while(|b| b.is_ascii_digit()).count();
    (digits > 0).then(|| at.line.at(at.range.start..at.range.start + digits))
}

/// A key number, if it is one.
fn index(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    text.parse().ok().filter(|&number| number <= HIGHEST)
}

fn invalid_number(at: &At<'_>) -> String {
    format!("Invalid authnum [{}] in {AUTHKEYS}", mask::word(0, at))
}

fn unknown_method(at: &At<'_>) -> Refusal {
    let shown = mask::word(1, at);
    let message = match mask::is_method_name(at.bytes()) {
        true => format!("method {shown:?} is not known"),
        false => "this is no method (not shown: it may be a key)".to_owned(),
    };
    Refusal::new(message, FORMS)
        .says(format!(
            "LoadPlugin on {shown} returned 5: No such plugin/interface/interface type"
        ))
        .says(format!("Lookup extended#2 returned FALSE for {shown}"))
        .says("Table size: 0")
        .says(format!("Invalid authtype [{shown}]"))
}
