//! What is asked of the daemon before each decision.

use std::collections::BTreeSet;

/// The daemon's answers of this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The ping nodes that answer.
    pub seen: BTreeSet<String>,
    /// The other side's status is `active`.
    pub peer_active: bool,
    /// What this node holds.
    pub held: Held,
}

/// What a node holds, as `cl_status rscstatus` tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Nothing.
    None,
    /// Its own groups.
    Local,
    /// The other node's groups.
    Foreign,
    /// Every group.
    All,
    /// Groups are on their way.
    Transition,
}

impl Held {
    /// By the daemon's word.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "none" => Self::None,
            "local" => Self::Local,
            "foreign" => Self::Foreign,
            "all" => Self::All,
            "transition" => Self::Transition,
            _ => return None,
        })
    }
}

/// What to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Everything: the other node is better connected.
    All,
    /// The other node's groups: it is as well connected again.
    Foreign,
}

impl What {
    /// The word in a request for standby.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Foreign => "foreign",
        }
    }

    /// Whether a node that holds this has some of it.
    pub fn is_in(self, held: Held) -> bool {
        match held {
            Held::None => false,
            Held::Local => self == Self::All,
            Held::Foreign | Held::All | Held::Transition => true,
        }
    }
}
