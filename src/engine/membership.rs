//! Nodes that come and go while the daemon runs: `addnode`, `delnode`, and what is said of a node:
//! `setweight`, `setsite`. It lasts as long as this life; the next one reads `ha.cf` again.

use super::node::Node;
use super::{Action, Engine, Note, Treatment, uuid_text};
use crate::wire::Message;

/// Members that `haresources` can serve: every further one is "the other node" too, and its silence would
/// have both live nodes take everything.
const MOST_SERVED: usize = 2;
/// Nodes that the reference has room for, without resources to serve.
const MOST_NODES: usize = 100;
/// Bytes of a name or a site.
const LONGEST: usize = 99;

/// A node that was taken out, as `delhostcache` remembers it.
#[derive(Clone, Debug)]
pub(super) struct Deleted {
    pub(super) name: String,
    line: String,
}

impl Engine {
    pub(super) fn on_addnode(&mut self, message: &Message) {
        for name in names(message) {
            self.note(Note::AddingNode(name.clone()));
            if let Err(why) = self.may_add(&name) {
                self.note(Note::AddFailed { node: name, why });
                continue;
            }
            let trigger = self.random.u64(0..10);
            let mut node = Node::member(&name, &self.settings, self.now.mono, trigger);
            node.owed_from = self.history.highest();
            self.nodes.push(node);
            self.deleted.retain(|gone| gone.name != name);
        }
    }

    fn may_add(&self, name: &str) -> Result<(), String> {
        let members = self.nodes.iter().filter(|n| n.is_normal()).count();
        if self.nodes.iter().any(|n| n.name == name) {
            Err(format!("hb_add_one_node: node({name}) already exists"))
        } else if name.len() > LONGEST || self.nodes.len() >= MOST_NODES {
            Err(format!("hb_add_one_node: no room for node({name})"))
        } else if self.settings.manages && members >= MOST_SERVED {
            Err(format!(
                "hb_add_one_node: haresources serves two nodes: with node({name}) both would run everything"
            ))
        } else {
            Ok(())
        }
    }

    /// Only what is dead can go, and only with the consent of all that stay.
    pub(super) fn on_delnode(&mut self, message: &Message) {
        let names = names(message);
        if let Some(why) = self.deletion_fails(&names) {
            return self.note(why);
        }
        let before = self.deleted.len();
        for name in names {
            self.note(Note::RemovingNode(name.clone()));
            match self.remove_node(&name) {
                true => self.tell_clients(&Message::of("delnode").with("node", &name), Treatment::Kept),
                false => self.note(Note::NoSuchNode(name)),
            }
        }
        if self.deleted.len() > before {
            let text = self.deleted.iter().map(|gone| gone.line.as_str()).collect();
            self.actions.push(Action::KeepDeleted(text));
        }
    }

    fn deletion_fails(&self, names: &[String]) -> Option<Note> {
        let named = |node: &Node| names.contains(&node.name);
        if let Some(alive) = self.nodes.iter().find(|n| named(n) && !n.is_dead()) {
            return Some(Note::DeleteAlive(alive.name.clone()));
        }
        let absent = self.other_nodes().find(|n| !named(n) && n.is_dead());
        absent.map(|n| Note::DeleteWithout(n.name.clone()))
    }

    fn remove_node(&mut self, name: &str) -> bool {
        let Some(at) = self.nodes.iter().position(|n| n.name == name) else { return false };
        if at == self.me {
            return false;
        }
        let node = self.nodes.remove(at);
        if at < self.me {
            self.me -= 1;
        }
        let uuid = uuid_text(&node.uuid.unwrap_or_default());
        let line = format!("{}\t{uuid}\t{}\t{}\n", node.name, node.weight, node.site);
        self.deleted.retain(|gone| gone.name != node.name);
        self.deleted.push(Deleted { name: node.name, line });
        if self.deleted.len() > MOST_NODES {
            self.deleted.remove(0);
        }
        true
    }

    /// What is no number counts as 0, as in the reference.
    pub(super) fn on_setweight(&mut self, message: &Message) {
        let text = message.text("weight").unwrap_or("").trim_start();
        let digits = text.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("");
        let weight = digits.parse().unwrap_or(0);
        if let Some(node) = self.node_of(message) {
            node.weight = weight;
        }
    }

    pub(super) fn on_setsite(&mut self, message: &Message) {
        let site = message.text("site").filter(|site| site.len() <= LONGEST);
        if let (Some(site), Some(node)) = (site, self.node_of(message)) {
            site.clone_into(&mut node.site);
        }
    }

    fn node_of(&mut self, message: &Message) -> Option<&mut Node> {
        let name = message.text("node")?;
        self.nodes.iter_mut().find(|n| n.name.eq_ignore_ascii_case(name))
    }
}

/// The names of `nodelist`, each once.
fn names(message: &Message) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in message.text("nodelist").unwrap_or("").split_whitespace().take(MOST_NODES) {
        let name = name.to_ascii_lowercase();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
