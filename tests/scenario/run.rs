//! Take a pair through a scenario and write down what came of each step.

use std::collections::BTreeSet;
use std::time::Duration;

use super::config::Road;
use super::pings;
use super::transcript::{Heading, Transcript};
use super::{Act, Scenario, Step};
use crate::lab::network::Cable;
use crate::lab::serial::Carries;
use crate::lab::{Failure, Flavour, Lab, bail, logfile};

/// A pair is at rest when nothing of it changed for a while.
const CALM: Duration = Duration::from_millis(1500);
/// The longest anything may take; a partition's restart needs most.
const LIMIT: Duration = Duration::from_secs(60);

/// A fresh laboratory, configured for the scenario.
pub(crate) fn prepare(scenario: &Scenario, flavours: [Flavour; 2]) -> Result<Lab, Failure> {
    let mut lab = Lab::new(&scenario.name, flavours)?;
    let config = &scenario.config;
    if config.medium.has_serial() {
        lab.lay_serial_cable()?;
    }
    for node in lab.nodes() {
        node.record_calls()?;
        node.configure(&config.ha_cf(), &config.authkeys(), &config.haresources())?;
    }
    if config.pings {
        pings::prepare(&lab)?;
    }
    Ok(lab)
}

/// All steps, one after the other.
pub(crate) fn run(lab: &Lab, scenario: &Scenario) -> Result<Transcript, Failure> {
    let mut transcript = Transcript::default();
    for step in &scenario.steps {
        take(lab, scenario, step, &mut transcript)
            .map_err(|failure| failure.of(format!("step '{}'", step.text)))?;
    }
    for node in lab.nodes() {
        if !node.reboots_asked().is_empty() {
            bail!("{} wanted to reboot: {}", node.name(), node.reboots_asked());
        }
    }
    Ok(transcript)
}

/// How far the logs and the notes of both nodes had come before a step.
struct Marks {
    log: [usize; 2],
    calls: [usize; 2],
}

impl Marks {
    fn of(lab: &Lab) -> Self {
        let each = |f: &dyn Fn(usize) -> usize| [f(1), f(2)];
        Self { log: each(&|n| lab.node(n).log().len()), calls: each(&|n| lab.node(n).calls().len()) }
    }

    fn log(&self, node: usize) -> usize {
        self.log[node - 1]
    }
}

fn take(lab: &Lab, scenario: &Scenario, step: &Step, transcript: &mut Transcript) -> Result<(), Failure> {
    let marks = Marks::of(lab);
    let mut shared = BTreeSet::new();
    let attempts = attempts(scenario, step.act);
    for attempt in 1..=attempts {
        act(lab, scenario, step.act)?;
        match wait_for_signs(lab, step, &marks, LIMIT / attempts, &mut shared) {
            Ok(()) => break,
            Err(failure) if attempt == attempts => return Err(failure),
            Err(_) => {}
        }
    }
    lab.at_rest(CALM, LIMIT, &[], || note_shared(lab, &mut shared))?;
    transcript.begin(&step.text);
    for node in lab.nodes() {
        let log = node.log();
        let held: Vec<_> = node.vips().into_iter().collect();
        transcript.add(Heading::Holds, node.index(), &held.join(" "));
        if step.end_only {
            continue;
        }
        for call in node.calls().iter().skip(marks.calls[node.index() - 1]) {
            if step.changes_only && call.arguments.ends_with("status") {
                continue;
            }
            transcript.add_call(node.index(), call);
        }
        let log = logfile::after(&log, marks.log(node.index()));
        for error in logfile::errors(log) {
            transcript.add(Heading::Error, node.index(), &error);
        }
        for line in pings::said(log) {
            transcript.add(Heading::Says, node.index(), &line);
        }
    }
    let ours = lab.nodes().iter().all(|node| node.flavour() == Flavour::Ours);
    if ours && step.act == Act::StartBoth && !shared.is_empty() {
        bail!("both held {shared:?} for a time");
    }
    for address in shared.into_iter().filter(|_| !step.end_only) {
        transcript.add(Heading::Shared, 0, &address);
    }
    Ok(())
}

/// With `msgfmt netstring` the reference loses messages of scripts now and then: what its children write
/// into the FIFO spoils the message after it. An administrator would repeat the command.
fn attempts(scenario: &Scenario, act: Act) -> u32 {
    let from_a_script = matches!(act, Act::Standby(..) | Act::Takeover(..));
    if from_a_script && scenario.config.msgfmt == "netstring" { 3 } else { 1 }
}

fn wait_for_signs(
    lab: &Lab,
    step: &Step,
    marks: &Marks,
    within: Duration,
    shared: &mut BTreeSet<String>,
) -> Result<(), Failure> {
    lab.wait_until("signs in the log", within, || {
        note_shared(lab, shared);
        let missing = |(node, sign): &&(usize, &str)| {
            !logfile::after(&lab.node(*node).log(), marks.log(*node)).contains(sign)
        };
        let real = |(node, _): &&(usize, &str)| lab.node(*node).flavour() == Flavour::Reference;
        let signs = step.signs.iter().chain(step.reference_signs.iter().filter(real));
        match { signs }.find(missing) {
            None => Ok(()),
            Some((node, sign)) => Err(format!("b{node} has not logged '{sign}'")),
        }
    })
}

/// What both nodes hold at this moment.
fn note_shared(lab: &Lab, shared: &mut BTreeSet<String>) {
    let [first, second] = lab.holdings();
    shared.extend(first.intersection(&second).cloned());
}

/// A switch that passes nothing on: the links stay up. (Who has no carrier waits for it for a while before
/// addresses are announced.)
fn silence(lab: &Lab, network: usize, percent: u8) -> Result<(), Failure> {
    [1, 2].into_iter().try_for_each(|node| lab.loss(Cable { node, network }, percent))
}

fn set_road(lab: &Lab, road: Road, whole: bool) -> Result<(), Failure> {
    match (road, whole) {
        (Road::Net(network), true) => lab.heal(Cable { node: 1, network }),
        (Road::Net(network), false) => lab.cut(Cable { node: 1, network }),
        (Road::Serial, true) => lab.set_serial(Carries::All),
        (Road::Serial, false) => lab.set_serial(Carries::Nothing),
    }
}

fn act(lab: &Lab, scenario: &Scenario, act: Act) -> Result<(), Failure> {
    match act {
        Act::StartBoth => lab.nodes().iter().try_for_each(|node| node.start()),
        Act::Start(node) => lab.node(node).start(),
        Act::Stop(node) => lab.node(node).stop(),
        Act::Crash(node) => lab.crash(node),
        Act::Return(node) => {
            lab.power_on(node)?;
            lab.node(node).start()
        }
        Act::Standby(node, what) => lab.node(node).hb_standby(what),
        Act::Takeover(node, what) => lab.node(node).hb_takeover(what),
        Act::Reload(node) => {
            lab.node(node).must(&["touch", "-d", "tomorrow", "/etc/ha.d/ha.cf"])?;
            lab.node(node).must(&["/usr/libexec/heartbeat/heartbeat", "-r"]).map(drop)
        }
        Act::Cut => lab.cut(Cable { node: 1, network: 0 }),
        Act::Answer(answer) => pings::answer(lab, answer),
        Act::Loss(percent) => {
            [1, 2].into_iter().try_for_each(|node| lab.loss(Cable { node, network: 0 }, percent))
        }
        Act::Heal => lab.heal(Cable { node: 1, network: 0 }),
        Act::CutNetwork(network) => silence(lab, network, 100),
        Act::HealNetwork(network) => silence(lab, network, 0),
        Act::CutRoad(road) => set_road(lab, scenario.config.medium.roads()[road], false),
        Act::HealRoad(road) => set_road(lab, scenario.config.medium.roads()[road], true),
    }
}
