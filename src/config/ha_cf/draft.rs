//! A configuration while `ha.cf` is being read: settings so far, where they were made, and findings.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::scalars;
use crate::config::directive::{DIRECTIVES, Directive};
use crate::config::host::Host;
use crate::config::model::{Config, Medium, Node, NodeKind};
use crate::config::report::Report;
use crate::config::text::At;
use crate::config::value::Refusal;

/// Most nodes 3.0.6 knows, ping nodes included.
const MOST_NODES: usize = 100;

/// The state of reading.
pub(in crate::config) struct Draft<'a> {
    /// The settings so far.
    pub(in crate::config) config: Config,
    /// The findings so far.
    pub(in crate::config) report: Report,
    /// The machine.
    pub(super) host: &'a dyn Host,
    /// Times that have computed defaults, when given.
    pub(in crate::config) times: Times,
    /// The port for media that follow.
    pub(super) port: u16,
    /// `use_logd`, when given.
    pub(in crate::config) use_logd: Option<bool>,
    /// Whether a pacemaker directive was seen.
    pub(in crate::config) pacemaker: bool,
    /// Whether a valid `auto_failback on` or `off` was seen.
    pub(super) failback_chosen: bool,
    /// `autojoin other` or `any`, where.
    pub(in crate::config) autojoin: Option<At<'a>>,
    /// Recorded texts.
    pub(super) texts: BTreeMap<&'static str, String>,
    /// Where each scalar was last set.
    places: BTreeMap<&'static str, At<'a>>,
    /// Directives with a value that was refused, so that nothing is concluded from them.
    refused: BTreeSet<&'static str>,
    /// Where each node was declared: line numbers in the order of `config.nodes`.
    node_lines: Vec<usize>,
    /// Where client names of `apiauth` were first seen.
    pub(super) clients: BTreeMap<String, usize>,
}

/// Times whose defaults depend on others.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::config) struct Times {
    pub(in crate::config) warntime: Option<Duration>,
    pub(in crate::config) initdead: Option<Duration>,
    pub(in crate::config) deadping: Option<Duration>,
}

impl<'a> Draft<'a> {
    /// Nothing read yet.
    pub(super) fn new(label: &str, debug: u8, host: &'a dyn Host) -> Draft<'a> {
        let mut config = Config { this_node: host.node_name().to_lowercase(), ..Config::default() };
        config.logging.debug = debug;
        Draft {
            config,
            report: Report::new(label),
            host,
            times: Times::default(),
            port: host.udp_service("ha-cluster").unwrap_or(694),
            use_logd: None,
            pacemaker: false,
            failback_chosen: false,
            autojoin: None,
            texts: BTreeMap::new(),
            places: BTreeMap::new(),
            refused: BTreeSet::new(),
            node_lines: Vec::new(),
            clients: BTreeMap::new(),
        }
    }

    /// One argument of a scalar.
    pub(super) fn scalar(&mut self, directive: &'static Directive, at: &At<'a>) {
        let name = directive.name;
        let text = at.text();
        match scalars::set(self, name, &text, at) {
            Ok(()) => self.record(name, text, at, directive.recorded),
            Err(mut refusal) => {
                refusal.message = format!("{name}: {}", refusal.message);
                self.report.refuse(at, refusal);
                self.refused.insert(name);
            }
        }
    }

    fn record(&mut self, name: &'static str, text: String, at: &At<'a>, recorded: bool) {
        self.places.insert(name, at.clone());
        if !recorded {
            return;
        }
        if name == "crm" {
            self.texts.insert("pacemaker", text.clone());
        }
        self.texts.insert(name, text);
    }

    /// Warns when a scalar is set more than once: only the last time counts.
    pub(super) fn note_repetition(&mut self, name: &'static str, arguments: &[At<'a>]) {
        let Some(last) = arguments.last() else {
            return;
        };
        if arguments.len() > 1 {
            let message = format!("{name} has several arguments; only the last one counts");
            self.report.warn(last, Refusal::new(message, "one argument"));
        }
        let old = self.places.get(name).map(|old| old.line.number);
        if let Some(old) = old.filter(|_| !matches!(name, "baud" | "watchdog")) {
            let message = format!("{name} was already set on line {old}; this one counts");
            self.report.warn(last, Refusal::new(message, "each of these directives once"));
        }
    }

    /// Where a scalar was last set.
    pub(in crate::config) fn place(&self, name: &str) -> Option<At<'a>> {
        self.places.get(name).cloned()
    }

    /// Whether every value of this directive was accepted.
    pub(in crate::config) fn sound(&self, name: &str) -> bool {
        !self.refused.contains(name)
    }

    /// An error of a directive that is not a scalar.
    pub(super) fn refuse(&mut self, name: &'static str, at: &At<'_>, mut refusal: Refusal) {
        refusal.message = format!("{name}: {}", refusal.message);
        self.report.refuse(at, refusal);
        self.refused.insert(name);
    }

    /// A warning of a directive that is not a scalar.
    pub(super) fn warn(&mut self, name: &'static str, at: &At<'_>, mut refusal: Refusal) {
        refusal.message = format!("{name}: {}", refusal.message);
        self.report.warn(at, refusal);
    }

    /// Whether a directive was given that declares a medium, even a wrong one.
    pub(in crate::config) fn tried_medium(&self) -> bool {
        const MEDIA: [&str; 9] =
            ["bcast", "ucast", "ucast6", "mcast", "mcast6", "serial", "ping", "ping6", "ping_group"];
        !self.config.media.is_empty() || MEDIA.iter().any(|name| self.refused.contains(name))
    }

    /// Adds a node. `false` when the name is taken or there are too many.
    pub(super) fn add_node(
        &mut self,
        directive: &'static str,
        name: String,
        kind: NodeKind,
        at: &At<'_>,
    ) -> bool {
        let same = self.config.nodes.iter().zip(&self.node_lines).find(|(node, _)| node.name == name);
        if let Some((node, line)) = same {
            let message = format!("{name:?} is already declared on line {line}");
            let refusal = Refusal::new(message, "each name once");
            match node.kind == kind {
                true => self.warn(directive, at, refusal),
                false => self.refuse(directive, at, refusal),
            }
            return false;
        }
        if self.config.nodes.len() >= MOST_NODES {
            let refusal = Refusal::new("too many nodes", "100 nodes, ping nodes included");
            self.refuse(directive, at, refusal);
            return false;
        }
        self.config.nodes.push(Node { name, kind });
        self.node_lines.push(at.line.number);
        true
    }

    /// Adds a medium unless the very same one is there.
    pub(super) fn add_medium(&mut self, medium: Medium, at: &At<'_>) {
        let name = medium.directive();
        if self.config.media.contains(&medium) {
            let refusal = Refusal::new("this medium is already declared", "each medium once");
            return self.warn(name, at, refusal);
        }
        // A ping node's name is that of its link: members would not be heard over the other one.
        let same = |known: &&Medium| known.link() == medium.link() && known.is_ping() != medium.is_ping();
        if let Some(known) = self.config.media.iter().find(same) {
            let message = format!("{:?} is the name of a {} medium", medium.link(), known.directive());
            return self.refuse(name, at, Refusal::new(message, "a ping node of another name"));
        }
        self.config.media.push(medium);
    }

    /// The recorded texts in the order of the directive table.
    pub(super) fn parameters(&self) -> Vec<(String, String)> {
        let text = |d: &Directive| self.texts.get(d.name).map(|t| (d.name.to_owned(), t.clone()));
        DIRECTIVES.iter().filter_map(text).collect()
    }
}
