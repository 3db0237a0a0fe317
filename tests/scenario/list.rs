//! The list of scenarios.

use super::config::{Config, Medium, ODD_KEY, SHA1};
use super::{Act, Scenario, Step, legacy};

pub(super) const ACQUIRED: &str = "Initial resource acquisition complete";
const PEER_STABLE: &str = "remote resource transition completed.";
const SELF_STABLE: &str = "local resource transition completed.";
const TAKEN_OVER: &str = "mach_down takeover complete.";
const HANDED_OVER: &str = "Other node completed standby takeover of";
const STANDBY_TAKEN: &str = "Standby resource acquisition done";

const PINGS_UP: [&str; 3] = [
    "Status update for node 10.80.0.9: status ping",
    "Status update for node fd80::9: status ping",
    "Status update for node gateways: status ping",
];
const PINGS_DEAD: [&str; 3] =
    ["Link 10.80.0.9:10.80.0.9 dead.", "Link fd80::9:fd80::9 dead.", "Link gateways:gateways dead."];

/// All of them.
pub(crate) fn all() -> Vec<Scenario> {
    let mut all = Vec::new();
    for failback in ["on", "off"] {
        all.push(scenario("start-alone", failback, vec![start_alone(1), joins(2, failback)]));
        for node in [1, 2] {
            all.push(scenario(
                &format!("crash-b{node}"),
                failback,
                vec![both_start(), crashes(node), returns(node, failback)],
            ));
            all.push(scenario(&format!("stop-b{node}"), failback, stop_and_start_again(node, failback)));
        }
        all.push(scenario("standby", failback, standby_tour()));
        all.push(scenario("takeover", failback, takeover_tour()));
        all.push(scenario("reload", failback, vec![both_start(), reloads(1), reloads(2)]));
        all.push(scenario("partition", failback, vec![both_start(), cut(), heal()]));
    }
    all.push(scenario(
        "loss",
        "on",
        vec![both_start(), loss(25), standby(1, "all"), standby(2, "foreign"), crashes(1)],
    ));
    all.push(Scenario {
        config: Config { pings: true, ..Config::with_failback("on") },
        ..scenario("ping", "on", ping_tour())
    });
    all.extend(matrix());
    all.extend(legacy::all());
    all.extend(roads());
    all
}

/// Whatever carries the heartbeats, the same comes of it: alone, or two of which either is cut.
fn roads() -> Vec<Scenario> {
    let alone = [
        ("serial", Medium::Serial),
        ("mcast6-link", Medium::Mcast6("ff02::694")),
        ("mcast6-site", Medium::Mcast6("ff05::694")),
        ("ucast6", Medium::Ucast6),
    ];
    let two = [
        ("serial-bcast", Medium::SerialAndBcast, "/dev/ttyHB0", "eth0"),
        ("bcast-bcast", Medium::TwoBcasts, "eth0", "eth1"),
        ("ucast-ucast", Medium::TwoUcasts, "eth0", "eth1"),
    ];
    let road = |name: &str, expected: &str, medium, steps| Scenario {
        name: format!("road-{name}"),
        expected: format!("road-{expected}"),
        config: Config { medium, ..Config::with_failback("on") },
        steps,
    };
    let alone = alone.into_iter().map(|(name, medium)| road(name, "alone", medium, alone_tour()));
    let two = two.into_iter().map(|(name, medium, a, b)| road(name, "two", medium, two_roads_tour(a, b)));
    alone.chain(two).collect()
}

fn alone_tour() -> Vec<Step> {
    vec![both_start(), standby(1, "all"), standby(2, "foreign"), crashes(1), returns(1, "on")]
}

/// No resource moves while one road is whole, and what is asked for is done by way of it.
fn two_roads_tour(first: &'static str, second: &'static str) -> Vec<Step> {
    vec![
        both_start(),
        cut_road(0, first),
        standby(1, "all"),
        heal_road(0, first),
        standby(2, "foreign"),
        cut_road(1, second),
        // away from b1, whose cable it is: an announcement that has nowhere to go waits for the cable
        standby(1, "local"),
        heal_road(1, second),
        crashes(2),
        returns(2, "on"),
    ]
}

fn cut_road(road: usize, link: &'static str) -> Step {
    let signs = [(1, format!("Link b2:{link} dead.")), (2, format!("Link b1:{link} dead."))];
    step(format!("road {} is cut", road + 1), Act::CutRoad(road), kept(signs))
}

fn heal_road(road: usize, link: &'static str) -> Step {
    let signs = [(1, format!("Link b2:{link} up.")), (2, format!("Link b1:{link} up."))];
    step(format!("road {} is whole again", road + 1), Act::HealRoad(road), kept(signs))
}

/// A few texts that are made once live as long as the test.
fn kept(signs: [(usize, String); 2]) -> Vec<(usize, &'static str)> {
    signs.map(|(node, sign)| (node, &*sign.leak())).into()
}

pub(super) fn scenario(name: &str, failback: &'static str, steps: Vec<Step>) -> Scenario {
    let name = format!("{name}-{failback}");
    Scenario { expected: name.clone(), name, config: Config::with_failback(failback), steps }
}

/// Every medium with every kind of signature and both message formats: a handover there and back.
fn matrix() -> Vec<Scenario> {
    let mut all = Vec::new();
    for (medium, medium_name) in
        [(Medium::Bcast, "bcast"), (Medium::Mcast, "mcast"), (Medium::Ucast, "ucast")]
    {
        for (key, key_name) in [("crc", "crc"), (ODD_KEY, "md5"), (SHA1, "sha1")] {
            for msgfmt in ["classic", "netstring"] {
                all.push(Scenario {
                    name: format!("media-{medium_name}-{key_name}-{msgfmt}"),
                    expected: format!("media-{msgfmt}"),
                    config: Config { medium, key, msgfmt, ..Config::with_failback("on") },
                    steps: vec![both_start(), standby(1, "all"), standby(2, "foreign")],
                });
            }
        }
    }
    all
}

/// Every word on either node, in an order in which most of them have something to move.
fn standby_tour() -> Vec<Step> {
    vec![
        both_start(),
        standby(1, "all"),
        standby(2, "foreign"),
        standby(2, "all"),
        standby(1, "foreign"),
        standby(1, "local"),
        standby(2, "local"),
    ]
}

fn takeover_tour() -> Vec<Step> {
    vec![
        both_start(),
        takeover(1, "all"),
        takeover(2, "local"),
        takeover(2, "all"),
        takeover(1, "local"),
        takeover(1, "foreign"),
        takeover(2, "foreign"),
    ]
}

/// Whatever ping nodes do moves no resource, and what moves resources does not touch them.
fn ping_tour() -> Vec<Step> {
    vec![
        both_start(),
        answer(false),
        answer(true),
        answer(false),
        crashes(1),
        returns(1, "on"),
        answer(true),
        standby(2, "all"),
    ]
}

fn answer(answer: bool) -> Step {
    let (text, signs) = match answer {
        true => ("the ping nodes answer again", PINGS_UP),
        false => ("the ping nodes fall silent", PINGS_DEAD),
    };
    let signs = signs.iter().flat_map(|sign| [(1, *sign), (2, *sign)]).collect();
    step(text.to_owned(), Act::Answer(answer), signs)
}

fn stop_and_start_again(node: usize, failback: &str) -> Vec<Step> {
    vec![both_start(), stops(node), starts_again(node, failback), stops(other(node)), stops_alone(node)]
}

pub(super) fn other(node: usize) -> usize {
    3 - node
}

pub(super) fn step(text: String, act: Act, signs: Vec<(usize, &'static str)>) -> Step {
    Step { text, act, signs, changes_only: false, end_only: false, reference_signs: vec![] }
}

fn both_start() -> Step {
    let signs = vec![(1, ACQUIRED), (2, ACQUIRED), (1, PEER_STABLE), (2, PEER_STABLE)];
    step("both nodes start".to_owned(), Act::StartBoth, signs)
}

fn start_alone(node: usize) -> Step {
    step(format!("b{node} starts alone"), Act::Start(node), vec![(node, TAKEN_OVER), (node, SELF_STABLE)])
}

fn joins(node: usize, failback: &str) -> Step {
    step(format!("b{node} joins"), Act::Start(node), return_signs(node, failback))
}

fn crashes(node: usize) -> Step {
    step(format!("b{node} crashes"), Act::Crash(node), vec![(other(node), TAKEN_OVER)])
}

fn returns(node: usize, failback: &str) -> Step {
    step(format!("b{node} returns"), Act::Return(node), return_signs(node, failback))
}

fn starts_again(node: usize, failback: &str) -> Step {
    step(format!("b{node} starts again"), Act::Start(node), return_signs(node, failback))
}

fn return_signs(node: usize, failback: &str) -> Vec<(usize, &'static str)> {
    let mut signs = vec![(node, ACQUIRED), (node, PEER_STABLE), (other(node), PEER_STABLE)];
    if failback == "on" {
        signs.extend([(node, STANDBY_TAKEN), (other(node), HANDED_OVER)]);
    }
    signs
}

fn stops(node: usize) -> Step {
    let dead = if node == 1 { "node b1: is dead" } else { "node b2: is dead" };
    step(format!("b{node} stops"), Act::Stop(node), vec![(other(node), TAKEN_OVER), (other(node), dead)])
}

pub(super) fn stops_alone(node: usize) -> Step {
    step(format!("b{node} stops, the last one"), Act::Stop(node), vec![])
}

fn standby(node: usize, what: &'static str) -> Step {
    let signs = vec![(node, HANDED_OVER), (other(node), STANDBY_TAKEN)];
    step(format!("hb_standby {what} on b{node}"), Act::Standby(node, what), signs)
}

fn takeover(node: usize, what: &'static str) -> Step {
    let signs = vec![(other(node), HANDED_OVER), (node, STANDBY_TAKEN)];
    step(format!("hb_takeover {what} on b{node}"), Act::Takeover(node, what), signs)
}

pub(super) fn reloads(node: usize) -> Step {
    let up = if node == 1 {
        "Status update for node b1: status active"
    } else {
        "Status update for node b2: status active"
    };
    step(format!("b{node} reloads"), Act::Reload(node), vec![(other(node), up), (node, PEER_STABLE)])
}

fn cut() -> Step {
    step("the cable is cut".to_owned(), Act::Cut, vec![(1, TAKEN_OVER), (2, TAKEN_OVER)])
}

fn heal() -> Step {
    let healed = "returning after partition.";
    let signs = vec![(1, healed), (2, healed)];
    // two real ones give up everything and begin anew; ours only lets go of what is at home on the other side
    let again = "Performing heartbeat restart exec.";
    let reference_signs = vec![(1, again), (2, again), (1, ACQUIRED), (2, ACQUIRED)];
    let step = step("the cable is whole again".to_owned(), Act::Heal, signs);
    Step { end_only: true, reference_signs, ..step }
}

fn loss(percent: u8) -> Step {
    step(format!("{percent} of 100 packets get lost"), Act::Loss(percent), vec![])
}
