//! Return codes, which peer may be asked, what the messages look like. Pure.

use crate::wire::Message;
use std::fmt;

/// DRBD's codes for what became of the peer's data; the exit code of the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rc(u8);

impl Rc {
    /// The peer's data is inconsistent anyway.
    pub const INCONSISTENT: Self = Self(3);
    /// The peer's data is outdated now: success.
    pub const OUTDATED: Self = Self(4);
    /// The peer cannot be asked.
    pub const UNREACHABLE: Self = Self(5);
    /// The peer is primary.
    pub const PRIMARY: Self = Self(6);
    /// Something else went wrong.
    pub const OTHER: Self = Self(20);
    /// Somebody else is asking for this resource.
    pub const BUSY: Self = Self(21);

    /// What `drbdadm outdate` ended with; `None` when a signal ended it, or when it could not be started.
    pub fn of_drbdadm(exit: Option<i32>) -> Self {
        match exit {
            Some(0) => Self::OUTDATED,
            Some(5) => Self::INCONSISTENT,
            Some(17) => Self::PRIMARY,
            _ => Self::OTHER,
        }
    }

    /// From `dop_value`. A code that is none of DRBD's is passed on as it is, like any exit code.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// The number.
    pub fn code(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Rc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A node as the daemon lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// `normal`, `ping`, …
    pub kind: String,
    /// `active`, `dead`, …
    pub status: String,
}

impl Node {
    /// From a reply to `nodelist`.
    pub fn of(reply: &Message) -> Option<Self> {
        let field = |name| reply.text(name).map(str::to_owned);
        Some(Self { name: field("node")?, kind: field("nodetype")?, status: field("st")? })
    }
}

/// Why a peer cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is this node.
    Myself,
    /// It is no node of the cluster, or none of those that could answer.
    NotFound {
        /// The node of that name, where there is one.
        found: Option<Node>,
    },
}

/// The node that is meant by a peer's name, if it can be asked. Names are compared as the reference does it:
/// without regard to case.
pub fn choose<'a>(nodes: &'a [Node], own: &str, peer: &str) -> Result<&'a Node, Refusal> {
    if peer.eq_ignore_ascii_case(own) {
        return Err(Refusal::Myself);
    }
    match nodes.iter().find(|node| node.name.eq_ignore_ascii_case(peer)) {
        Some(node) if node.kind == "normal" && node.status != "dead" => Ok(node),
        other => Err(Refusal::NotFound { found: other.cloned() }),
    }
}

/// To the peer's dopd: outdate this resource.
pub fn start_outdate(own: &str, resource: &str, peer: &str) -> Message {
    Message::of("start_outdate").with("src", own).with("dop_res", resource).with("dest", peer)
}

/// The answer to [`start_outdate`].
pub fn outdate_rc(rc: Rc, resource: &str, own: &str, asker: &str) -> Message {
    Message::of("outdate_rc")
        .with("dop_value", &rc.to_string())
        .with("dop_res", resource)
        .with("src", own)
        .with("dest", asker)
}

/// From the handler to the local dopd.
pub fn outdater(peer: &str, resource: &str) -> Message {
    Message::of("outdater")
        .with("src", "drbd-peer-outdater")
        .with("outdater_peer", peer)
        .with("outdater_res", resource)
}

/// The answer to [`outdater`].
pub fn outdater_rc(own: &str, rc: Rc) -> Message {
    Message::of("outdater_rc").with("src", own).with("dop_value", &rc.to_string())
}

/// Whether a name may be given to `drbdadm`: it must not be taken for an option.
pub fn is_resource(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && !name.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, kind: &str, status: &str) -> Node {
        Node { name: name.into(), kind: kind.into(), status: status.into() }
    }

    /// Recorded from dopd 3.0.6 on b1, with these nodes.
    #[test]
    fn who_can_be_asked() {
        let nodes = [
            node("10.80.0.9", "ping", "ping"),
            node("b1", "normal", "active"),
            node("b2", "normal", "active"),
            node("b3", "normal", "dead"),
        ];
        for peer in ["b2", "B2"] {
            assert_eq!(choose(&nodes, "b1", peer).unwrap().name, "b2");
        }
        assert_eq!(choose(&nodes, "b1", "b1"), Err(Refusal::Myself));
        for (peer, found) in [("10.80.0.9", true), ("b3", true), ("nobody", false), ("", false)] {
            match choose(&nodes, "b1", peer) {
                Err(Refusal::NotFound { found: node }) => assert_eq!(node.is_some(), found, "{peer}"),
                other => panic!("{peer}: {other:?}"),
            }
        }
    }

    /// Recorded from dopd 3.0.6.
    #[test]
    fn codes_of_drbdadm() {
        let recorded = [(0, 4), (5, 3), (17, 6), (3, 20), (1, 20), (127, 20), (255, 20), (4, 20), (20, 20)];
        for (exit, rc) in recorded {
            assert_eq!(Rc::of_drbdadm(Some(exit)).code(), rc, "{exit}");
        }
        assert_eq!(Rc::of_drbdadm(None), Rc::OTHER);
    }

    #[test]
    fn only_what_names_a_resource_is_given_to_drbdadm() {
        assert!(is_resource("r0") && is_resource("a;id") && is_resource("r 0"));
        assert!(!is_resource("") && !is_resource("-x") && !is_resource("--help"));
    }
}
