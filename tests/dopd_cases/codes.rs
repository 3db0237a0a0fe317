//! Which code comes of what.

use crate::lab::{Flavour, missing};
use crate::world::{Ours, Reference, World, wait_until};

/// Who asks, who is asked first, who is asked over the cluster.
const MIXED: [[Flavour; 3]; 5] = [
    [Ours, Ours, Ours],
    [Ours, Reference, Reference],
    [Reference, Ours, Reference],
    [Reference, Reference, Ours],
    [Reference, Ours, Ours],
];

/// What `drbdadm` ends with and who is asked; the peers are asked with 0.
fn codes(world: &World, [handler, here, there]: [Flavour; 3]) -> Vec<String> {
    let mut found = Vec::new();
    world.dopd(2, there);
    let mut case = |exit: &str, peer: &str| {
        world.node(2).write("/etc/drbdrc", exit, 0o644).unwrap();
        world.dopd(1, here);
        found.push(format!("{exit} {peer}: {:?}", world.rc(handler, peer, "r0")));
    };
    for exit in ["0", "5", "17", "1", "3", "127", "255"] {
        case(exit, "b2");
    }
    for peer in ["b1", "b3", "10.80.0.9", "nobody", ""] {
        case("0", peer);
    }
    found
}

#[test]
fn every_pair_gives_the_same_codes() {
    if missing(&[Reference]) {
        return;
    }
    let world = World::new("dopd-codes");
    let reference = codes(&world, [Reference; 3]);
    println!("{reference:#?}");
    assert!(reference.contains(&"0 b2: Some(4)".to_owned()), "{reference:#?}");
    for mixture in MIXED {
        let found = codes(&world, mixture);
        let log = world.node(1).read("/var/log/lab/dopd-log");
        assert_eq!(found, reference, "{mixture:?}; b1 said:\n{log}");
    }
    // The reference passes the name on as it was spelt, and its daemon delivers that by chance.
    world.dopd(2, Ours);
    world.dopd(1, Ours);
    assert_eq!(world.rc(Ours, "B2", "r0"), Some(4));
    assert_eq!(world.rc(Ours, "B1", "r0"), Some(5));
}

#[test]
fn one_handler_for_a_resource_at_a_time_and_each_as_long_as_it_was_told() {
    if missing(&[Reference]) {
        return;
    }
    let world = World::new("dopd-busy");
    let mut seconds = Vec::new();
    for flavour in [Reference, Ours] {
        world.dopd(2, flavour);
        world.dopd(1, flavour);
        let before = world.calls().len();
        world.hold("r0", true);
        world.start_outdater(flavour, "r0");
        wait_until("drbdadm runs", || world.calls().len() > before);
        seconds.push(world.rc(flavour, "b2", "r0"));
        world.hold("r0", false);
        if flavour == Ours {
            assert_eq!(world.rc_of("r0"), "4");
        }
    }
    assert_eq!(seconds, [Some(21), Some(21)]);

    for (limit, held) in [("1", true), ("0", false), ("abc", false), ("-1", false)] {
        let ends = [Reference, Ours].map(|flavour| {
            world.dopd(2, flavour);
            world.dopd(1, flavour);
            if held {
                world.hold("r5", true);
            }
            let code = world.outdater(flavour, &["-p", "b2", "-r", "r5", "-t", limit]).status.code();
            if held {
                world.hold("r5", false);
            }
            code
        });
        assert_eq!(ends[0], ends[1], "-t {limit}");
    }
}

#[test]
fn the_handlers_words_are_the_same() {
    if missing(&[Reference]) {
        return;
    }
    let world = World::new("dopd-words");
    let cases: [&[&str]; 16] = [
        &[],
        &["-h"],
        &["--help"],
        &["-x"],
        &["-ht5"],
        &["-p", "b2"],
        &["-r", "r0"],
        &["-r", "r0", "-p"],
        &["-r", "r0", "-p", "b2", "-t"],
        &["-r", "r0", "-p", "b2", "-h"],
        &["-rr0", "-pb2", "-x"],
        &["-rr0", "--", "-pb2"],
        &["-rr0", "-pb2"],
        &["word", "-rr0", "-pb2", "-t3"],
        &["-", "-rr0", "-pb2", "-t3"],
        &["-r", "", "-p", "", "-t", "0"],
    ];
    for words in cases {
        let said = [Ours, Reference].map(|flavour| {
            let output = world.outdater(flavour, words);
            let errors = String::from_utf8_lossy(&output.stderr)
                .replace("/usr/local/ours/", "/usr/libexec/heartbeat/");
            (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned(), errors)
        });
        assert_eq!(said[0], said[1], "{words:?}");
    }
}
