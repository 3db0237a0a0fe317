//! The fuzz targets, driven without a fuzzer: everything in their corpora, what the tests have recorded
//! besides, and a number of random changes of it, the same in every run. `FUZZ_ROUNDS` makes it longer;
//! `scripts/fuzz` drives the same functions by libFuzzer, which sees where it comes to.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

use heartbeat::agents::netlink::fuzz::fuzz_netlink;
use heartbeat::api::fuzz::fuzz_frames;
use heartbeat::config::fuzz::{fuzz_authkeys, fuzz_ha_cf, fuzz_haresources};
use heartbeat::director::fuzz::{fuzz_dialogue, fuzz_expression, fuzz_http, fuzz_ipvs, fuzz_ldirectord_cf};
use heartbeat::engine::fuzz::fuzz_engine;
use heartbeat::media::fuzz::fuzz_echo;
use heartbeat::wire::fuzz::{fuzz_decode, fuzz_inflate, fuzz_parse, fuzz_signed, fuzz_stream};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A target: its name, the function, what it can begin with besides its corpus (parts of paths), and words that
/// mean something to it.
type Target = (&'static str, fn(&[u8]), &'static [&'static str], &'static [&'static str]);

const WIRE: &[&str] = &[
    ">>>\n",
    "<<<\n",
    "###\n",
    "%%%\n",
    "(0)t=",
    "(1)",
    "(2)x=",
    "(3)l=1:a,",
    "\nauth=1 ",
    "7:(0)a=b,",
    "=",
    ",",
    "99999999999999999999:",
    "\x14",
    "\x13",
    "\0",
    "\n",
    "16:(2)x=###\n%%%\n,",
    "_compressed_payload=",
    "(4)",
    "(5)",
];
const CONFIG: &[&str] = &[
    "keepalive ",
    "deadtime 500ms\n",
    "node b1 b2\n",
    "bcast eth0\n",
    "ucast eth0 10.1.1.2\n",
    "auth 1\n",
    "1 sha1 TopSecret\n",
    "2 crc\n",
    "b1 10.0.0.5/24/eth0 ",
    "::",
    "\\\n",
    "#",
    "\t",
    "\r\n",
    "99999999999",
    "apiauth x uid=root\n",
    "mcast eth0 239.0.0.1 694 1 0\n",
    "stonith_host b1 ",
    "respawn root /bin/true\n",
    "serial /dev/ttyS0\n",
];

const LDIRECTORD: &[&str] = &[
    "virtual=10.0.0.1:80\n\t",
    "virtual6=[2001:db8::5]:80\n\t",
    "\n\t",
    "\n    ",
    "real=10.0.0.2->10.0.0.9:80 gate 5 \"a\", \"b\" l:1 u:2",
    "fallback=127.0.0.1",
    "receive=\"",
    "passwd=\"TopSecret\"",
    "checktype=",
    "=",
    "\"",
    "#",
    "99999999999",
    "yes",
];
const EXPRESSION: &[&str] = &[
    "(?", "(", ")", "[", "[^", "]", "\\", "{,3}", "*", "+", "?", "|", "$", "^", "\\x{", "(?i)", "(?<n>",
    "\\k<n>",
];
const HTTP: &[&str] = &[
    "\r\n",
    "\r\n\r\n",
    "HTTP/1.1 100 x\n\n",
    "Transfer-Encoding: chunked\r\n",
    "Content-Length: ",
    "ffff\r\n",
    "0\r\n",
];

const DIALOGUE: &[&str] = &[
    "\0",
    "\u{1}",
    "\0\0\0\u{4}",
    "0\u{c}\u{2}\u{1}\u{1}a\u{7}\n\u{1}\0\u{4}\0\u{4}\0",
    "mysql_native_password\0",
    "caching_sha2_password\0",
    "R\0\0\0\u{8}\0\0\0\0",
    "Z\0\0\0\u{5}I",
    "SCRAM-SHA-256\0\0",
    "r=AAAAAAAAAAAAAAAAAAAAAA==x,s=AAAA,i=9",
];

const TARGETS: [Target; 17] = [
    ("wire_decode", fuzz_decode, &["tests/vectors/"], WIRE),
    ("wire_signed", fuzz_signed, &["tests/vectors/"], WIRE),
    ("wire_parse", fuzz_parse, &["tests/vectors/"], WIRE),
    ("wire_stream", fuzz_stream, &["tests/vectors/v213_"], WIRE),
    ("wire_inflate", fuzz_inflate, &[], &["###\n", "%%%\n", "BZh9", "x\x01"]),
    ("authkeys", fuzz_authkeys, &["ha.d-examples/"], CONFIG),
    ("ha_cf", fuzz_ha_cf, &["ha.d-examples/"], CONFIG),
    ("haresources", fuzz_haresources, &["ha.d-examples/"], CONFIG),
    ("api_frames", fuzz_frames, &["tests/vectors/v213_crc"], WIRE),
    ("netlink", fuzz_netlink, &[], &["\0\0\0\0", "\u{1}\0\0\0"]),
    ("echo", fuzz_echo, &["tests/vectors/sha1_icmp"], &["\0\0\0\0", "E\0"]),
    ("ldirectord_cf", fuzz_ldirectord_cf, &["tests/vectors/ldirectord/scenarios"], LDIRECTORD),
    ("expression", fuzz_expression, &[], EXPRESSION),
    ("ipvs", fuzz_ipvs, &[], &["\0\0\0\0", "\u{1}\0\0\0", "\u{8}\0\u{2}\0"]),
    ("http", fuzz_http, &[], HTTP),
    ("dialogue", fuzz_dialogue, &[], DIALOGUE),
    ("engine", fuzz_engine, &["tests/vectors/sha1_"], &["\u{4}\0\u{2}", "\u{3}", "\u{5}\u{4}", "\u{b}"]),
];
/// Changes of each beginning, at most so many of a target.
const ROUNDS: usize = 3000;
/// No input is longer.
const LONGEST: usize = 8192;

fn home() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { files(&path) } else { vec![path] }
        })
        .collect();
    found.sort();
    found
}

/// What a target begins with: its corpus, and files of the tests whose path begins so.
fn beginnings(name: &str, seeds: &[&str]) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths = files(&home().join("fuzz/corpus").join(name));
    assert!(!paths.is_empty(), "fuzz/corpus/{name} is empty");
    for seed in seeds {
        let (directory, _) = seed.rsplit_once('/').unwrap();
        let wanted = home().join(directory);
        let start = home().join(seed);
        let start = start.to_str().unwrap();
        let all = files(&wanted).into_iter();
        paths.extend(all.filter(|path| path.to_str().unwrap().starts_with(start.trim_end_matches('/'))));
    }
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Some change of it.
fn changed(bytes: &[u8], other: &[u8], words: &[&str], chance: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..chance.usize(1..6) {
        let at = chance.usize(..=bytes.len());
        let end = (at + chance.usize(..16)).min(bytes.len());
        match chance.u8(..8) {
            0 | 1 if at < bytes.len() => bytes[at] = chance.u8(..),
            2 if at < bytes.len() => bytes[at] ^= 1 << chance.u8(..8),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let again = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, again));
            }
            5 => bytes.truncate(at),
            6 => {
                let from = chance.usize(..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => drop(bytes.splice(at..at, words[chance.usize(..words.len())].bytes())),
        }
    }
    bytes.truncate(LONGEST);
    bytes
}

/// Shows what was fed when a target falls over it.
struct Trace<'a>(&'a str, &'a [u8]);

impl Drop for Trace<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{} fell over: {}", self.0, self.1.escape_ascii());
        }
    }
}

fn drive(target: fn(&[u8]), what: &str, bytes: &[u8]) {
    let _trace = Trace(what, bytes);
    target(bytes);
}

fn rounds() -> usize {
    std::env::var("FUZZ_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS)
}

#[test]
fn every_target_survives_its_corpus_and_what_is_made_of_it() {
    for (name, target, seeds, words) in TARGETS {
        let all = beginnings(name, seeds);
        for (path, bytes) in &all {
            drive(target, &format!("{name} {}", path.display()), bytes);
        }
        let mut chance = fastrand::Rng::with_seed(1);
        for _ in 0..rounds() {
            let (one, other) = (&all[chance.usize(..all.len())].1, &all[chance.usize(..all.len())].1);
            let bytes = changed(one, other, words, &mut chance);
            drive(target, name, &bytes);
        }
    }
}

#[test]
fn the_package_has_the_same_targets() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    let stems = |place: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(home().join("fuzz").join(place)).unwrap();
        entries.map(|e| e.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(stems("fuzz_targets"), names);
    assert_eq!(stems("corpus"), names);
    let manifest = fs::read_to_string(home().join("fuzz/Cargo.toml")).unwrap();
    let listed = manifest.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    assert_eq!(listed.skip(1).map(str::to_owned).collect::<BTreeSet<_>>(), names);
}
