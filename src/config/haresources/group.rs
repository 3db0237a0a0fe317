//! Resource groups and how they are asked for (configuration.md 3.3).

use serde::{Deserialize, Serialize};

use super::Word;

/// The resources of one logical line: taken left to right, released right to left, held by one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Group {
    /// The node that prefers the group, lower case.
    pub node: String,
    /// The resources in file order; never empty. The first one is the group's key.
    pub words: Vec<Word>,
    /// The physical line the group begins on, from 1.
    pub line: usize,
    /// The byte column of the node name, from 1.
    pub column: usize,
}

impl Group {
    /// The literal first word, by which the group is named.
    pub fn key(&self) -> &str {
        self.words.first().map_or("", Word::as_str)
    }

    /// Whether `word` is one of the resources, literally.
    pub fn contains(&self, word: &str) -> bool {
        self.words.iter().any(|w| w.as_str() == word)
    }

    /// All resources, each followed by a blank: the line `ourkeys` and `otherkeys` print.
    pub fn remainder(&self) -> String {
        self.words.iter().map(|w| format!("{w} ")).collect()
    }
}

/// `listkeys NODE`: the keys of the groups that `node` prefers, in file order. Node names compare
/// without regard to case, and literally (3.0.6 takes NODE for a regular expression).
pub fn keys_of<'a>(groups: &'a [Group], node: &str) -> Vec<&'a str> {
    preferred(groups, node, true).map(Group::key).collect()
}

/// `allkeys`: every key, in file order.
pub fn all_keys(groups: &[Group]) -> Vec<&str> {
    groups.iter().map(Group::key).collect()
}

/// `ourkeys`: per group of `node` the whole list of resources with a trailing blank.
pub fn our_keys(groups: &[Group], node: &str) -> Vec<String> {
    preferred(groups, node, true).map(Group::remainder).collect()
}

/// `otherkeys`: as [`our_keys`], for the groups of every other node.
pub fn other_keys(groups: &[Group], node: &str) -> Vec<String> {
    preferred(groups, node, false).map(Group::remainder).collect()
}

/// The group that KEY names: the one whose key it is, else the first that contains it as a whole,
/// literal word. 3.0.6 matches a regular expression and joins every line it occurs in.
pub fn group_by_key<'a>(groups: &'a [Group], key: &str) -> Option<&'a Group> {
    let by_key = groups.iter().find(|group| group.key() == key);
    by_key.or_else(|| groups.iter().find(|group| group.contains(key)))
}

fn preferred<'a>(groups: &'a [Group], node: &str, own: bool) -> impl Iterator<Item = &'a Group> {
    groups.iter().filter(move |group| group.node.eq_ignore_ascii_case(node) == own)
}
