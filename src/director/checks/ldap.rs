//! LDAP: bind, look one entry up by its name, and whether that name is the right one (RFC 4511). Pure.

use super::frame::{Dialogue, Move};
use super::{Outcome, ber};
use crate::director::config::{Pattern, Secret};

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const BOOLEAN: u8 = 0x01;
const ENUMERATED: u8 = 0x0a;
const SEQUENCE: u8 = 0x30;
const BIND: u8 = 0x60;
const BOUND: u8 = 0x61;
const UNBIND: u8 = 0x42;
const SEARCH: u8 = 0x63;
const ENTRY: u8 = 0x64;
const DONE: u8 = 0x65;
const NOTICE: u8 = 0x78;
/// A password as it is.
const SIMPLE: u8 = 0x80;
/// The filter "has this attribute".
const PRESENT: u8 = 0x87;
/// Aliases are followed in finding the entry.
const DEREF_FINDING: u8 = 2;

/// What is to be looked up, and as whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// Whose name; nobody's without a password.
    pub login: String,
    /// The password.
    pub passwd: Secret,
    /// The name of the entry.
    pub base: String,
    /// What the name must contain as the server writes it.
    pub receive: Option<Pattern>,
}

/// The conversation.
#[derive(Clone, Debug)]
pub struct Ldap {
    search: Search,
    bound: bool,
    /// The names that were found.
    found: Vec<Vec<u8>>,
}

impl Ldap {
    /// Looks this up.
    pub fn new(search: Search) -> Ldap {
        Ldap { search, bound: false, found: Vec::new() }
    }

    fn bind(&self) -> Vec<u8> {
        let Search { login, passwd, .. } = &self.search;
        let nobody = login.is_empty() || passwd.expose().is_empty();
        let (login, passwd) = if nobody { ("", "") } else { (login.as_str(), passwd.expose()) };
        let version = ber::element(INTEGER, &[3]);
        let parts =
            [version, ber::element(OCTETS, login.as_bytes()), ber::element(SIMPLE, passwd.as_bytes())];
        message(1, BIND, &parts.concat())
    }

    fn search(&self) -> Vec<u8> {
        let parts = [
            ber::element(OCTETS, self.search.base.as_bytes()),
            ber::element(ENUMERATED, &[0]),
            ber::element(ENUMERATED, &[DEREF_FINDING]),
            ber::element(INTEGER, &[0]),
            ber::element(INTEGER, &[0]),
            ber::element(BOOLEAN, &[0]),
            ber::element(PRESENT, b"objectClass"),
            ber::element(SEQUENCE, b""),
        ];
        message(2, SEARCH, &parts.concat())
    }

    fn decided(outcome: Outcome) -> Move {
        Move::Decided(outcome, message(3, UNBIND, b""))
    }

    /// What the search came to. As with the reference the result code does not count, one entry does.
    fn judge(&self) -> Outcome {
        match (self.found.as_slice(), &self.search.receive) {
            ([name], Some(receive)) if !receive.is_in(name) => Outcome::down("Response mismatch"),
            ([_], _) => Outcome::up("Success"),
            _ => Outcome::down("No answer received"),
        }
    }
}

fn message(number: u8, tag: u8, content: &[u8]) -> Vec<u8> {
    ber::element(SEQUENCE, &[ber::element(INTEGER, &[number]), ber::element(tag, content)].concat())
}

/// The number of a message, the operation in it, and its content.
fn operation(frame: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (SEQUENCE, message, _) = ber::take(frame)? else { return None };
    let (INTEGER, number, rest) = ber::take(message)? else { return None };
    let (tag, content, _) = ber::take(rest)?;
    Some((number, tag, content))
}

impl Dialogue for Ldap {
    fn begin(&mut self) -> Move {
        Move::Say(self.bind())
    }

    fn length(&self, bytes: &[u8]) -> Option<usize> {
        match bytes.first() {
            // What speaks no LDAP is not waited for.
            Some(first) if *first != SEQUENCE => Some(1),
            _ => ber::length(bytes),
        }
    }

    fn frame(&mut self, frame: &[u8]) -> Move {
        let Some((number, operation, content)) = operation(frame) else {
            return Move::down("No answer received");
        };
        // An answer to something that was not asked.
        if operation != NOTICE && number != [if self.bound { 2 } else { 1 }] {
            return Move::Listen;
        }
        let first = ber::take(content).map(|(_, first, _)| first).unwrap_or_default();
        match operation {
            BOUND if !self.bound && first == [0] => {
                self.bound = true;
                Move::Say(self.search())
            }
            BOUND => Ldap::decided(Outcome::down("Bind failed")),
            ENTRY if self.bound => {
                self.found.push(first.to_vec());
                // Two are as wrong as a thousand.
                if self.found.len() > 1 { Ldap::decided(self.judge()) } else { Move::Listen }
            }
            DONE if self.bound => Ldap::decided(self.judge()),
            NOTICE => Move::down("No answer received"),
            _ => Move::Listen,
        }
    }

    fn lost(&self, _: Outcome) -> Outcome {
        if self.bound { self.judge() } else { Outcome::down("Bind failed") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ldap(login: &str, passwd: &str, receive: &str) -> Ldap {
        Ldap::new(Search {
            login: login.to_owned(),
            passwd: Secret::new(passwd.to_owned()),
            base: "dc=x".to_owned(),
            receive: Pattern::compile(receive.as_bytes()).ok().filter(|_| !receive.is_empty()),
        })
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    fn entry(name: &str) -> Vec<u8> {
        message(2, ENTRY, &[ber::element(OCTETS, name.as_bytes()), ber::element(SEQUENCE, b"")].concat())
    }

    const BOUND_WELL: &[u8] = b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0";
    const OVER: &[u8] = b"\x30\x0c\x02\x01\x02\x65\x07\x0a\x01\0\x04\0\x04\0";

    /// Recorded from the reference, but for the number of the search: it counts on.
    #[test]
    fn what_is_said_is_what_the_reference_says() {
        let said = |login, passwd| ldap(login, passwd, "").begin();
        assert_eq!(said("", ""), Move::Say(bytes("300c020101600702010304008000")));
        assert_eq!(said("cn=a", ""), Move::Say(bytes("300c020101600702010304008000")), "both or nobody");
        assert_eq!(said("cn=a", "b"), Move::Say(bytes("3011020101600c0201030404636e3d61800162")));
        let search = "30290201026324040464633d780a01000a0102020100020100010100870b6f626a656374436c6173733000";
        assert_eq!(ldap("", "", "").frame(BOUND_WELL), Move::Say(bytes(search)));
    }

    /// What comes of these answers to the search.
    fn judged(receive: &str, answers: &[&[u8]]) -> Option<Outcome> {
        let mut ldap = ldap("", "", receive);
        ldap.frame(BOUND_WELL);
        answers.iter().find_map(|answer| match ldap.frame(answer) {
            Move::Decided(outcome, _) => Some(outcome),
            _ => None,
        })
    }

    /// Verdicts of the reference on the same answers.
    #[test]
    fn exactly_one_entry_of_the_right_name_is_wanted() {
        let (x, y) = (entry("dc=x"), entry("dc=y"));
        let verdict = |receive: &str, answers: &[&[u8]]| judged(receive, answers).unwrap().text;
        assert_eq!(judged("dc", &[&x, OVER]), Some(Outcome::up("Success")));
        assert_eq!(judged("", &[&x, OVER]), Some(Outcome::up("Success")));
        assert_eq!(verdict("zz", &[&x, OVER]), "Response mismatch");
        assert_eq!(verdict("dc", &[&x, &y]), "No answer received");
        assert_eq!(verdict("", &[OVER]), "No answer received");
        let missing = message(2, DONE, b"\x0a\x01\x20\x04\0\x04\0");
        assert_eq!(verdict("", &[&missing]), "No answer received");
        let limited = message(2, DONE, b"\x0a\x01\x04\x04\0\x04\0");
        assert_eq!(judged("", &[&x, &limited]), Some(Outcome::up("Success")));
        let elsewhere = message(2, 0x73, &ber::element(OCTETS, b"ldap://x/"));
        assert_eq!(judged("", &[&x, &elsewhere, OVER]), Some(Outcome::up("Success")));
        assert_eq!(judged("", &[&x]), None, "the end must come");
    }

    #[test]
    fn who_may_not_in_or_says_something_else_is_down() {
        let refused = message(1, BOUND, b"\x0a\x01\x31\x04\0\x04\0");
        let Move::Decided(outcome, last) = ldap("", "", "").frame(&refused) else { panic!("in") };
        assert_eq!((outcome, last), (Outcome::down("Bind failed"), bytes("30050201034200")));
        assert_eq!(ldap("", "", "").frame(b"H"), Move::down("No answer received"));
        assert_eq!(ldap("", "", "").length(b"HTTP"), Some(1));
        for cut in 0..BOUND_WELL.len() {
            let _ = ldap("", "", "").frame(&BOUND_WELL[..cut]);
        }
    }
}
