//! What a node holds: a set of {local, foreign}, always from the sender's point of view
//! (wire-protocol.md 8.1).

use serde::{Deserialize, Serialize};

/// A set of {local, foreign} resource groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hold {
    /// Nothing.
    #[default]
    None,
    /// The groups whose haresources line names this node.
    Local,
    /// The groups of the other node.
    Foreign,
    /// Both.
    All,
}

impl Hold {
    fn bits(self) -> u8 {
        match self {
            Hold::None => 0,
            Hold::Local => 1,
            Hold::Foreign => 2,
            Hold::All => 3,
        }
    }

    fn of(bits: u8) -> Self {
        match bits & 3 {
            0 => Hold::None,
            1 => Hold::Local,
            2 => Hold::Foreign,
            _ => Hold::All,
        }
    }

    /// The word of `rsc_hold`.
    pub fn word(self) -> &'static str {
        match self {
            Hold::None => "none",
            Hold::Local => "local",
            Hold::Foreign => "foreign",
            Hold::All => "all",
        }
    }

    /// Reads the word of `rsc_hold`; `None` (the option) for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        [Hold::None, Hold::Local, Hold::Foreign, Hold::All].into_iter().find(|h| h.word() == word)
    }

    /// The same set seen from the other node.
    #[must_use]
    pub fn mirror(self) -> Self {
        match self {
            Hold::Local => Hold::Foreign,
            Hold::Foreign => Hold::Local,
            both => both,
        }
    }

    /// Union.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self::of(self.bits() | other.bits())
    }

    /// Difference.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self::of(self.bits() & !other.bits())
    }

    /// What is in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.without(self.without(other))
    }

    /// Whether every member of `other` is in `self`.
    pub fn includes(self, other: Self) -> bool {
        self.bits() & other.bits() == other.bits()
    }
}
