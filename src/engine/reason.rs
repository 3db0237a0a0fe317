//! Why groups that ran twice stay with one node, and the words for it. The reference leaves it so and has none.

use serde::{Deserialize, Serialize};

/// Why groups are let go, or kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// haresources names the keeper.
    Home,
    /// The keeper was awake while the other node did not run.
    Awake,
    /// A C daemon would not let go.
    Stranger,
    /// The peer goes on claiming: it does not hear this node.
    Unheard,
    /// The peer said that it declared this node dead.
    Buried,
}

impl Reason {
    /// This node lets go of `set`, for `node`.
    pub(super) fn yielding(self, node: &str, set: &str) -> String {
        let why = match self {
            Self::Home => "they are at home there".to_owned(),
            Self::Awake => "this node did not run for longer than its deadtime".to_owned(),
            Self::Stranger => format!("{node} runs a heartbeat that does not let go by itself"),
            Self::Unheard => format!("{node} goes on claiming them and does not seem to hear this node"),
            Self::Buried => {
                return format!(
                    "{node} has declared this node dead and takes everything: releasing all resource groups."
                );
            }
        };
        let set = in_words(set);
        format!("Both nodes hold the {set} resource groups. {node} keeps them, {why}: releasing them here.")
    }

    /// This node keeps `set`; `node` is to let go.
    pub(super) fn keeping(self, node: &str, set: &str) -> String {
        let why = match self {
            Self::Awake => format!("{node} did not run for longer than its deadtime"),
            _ => "they are at home here".to_owned(),
        };
        let set = in_words(set);
        format!(
            "Both nodes hold the {set} resource groups. This node keeps them, {why}: {node} is to release them."
        )
    }
}

fn in_words(set: &str) -> &str {
    if set == "all" { "local and foreign" } else { set }
}
