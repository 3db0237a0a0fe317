//! What happens around ipfail: cluster messages, read. What they lead to is decided in `plan`.

use super::plan_picture::Theirs;
use crate::wire::Message;
use std::collections::BTreeSet;

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A node, a ping node too, has another status.
    Node {
        /// Whose.
        node: String,
        /// The new one: `dead`, `ping`, `active`, …
        status: String,
    },
    /// A link has another status.
    Link {
        /// Whose.
        node: String,
        /// Which.
        link: String,
        /// `up` or `dead`.
        status: String,
    },
    /// The other side tells how many ping nodes it sees, and asks for the same.
    Asked(Theirs),
    /// The other side sees more. What it sees, if it is a program of ours.
    YouAreDead(Option<Theirs>),
    /// The other side sees no more than we do. What it sees, if it is a program of ours.
    AbortGiveup(Option<Theirs>),
    /// The ipfail of the other side has signed on.
    Joined,
    /// The ipfail of the other side has gone.
    Left,
    /// The other side's resources rest, or move.
    Resources {
        /// They rest.
        stable: bool,
    },
    /// Nothing but time.
    Tick,
}

/// In what the reference leaves out: the names of the ping nodes seen. It ignores the field.
const NAMES: &str = "pings";
/// A value that stands for no name: not every reader takes an empty one.
const NO_NAMES: &str = "-";
/// In a question that is asked only to be sure before resources move.
const AGAIN: &str = "again";

impl Event {
    /// Reads a cluster message; `None` when it is nothing to us. `peer` is the other side.
    pub fn of(message: &Message, peer: &str) -> Option<Self> {
        let text = |name: &str| message.text(name).map(str::to_owned);
        let src = message.text("src");
        let from_peer = src.is_some_and(|src| src.eq_ignore_ascii_case(peer));
        match message.kind()? {
            "status" | "NS_st" => Some(Self::Node { node: text("src")?, status: text("st")? }),
            "ifstat" => Some(Self::Link { node: text("node")?, link: text("ifname")?, status: text("st")? }),
            "num_ping_nodes" if from_peer => theirs(message).map(Self::Asked),
            "you_are_dead" if from_peer => Some(Self::YouAreDead(theirs(message))),
            "abort_giveup" if from_peer => Some(Self::AbortGiveup(theirs(message))),
            "hbapi-clstat" if from_peer => match message.text("st") {
                Some("join") => Some(Self::Joined),
                Some("leave") => Some(Self::Left),
                _ => None,
            },
            "resource" if from_peer && message.text("info").is_none() => {
                Some(Self::Resources { stable: message.text("isstable") == Some("1") })
            }
            "resource" if from_peer && message.text("isstable") == Some("0") => {
                Some(Self::Resources { stable: false })
            }
            _ => None,
        }
    }
}

fn theirs(message: &Message) -> Option<Theirs> {
    let names = message.text(NAMES).map(|names| {
        names.split(' ').filter(|name| !name.is_empty() && *name != NO_NAMES).map(str::to_owned).collect()
    });
    let again = message.text(AGAIN).is_some();
    match names {
        Some(names) => Some(Theirs::named(names, again)),
        None => Some(Theirs::counted(message.text("num_ping")?.trim().parse().ok()?)),
    }
}

/// A message to the other side that tells what is seen here.
pub(super) fn telling(kind: &str, me: &str, peer: &str, seen: &BTreeSet<String>) -> Message {
    let names: Vec<&str> = seen.iter().map(String::as_str).collect();
    let names = if names.is_empty() { NO_NAMES.to_owned() } else { names.join(" ") };
    Message::of(kind)
        .with("src", me)
        .with("num_ping", &seen.len().to_string())
        .with("dest", peer)
        .with(NAMES, &names)
}

/// The same question, asked to be sure.
pub(super) fn again(question: Message) -> Message {
    question.with(AGAIN, "yes")
}
