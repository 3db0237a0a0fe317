//! The list for `auto_failback legacy`: own groups are asked for with `ip-request`, one after the other.

use super::config::{Config, Medium};
use super::list::{ACQUIRED, other, reloads, scenario, step, stops_alone};
use super::{Act, Scenario, Step};

const TAKEN_OVER: &str = "mach_down takeover complete for node";
/// The last word of the exchange by which a node gets its own group.
const GRANTED: &str = "received ip-request-resp";

pub(super) fn all() -> Vec<Scenario> {
    let mut all = Vec::new();
    for node in [1, 2] {
        let peer = other(node);
        let crash = vec![start_alone(peer), joins(node), crashes(node), returns(node)];
        all.push(scenario(&format!("crash-b{node}"), "legacy", crash));
        let stop = vec![both_start(), stops(node), joins(node), stops(peer), stops_alone(node)];
        all.push(scenario(&format!("stop-b{node}"), "legacy", stop));
    }
    all.push(scenario("reload", "legacy", vec![both_start(), reload(1), reload(2)]));
    all.push(scenario("partition", "legacy", vec![both_start(), cut(0), heal(0)]));
    all.push(with(
        "groups",
        |config| config.many_groups = true,
        vec![start_alone(1), joins(2), crashes(2), returns(2)],
    ));
    all.push(with("networks", |config| config.medium = Medium::TwoBcasts, two_networks()));
    for (medium, name) in [(Medium::Mcast, "media-mcast"), (Medium::Ucast, "media-ucast")] {
        let steps = vec![start_alone(2), joins(1), stops(1), joins(1)];
        let expected = "media-legacy".to_owned();
        all.push(Scenario { expected, ..with(name, |config| config.medium = medium, steps) });
    }
    all
}

fn with(name: &str, change: impl Fn(&mut Config), steps: Vec<Step>) -> Scenario {
    let mut scenario = scenario(name, "legacy", steps);
    change(&mut scenario.config);
    scenario
}

/// Either cable alone is enough; both cut make a partition.
fn two_networks() -> Vec<Step> {
    let link = |network: usize, cut: bool| {
        let (text, act) = match cut {
            true => (format!("the cable of eth{network} is cut"), Act::CutNetwork(network)),
            false => (format!("the cable of eth{network} is whole again"), Act::HealNetwork(network)),
        };
        let signs = match (network, cut) {
            (0, true) => [(1, "Link b2:eth0 dead."), (2, "Link b1:eth0 dead.")],
            (0, false) => [(1, "Link b2:eth0 up."), (2, "Link b1:eth0 up.")],
            (_, true) => [(1, "Link b2:eth1 dead."), (2, "Link b1:eth1 dead.")],
            (_, false) => [(1, "Link b2:eth1 up."), (2, "Link b1:eth1 up.")],
        };
        step(text, act, signs.to_vec())
    };
    vec![
        start_alone(1),
        joins(2),
        link(0, true),
        stops(2),
        joins(2),
        link(0, false),
        crashes(1),
        returns(1),
        link(1, true),
        cut(0),
        heal(0),
    ]
}

/// Which of the two asks the other, and which takes its groups unasked, is chance.
fn both_start() -> Step {
    let signs = vec![(1, ACQUIRED), (2, ACQUIRED), (1, GRANTED), (2, GRANTED)];
    Step { end_only: true, ..step("both nodes start".to_owned(), Act::StartBoth, signs) }
}

fn start_alone(node: usize) -> Step {
    step(format!("b{node} starts alone"), Act::Start(node), vec![(node, TAKEN_OVER)])
}

fn joins(node: usize) -> Step {
    step(format!("b{node} comes up"), Act::Start(node), vec![(node, GRANTED)])
}

fn crashes(node: usize) -> Step {
    step(format!("b{node} crashes"), Act::Crash(node), vec![(other(node), TAKEN_OVER)])
}

fn returns(node: usize) -> Step {
    step(format!("b{node} comes up"), Act::Return(node), vec![(node, GRANTED)])
}

/// The peer takes over at the goodbye, and again at the death.
fn stops(node: usize) -> Step {
    let dead = if node == 1 { "node b1: is dead" } else { "node b2: is dead" };
    let signs = vec![(other(node), TAKEN_OVER), (other(node), dead)];
    step(format!("b{node} stops"), Act::Stop(node), signs)
}

/// No word tells that a reload is over in this mode; nothing may move, and calm follows.
fn reload(node: usize) -> Step {
    let mut step = reloads(node);
    step.signs.retain(|(at, _)| *at != node);
    step
}

fn cut(network: usize) -> Step {
    let signs = vec![(1, TAKEN_OVER), (2, TAKEN_OVER)];
    step("the cable is cut".to_owned(), Act::CutNetwork(network), signs)
}

/// Both give up everything and begin anew, at the same time.
fn heal(network: usize) -> Step {
    let again = "Performing heartbeat restart exec.";
    let signs = vec![(1, again), (2, again), (1, ACQUIRED), (2, ACQUIRED), (1, GRANTED), (2, GRANTED)];
    let step = step("the cable is whole again".to_owned(), Act::HealNetwork(network), signs);
    Step { end_only: true, ..step }
}
