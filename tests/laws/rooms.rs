//! Who may know whom. No circles.

use crate::tokens::{names, shipped};
use crate::tree::rust_below;
use std::collections::{BTreeMap, BTreeSet};

/// A room and the rooms it may name. `level` and `paths` hold only names, `getopt` and `number` ways to read
/// text: everybody may know them.
const MAY_KNOW: [(&str, &[&str]); 23] = [
    ("level", &[]),
    ("paths", &[]),
    ("getopt", &[]),
    ("number", &[]),
    ("wire", &[]),
    ("config", &[]),
    ("sys", &[]),
    ("netlink", &[]),
    ("engine", &["wire", "config"]),
    ("logging", &["sys", "config"]),
    ("media", &["sys", "config", "logging"]),
    ("agents", &["sys", "netlink", "config", "logging"]),
    ("resources", &["sys", "config", "logging", "engine", "wire", "agents"]),
    ("api", &["wire", "config", "engine"]),
    ("respawn", &[]),
    ("record", &["wire", "engine"]),
    ("cl_respawn", &["sys", "logging"]),
    ("client", &["wire", "api"]),
    ("cl_status", &["client", "wire", "logging", "config"]),
    ("ipfail", &["client", "wire", "logging", "config"]),
    ("director", &["config", "sys", "netlink", "logging"]),
    ("dopd", &["client", "wire", "api", "logging", "config"]),
    (
        "daemon",
        &[
            "sys",
            "netlink",
            "config",
            "logging",
            "engine",
            "wire",
            "media",
            "resources",
            "agents",
            "api",
            "respawn",
            "record",
        ],
    ),
];
const ANYBODY_KNOWS: [&str; 4] = ["level", "paths", "getopt", "number"];

type Graph = BTreeMap<String, BTreeSet<String>>;

/// `src/wire/mod.rs` and `src/wire.rs` are in the room `wire`.
fn room_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let room = inside.split('/').next()?.trim_end_matches(".rs");
    (!["lib", "main", "bin"].contains(&room)).then_some(room)
}

/// The rooms that this source names as `crate::ROOM`.
fn named_rooms(source: &str) -> BTreeSet<String> {
    let rooms = names(&shipped(source)).into_iter();
    rooms.filter_map(|n| Some(n.path.strip_prefix("crate::")?.split("::").next()?.to_owned())).collect()
}

fn graph<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Graph {
    let mut graph = Graph::new();
    for (path, source) in files {
        let Some(room) = room_of(path) else { continue };
        let known = graph.entry(room.to_owned()).or_default();
        known.extend(named_rooms(source).into_iter().filter(|r| r != room));
    }
    graph
}

/// Rooms nobody gave a place to, and rooms that name one they may not.
fn breaches(graph: &Graph) -> Vec<String> {
    let mut found = Vec::new();
    for (room, known) in graph {
        let Some((_, may)) = MAY_KNOW.iter().find(|(r, _)| r == room) else {
            found.push(format!("src/{room}: a new room: say in tests/laws/rooms.rs whom it may know"));
            continue;
        };
        let bad = known.iter().filter(|k| !may.contains(&&***k) && !ANYBODY_KNOWS.contains(&&***k));
        found.extend(bad.map(|k| format!("{room} may not know {k}")));
    }
    found
}

/// A room that can be reached from itself.
fn circles(graph: &Graph) -> Vec<String> {
    let reach = |start: &String| {
        let mut seen = BTreeSet::new();
        let mut todo: Vec<&String> = graph.get(start).into_iter().flatten().collect();
        while let Some(room) = todo.pop() {
            if seen.insert(room) {
                todo.extend(graph.get(room).into_iter().flatten());
            }
        }
        seen.contains(start)
    };
    graph.keys().filter(|room| reach(room)).map(|room| format!("{room} is part of a circle")).collect()
}

#[test]
fn nobody_knows_whom_he_may_not() {
    let files = rust_below("src");
    let graph = graph(files.iter().map(|f| (&*f.path, &*f.text)));
    crate::hold("a room knows one it may not", &breaches(&graph));
    crate::hold("rooms know each other in a circle", &circles(&graph));
}

#[test]
fn this_law_can_fail() {
    let of = |path, text| graph([(path, text)].into_iter());
    assert_eq!(breaches(&of("src/wire/x.rs", "use crate::engine::Hold;")), ["wire may not know engine"]);
    assert_eq!(
        breaches(&of("src/media/x.rs", "fn f() { crate::engine::g() }")),
        ["media may not know engine"]
    );
    assert_eq!(breaches(&of("src/attic/x.rs", "")).len(), 1);
    assert!(breaches(&of("src/engine/x.rs", "use crate::{level::Level, wire};")).is_empty());
    assert!(breaches(&of("src/bin/x.rs", "use crate::engine;")).is_empty());
    let two = [("src/wire/a.rs", "use crate::config::X;"), ("src/config/b.rs", "use crate::wire::Y;")];
    assert_eq!(circles(&graph(two.into_iter())).len(), 2);
}
