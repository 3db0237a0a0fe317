//! First law: the deciding code is pure. It names no socket, file, process, thread, clock, runtime or log.

use crate::tokens::{Name, names, shipped, test_modules};
use crate::tree::{File, rust_below};
use std::collections::BTreeSet;

/// Paths that touch the world outside, with everything below them. The hash tables are here because their order
/// is chance: a run played back would go another way.
const FORBIDDEN: [&str; 29] = [
    "fastrand",
    "libc",
    "netlink_packet_core",
    "netlink_packet_route",
    "netlink_sys",
    "nix",
    "socket2",
    "std::collections::HashMap",
    "std::collections::HashSet",
    "std::env",
    "std::fs",
    "std::hash::RandomState",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os",
    "std::process",
    "std::sync",
    "std::thread",
    "std::time::SystemTime",
    "tokio",
    "tracing",
    "tracing_subscriber",
    "std::net::*",
    "std::*",
];

/// Macros that speak to the world outside.
const MACROS: [&str; 6] = ["println!", "print!", "eprintln!", "eprint!", "dbg!", "thread_local!"];

/// Ends of paths that do, however they were imported.
const CALLS: [&str; 4] = ["Instant::now", "SystemTime::now", "UNIX_EPOCH", "Rng::new"];

/// Exceptions: pure after all. Chance is, where its seed was given in.
const ALLOWED: [&str; 5] =
    ["fastrand::Rng", "std::os::unix::ffi", "std::sync::Arc", "std::sync::LazyLock", "std::sync::OnceLock"];

/// Rooms, and rooms of rooms, that are pure as a whole.
const PURE: [&str; 12] = [
    "src/wire",
    "src/config",
    "src/engine",
    "src/api",
    "src/respawn",
    "src/record",
    "src/director/alert/plan",
    "src/director/config",
    "src/director/daemon/core",
    "src/director/table",
    "src/director/plan",
    "src/director/ipvs/wire",
];

/// Single files that are pure.
const PURE_FILES: [&str; 5] =
    ["src/getopt.rs", "src/level.rs", "src/netlink/frame.rs", "src/number.rs", "src/paths.rs"];

/// The files of the pure rooms that ship.
fn pure_files() -> Vec<File> {
    let whole = PURE.into_iter().flat_map(rust_below);
    let planned = ["src/resources", "src/agents", "src/ipfail", "src/dopd"];
    let plans = planned.into_iter().flat_map(rust_below).filter(|f| is_plan(&f.path));
    let single = rust_below("src").into_iter().filter(|f| PURE_FILES.contains(&&*f.path));
    let files: Vec<File> = whole.chain(plans).chain(single).collect();
    let tests: BTreeSet<String> = files.iter().flat_map(test_files).collect();
    files
        .into_iter()
        .filter(|f| {
            !tests.iter().any(|t| f.path == format!("{t}.rs") || f.path.starts_with(&format!("{t}/")))
        })
        .collect()
}

/// `plan.rs`, `plan_address.rs`, `plan/…` are the pure half of their room.
fn is_plan(path: &str) -> bool {
    path.splitn(3, '/').nth(2).is_some_and(|inside| inside.starts_with("plan"))
}

/// The paths, without `.rs`, of the modules this file declares for tests only.
fn test_files(file: &File) -> Vec<String> {
    let stem = file.path.trim_end_matches(".rs");
    let home = stem.strip_suffix("/mod").unwrap_or(stem);
    test_modules(&file.text).into_iter().map(|name| format!("{home}/{name}")).collect()
}

/// Each forbidden name of one file, as `path:line: name`.
pub(crate) fn breaches(path: &str, source: &str) -> Vec<String> {
    let tell = |n: Name| format!("{path}:{}: {}", n.line, n.path);
    names(&shipped(source)).into_iter().filter(|n| is_forbidden(&n.path)).map(tell).collect()
}

fn is_forbidden(path: &str) -> bool {
    let under = |list: &[&str]| list.iter().any(|p| path == *p || path.starts_with(&format!("{p}::")));
    let call = CALLS.iter().any(|c| path == *c || path.ends_with(&format!("::{c}")));
    call || MACROS.contains(&path) || path == "std" || (under(&FORBIDDEN) && !under(&ALLOWED))
}

#[test]
fn the_deciding_code_is_pure() {
    let files = pure_files();
    for room in PURE {
        assert!(files.iter().any(|f| f.path.starts_with(room)), "{room} was not found");
    }
    let found: Vec<String> = files.iter().flat_map(|f| breaches(&f.path, &f.text)).collect();
    crate::hold("the pure rooms touch the outside world", &found);
}

#[test]
fn this_law_can_fail() {
    let bad = [
        "use tokio::net::UdpSocket;",
        "use std::{fmt, fs};",
        "use std::{net::{IpAddr, UdpSocket}};",
        "use std::net::*;",
        "use std as s;",
        "fn f() { let _ = std::process::id(); }",
        "use std::time::Instant; fn f() { Instant::now(); }",
        "fn f() { let _ = std::time::SystemTime::now(); }",
        "use std::thread;",
        "fn f() { std::env::var(\"X\").ok(); }",
        "fn f() { println!(\"x\"); }",
        "fn f() { let s = \"//\"; nix::unistd::getpid(); }",
        "use std::sync::Mutex;",
        "use std::collections::{BTreeMap, HashMap};",
        "fn f() { fastrand::u8(..); }",
        "fn f() { fastrand::Rng::new(); }",
    ];
    for source in bad {
        assert!(!breaches("x.rs", source).is_empty(), "not noticed: {source}");
    }
    let good = [
        "use std::time::{Duration, Instant}; fn f(now: Instant) {}",
        "use std::net::{IpAddr, Ipv4Addr};",
        "// std::fs\nfn f() {}",
        "#[cfg(test)]\nmod tests { use std::fs; }",
        "fn f(s: &S) { s.process(); let fs = 1; }",
        "use std::io::Write; use std::sync::Arc;",
        "fn f() { fastrand::Rng::with_seed(7); }",
    ];
    for source in good {
        assert_eq!(breaches("x.rs", source), Vec::<String>::new(), "wrongly noticed: {source}");
    }
}

#[test]
fn plans_are_known_by_their_name() {
    assert!(is_plan("src/agents/plan.rs") && is_plan("src/resources/plan/order.rs"));
    assert!(!is_plan("src/agents/run.rs") && !is_plan("src/agents/ip/plan.rs"));
}
