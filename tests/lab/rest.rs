//! When a pair is at rest: nothing of it has changed for a while, and no script runs.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::{Failure, Lab, Node, logfile};

/// Processes of a node at rest: the one that holds the namespaces, and the daemon's.
const AT_REST: [&str; 3] = ["cat", "heartbeat", "ha_watcher"];

/// What is seen of a node.
#[derive(PartialEq)]
struct Look {
    held: BTreeSet<String>,
    calls: usize,
    log: usize,
    processes: Vec<String>,
}

impl Look {
    fn at(node: &Node) -> Self {
        let mut processes = node.processes();
        processes.sort();
        Self { held: node.vips(), calls: node.calls().len(), log: logfile::weight(&node.log()), processes }
    }
}

/// The processes that are none of a daemon's.
pub(crate) fn scripts(node: &Node) -> Vec<String> {
    let mut names = node.processes();
    names.retain(|name| !AT_REST.contains(&name.as_str()));
    names
}

impl Lab {
    /// Waits until neither logs nor calls of scripts, processes or addresses of the nodes have changed for so long, and
    /// no process runs that is not the daemon's or one of `clients`. `meanwhile` is done at each look.
    pub(crate) fn at_rest(
        &self,
        calm: Duration,
        within: Duration,
        clients: &[&str],
        mut meanwhile: impl FnMut(),
    ) -> Result<(), Failure> {
        let look = || self.nodes().iter().map(Look::at).collect::<Vec<_>>();
        let known = |name: &str| AT_REST.contains(&name) || clients.contains(&name);
        let (mut last, mut since) = (look(), Instant::now());
        self.wait_until("at rest", within, || {
            let now = look();
            meanwhile();
            let busy: Vec<_> =
                now.iter().flat_map(|look| &look.processes).filter(|name| !known(name)).cloned().collect();
            if now != last || !busy.is_empty() {
                (last, since) = (now, Instant::now());
            }
            if since.elapsed() >= calm {
                Ok(())
            } else {
                Err(format!("something still changes; running: {busy:?}"))
            }
        })
    }
}
