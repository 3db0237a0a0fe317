//! What a fuzzer drives: any text as `ldirectord.cf`, any bytes as an answer. No panic, and an end.

use super::checks::frame::{Dialogue, Move};
use super::checks::http::{Page, Progress, Reader, Url};
use super::checks::{ldap, mysql, pgsql};
use super::config::{FakeMachine, Pattern, Secret, read};
use super::ipvs::wire;
use super::table::Family;
use crate::config::{Diagnostic, Source};
use crate::netlink::frame::frames;

/// A password that is in one place of the corpus.
const SECRET: &str = "TopSecret";

/// Any `ldirectord.cf`: each diagnostic can be shown and points into the file; what is refused has a reason.
pub fn fuzz_ldirectord_cf(bytes: &[u8]) {
    let checked = read(&Source::new("x.cf", bytes, 0o600), &FakeMachine::with_hosts(&[]));
    for found in &checked.diagnostics {
        let shown = found.to_string();
        assert!(shown.starts_with(&format!("x.cf:{}:{}: ", found.line, found.column)), "{shown}");
        let line = bytes.split(|b| *b == b'\n').nth(found.line - 1).unwrap_or_default();
        let secret = line.trim_ascii_start().starts_with(b"passwd=");
        assert!(!secret || !shown.contains(SECRET), "{shown}");
    }
    assert_eq!(checked.config.is_none(), checked.diagnostics.iter().any(Diagnostic::is_error));
}

/// Any expression, up to the first newline, and an answer behind it.
pub fn fuzz_expression(bytes: &[u8]) {
    let end = bytes.iter().position(|b| *b == b'\n').unwrap_or(bytes.len());
    let (expression, answer) = bytes.split_at(end);
    match Pattern::compile(expression) {
        Ok(pattern) => drop((pattern.is_in(answer.get(..200).unwrap_or(answer)), format!("{pattern:?}"))),
        Err(bad) => assert!(bad.place.start <= bad.place.end && bad.place.end <= expression.len(), "{bad:?}"),
    }
}

/// Any datagram of the kernel's IPVS.
pub fn fuzz_ipvs(bytes: &[u8]) {
    for (count, frame) in frames(bytes).enumerate() {
        assert!(count <= bytes.len() / 16, "more frames than fit");
        let _ = (wire::service(frame), wire::counted(frame), wire::dest(frame, Family::V6));
        let _ = (wire::dest_counters(frame, Family::V4), wire::info(frame), wire::daemon(frame));
        let _ = (wire::timeouts(frame), wire::family(frame), frame.verdict(), frame.is_torn());
    }
}

/// Any answer of a web server: it does not matter in which pieces it comes. The first byte says in which.
pub fn fuzz_http(bytes: &[u8]) {
    let Some((first, answer)) = bytes.split_first() else { return };
    let page = Page {
        secure: false,
        head: first & 1 != 0,
        url: None,
        asked: "/".to_owned(),
        host: String::new(),
        receive: None,
        proxied: false,
    };
    let whole = ended(Reader::new(&page), [answer].into_iter());
    let pieces = ended(Reader::new(&page), answer.chunks(usize::from(*first / 2).max(1)));
    assert_eq!(whole, pieces);
    if let Progress::Done(answer) = whole {
        let Some(here) = Url::parse("http://u:p@x/a/b") else { return };
        let _ = (page.judge(&answer), page.elsewhere(&answer, &here).map(|page| page.request()));
    }
}

/// Anything a directory or a database may say. The first byte says which it is.
pub fn fuzz_dialogue(bytes: &[u8]) {
    let Some((first, mut rest)) = bytes.split_first() else { return };
    let mut dialogue = dialogue(*first);
    let mut next = dialogue.begin();
    for _ in 0..=bytes.len() {
        next = match next {
            Move::Decided(..) => return,
            Move::Again => dialogue.begin(),
            Move::Compute => dialogue.compute(),
            Move::Encrypt(_) => dialogue.encrypted(),
            Move::Say(_) | Move::Listen => {
                let Some(length) = dialogue.length(rest) else { return };
                assert!(length > 0, "no end");
                let Some((frame, behind)) = rest.split_at_checked(length) else { return };
                rest = behind;
                dialogue.frame(frame)
            }
        };
    }
}

fn dialogue(which: u8) -> Box<dyn Dialogue> {
    let (login, passwd) = ("u".to_owned(), Secret::new("p".to_owned()));
    let (database, text) = ("d".to_owned(), "select 1".to_owned());
    match which % 3 {
        0 => {
            let receive = Pattern::compile(b"x").ok();
            Box::new(ldap::Ldap::new(ldap::Search { login, passwd, base: database, receive }))
        }
        1 => Box::new(mysql::Mysql::new(mysql::Query { login, passwd, database, text })),
        _ => Box::new(pgsql::Pgsql::new(pgsql::Query { login, passwd, database, text }, 0)),
    }
}

/// What comes of these pieces and the end behind them.
fn ended<'a>(mut reader: Reader, pieces: impl Iterator<Item = &'a [u8]>) -> Progress {
    for piece in pieces {
        match reader.hear(piece) {
            Progress::More => {}
            progress => return progress,
        }
    }
    reader.closed()
}
