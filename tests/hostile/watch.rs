//! What must not move under fire, and what may not grow.

use crate::lab::{Flavour, Lab};
use std::collections::BTreeSet;
use std::time::Instant;

/// Kilobytes of memory that a daemon may have more than before.
const MORE_MEMORY: u64 = 8 * 1024;
/// Lines of the log: a second of fire, and what the rest of the story says.
const LINES_A_SECOND: u64 = 8;
const LINES_OF_THE_STORY: u64 = 300;
/// Bytes of a line, on the average.
const LONG_LINE: u64 = 400;

/// A daemon of ours as it was.
struct Subject {
    node: usize,
    process: String,
    memory: u64,
    log: usize,
}

/// The pair as it was before.
pub(crate) struct Watch {
    subjects: Vec<Subject>,
    vips: Vec<BTreeSet<String>>,
    since: Instant,
}

impl Watch {
    /// Looks at both nodes; daemons are examined where they are ours.
    pub(crate) fn begin(lab: &Lab, flavours: [Flavour; 2]) -> Self {
        let ours = (1..).zip(flavours).filter(|(_, flavour)| *flavour == Flavour::Ours);
        let subject = |(node, _)| Subject {
            node,
            process: process(lab, node),
            memory: memory(lab, node),
            log: lab.node(node).log().len(),
        };
        let vips = lab.nodes().iter().map(|node| node.vips()).collect();
        Self { subjects: ours.map(subject).collect(), vips, since: Instant::now() }
    }

    /// Addresses where they were, nobody dead, the same processes, and they answer.
    pub(crate) fn unmoved(&self, lab: &Lab, what: &str) {
        for (node, vips) in lab.nodes().iter().zip(&self.vips) {
            assert_eq!(&node.vips(), vips, "{what}: addresses of {}", node.name());
        }
        for Subject { node, .. } in &self.subjects {
            self.same_process(lab, *node, what);
            for name in ["b1", "b2"] {
                assert_eq!(status_of(lab, *node, name), "active", "{what}: {name}, asked on node {node}");
            }
            assert_eq!(holdings(lab, *node), "local", "{what}: node {node}");
            let new = self.new_log(lab, *node);
            assert!(!new.contains("is dead"), "{what}: node {node}:\n{new}");
        }
    }

    /// What the log of a node says since.
    fn new_log(&self, lab: &Lab, node: usize) -> String {
        let known = self.subjects.iter().find(|s| s.node == node).map_or(0, |s| s.log);
        lab.node(node).log().get(known..).unwrap_or_default().to_owned()
    }

    /// The process that was there before.
    pub(crate) fn same_process(&self, lab: &Lab, node: usize, what: &str) {
        let before = self.subjects.iter().find(|s| s.node == node).map(|s| s.process.as_str());
        assert_eq!(Some(process(lab, node).as_str()), before, "{what}: the daemon of node {node}");
    }

    /// Memory and log.
    pub(crate) fn bounded(&self, lab: &Lab) {
        self.subjects.iter().for_each(|subject| self.bounded_on(lab, subject.node));
    }

    /// The same of one node.
    pub(crate) fn bounded_on(&self, lab: &Lab, node: usize) {
        let lines = LINES_OF_THE_STORY + self.since.elapsed().as_secs() * LINES_A_SECOND;
        let before = self.subjects.iter().find(|s| s.node == node).map_or(0, |s| s.memory);
        let (now, new) = (memory(lab, node), self.new_log(lab, node));
        let count = new.lines().count() as u64;
        println!("node {node}: {before} kB, then {now} kB; {count} lines, {} bytes of log", new.len());
        assert!(now <= before + MORE_MEMORY, "node {node}: {before} kB, then {now} kB");
        let first = new.lines().take(20).collect::<Vec<_>>().join("\n");
        assert!(count <= lines, "node {node}: {count} lines of log, the first of them:\n{first}");
        assert!(new.len() as u64 <= lines * LONG_LINE, "node {node}: {} bytes of log", new.len());
        assert!(new.is_ascii() && !new.contains('\x1b'), "node {node}: a log that is no text");
    }
}

/// Process id and moment of its start.
fn process(lab: &Lab, node: usize) -> String {
    let node = lab.node(node);
    let pid = node.read("/run/heartbeat.pid").trim().to_owned();
    let stat = node.read(&format!("/proc/{pid}/stat"));
    let start = stat.rsplit(')').next().unwrap_or_default().split_whitespace().nth(19).unwrap_or("none");
    format!("{pid} started at {start}")
}

/// Resident memory of the daemon in kilobytes.
fn memory(lab: &Lab, node: usize) -> u64 {
    let node = lab.node(node);
    let pid = node.read("/run/heartbeat.pid").trim().to_owned();
    let status = node.read(&format!("/proc/{pid}/status"));
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// What `cl_status nodestatus` says.
pub(crate) fn status_of(lab: &Lab, node: usize, whom: &str) -> String {
    let output = lab.node(node).run(&["cl_status", "nodestatus", whom]).unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// What `cl_status rscstatus` says.
pub(crate) fn holdings(lab: &Lab, node: usize) -> String {
    let output = lab.node(node).run(&["cl_status", "rscstatus"]).unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
