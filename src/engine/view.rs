//! What others may know of the cluster: read-only views, for the client API.

use super::node::{Link, Node};
use super::{Engine, NodeKind};
use serde::{Deserialize, Serialize};

/// What became of a message here; API clients choose by these what they want to see (client-api.md
/// section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Treatment {
    /// Taken in, and it told something.
    Kept,
    /// A heartbeat that changed nothing.
    NoChange,
    /// Not taken in.
    Dropped,
    /// Heard before.
    Duplicate,
    /// A request of an API client of this machine.
    ApiRequest,
    /// The daemons' own business: acknowledgements, requests to send again.
    Protocol,
}

impl Treatment {
    /// Its bit in a filter mask.
    pub fn bit(self) -> u8 {
        match self {
            Treatment::Kept => 0x01,
            Treatment::NoChange => 0x02,
            Treatment::Dropped => 0x04,
            Treatment::Duplicate => 0x08,
            Treatment::ApiRequest => 0x10,
            Treatment::Protocol => 0x20,
        }
    }
}

/// A node as this one sees it.
#[derive(Clone, Copy)]
pub struct NodeView<'a> {
    node: &'a Node,
}

impl<'a> NodeView<'a> {
    /// Its name.
    pub fn name(&self) -> &'a str {
        &self.node.name
    }

    /// Member or ping node.
    pub fn kind(&self) -> NodeKind {
        self.node.kind
    }

    /// `init`, `up`, `active`, `dead` or `ping`.
    pub fn status(&self) -> &'a str {
        &self.node.status
    }

    /// Its weight; 100 unless set.
    pub fn weight(&self) -> u32 {
        self.node.weight
    }

    /// Its site; empty unless set.
    pub fn site(&self) -> &'a str {
        &self.node.site
    }

    /// Its uuid, once known.
    pub fn uuid(&self) -> Option<[u8; 16]> {
        self.node.uuid
    }

    /// Its links: name, and whether it is heard over it.
    pub fn links(&self) -> impl Iterator<Item = (&'a str, bool)> {
        self.node.links.iter().map(|Link { name, up, .. }| (name.as_str(), *up))
    }
}

impl Engine {
    /// Every node, in configuration order.
    pub fn nodes(&self) -> impl Iterator<Item = NodeView<'_>> {
        self.nodes.iter().map(|node| NodeView { node })
    }

    /// This node's name.
    pub fn local_name(&self) -> &str {
        &self.settings.me
    }

    /// What this node holds, as the API says it: `none`, `local`, `foreign`, `all`, or `transition` while
    /// anything is in motion (client-api.md section 4, `getrsc`).
    pub fn resource_state(&self) -> &'static str {
        if self.resources_stable() { self.resources.i_hold.word() } else { "transition" }
    }
}
