//! How a check is told in a monitor file. Pure: the time is given in.

use std::time::SystemTime;

use crate::director::log::line::date;
use crate::sys::localtime::local_time;

/// So much of what a check said is told, in bytes.
const LONGEST: usize = 64 << 10;

pub(super) fn line(at: SystemTime, pid: u32, identity: &str, up: bool, text: &str) -> String {
    let (date, state) = (date(&local_time(at)), if up { "up" } else { "down" });
    format!("[{date}] [{pid}] {} [{state}] {}", spread(identity), escaped(text))
}

/// The identity of a check in words.
fn spread(identity: &str) -> String {
    let mut words = String::with_capacity(identity.len());
    for c in identity.chars().filter(|c| *c != '\\') {
        match c {
            ':' if words.ends_with(' ') => {}
            ':' => words.push(' '),
            c => words.push(c),
        }
    }
    words
}

/// The text on one line, and without what separates.
fn escaped(text: &str) -> String {
    let mut told = String::with_capacity(text.len().min(LONGEST));
    for c in text.chars() {
        if told.len() >= LONGEST {
            break;
        }
        match c {
            '%' => told.push_str("%25"),
            '|' => told.push_str("%7c"),
            '\r' => told.push_str("%0d"),
            '\n' => told.push_str("%0a"),
            c => told.push(c),
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the reference wrote it (ldirectord.md section 13.3, and recorded in a guest).
    #[test]
    fn lines_are_the_references() {
        let line = |identity, up, text| {
            let line = line(SystemTime::UNIX_EPOCH, 825, identity, up, text);
            line.split_once("] ").unwrap().1.to_owned()
        };
        assert_eq!(
            line("negotiate:http:tcp:10.7.0.1:80:::1:gate:\\/:OK", true, "200 OK"),
            "[825] negotiate http tcp 10.7.0.1 80 1 gate / OK [up] 200 OK"
        );
        assert_eq!(
            line("negotiate:http:tcp:10.7.0.2:80:::1:gate:\\/:", false, "Server in maintenance"),
            "[825] negotiate http tcp 10.7.0.2 80 1 gate /  [down] Server in maintenance"
        );
        assert!(line("on", false, "100% a|b\r\n").ends_with("[down] 100%25 a%7cb%0d%0a"));
        assert!(line("on", false, &"x".repeat(1 << 20)).len() < LONGEST + 100);
    }
}
